"""What was counted and what happened, in one shape, and where they differ."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from exporter.catalogue import ALL, BY_NAME
from exporter.catalogue.model import MICRO
from exporter.catalogue.runs import ACTIVE_RUNS, RUN_FAILURES, RUNS, SCHEDULE_MISSED
from exporter.platforms import labels as safe
from tools.chaos.deck import Bend

Labels = frozenset[tuple[str, str]]
Key = tuple[str, Labels]
Numbers = Counter[Key]
"""Sample name and labels (without platform and target, empty ones left out) -> number. Buckets are not cumulative,
sums are in microseconds."""

LOCKED_FOR: Final = 60.0
"""Seconds for which the exporter may hold its state while it starts."""
RUN_LABELS: Final = frozenset({"le"})
OF_TARGET: Final = ("platform", "target")
DETAILS: Final = frozenset({"reason", "status_code", "trigger_type", "attempt_source", "action_type"})


@dataclass
class Counted:
    """What one target exposes."""

    numbers: Numbers = field(default_factory=Counter)
    """Counters and histograms that platforms feed."""
    active: Numbers = field(default_factory=Counter)
    own: dict[str, int] = field(default_factory=dict)
    """The ledger's own counters, added up over their labels."""


def exposed(text: str, target: str) -> Counted:
    """Read a target's series out of an exposition in the text format."""
    found = Counted()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            if labels.pop("target", None) != target:
                continue
            labels.pop("platform", None)
            key = (sample.name, _labels(labels))
            metric = BY_NAME.get(sample.name) or BY_NAME.get(family.name)
            if metric is None or sample.name.endswith("_created"):
                continue
            if metric is ACTIVE_RUNS:
                found.active[key] += int(sample.value)
            elif metric.durable and metric.sources and metric.type == "counter":
                found.numbers[key] += int(sample.value)
            elif metric.durable and metric.sources and metric.type == "histogram":
                unit = MICRO if sample.name.endswith("_sum") else 1
                found.numbers[key] += round(sample.value * unit)
            elif metric.durable and metric.type == "counter":
                found.own[metric.name] = found.own.get(metric.name, 0) + int(sample.value)
    found.numbers = _uncumulated(found.numbers)
    return found


def corrections(state: Path, target: str) -> Numbers:
    """Debt and what was written off, per series, from the ledger."""
    found: Numbers = Counter()
    query = (
        "SELECT family, labels, debt + written_off FROM series JOIN target ON target.id = series.target "
        "WHERE target.name = ? AND debt + written_off > 0"
    )
    for family, values, amount in _rows(state, query, target):
        metric = BY_NAME[family]
        found[family, _labels(dict(zip(metric.labels, json.loads(values), strict=True)))] += amount
    return found


def held_back(state: Path, target: str) -> bool:
    """Whether something is counted that is not shown yet."""
    query = "SELECT pending FROM series JOIN target ON target.id = series.target WHERE target.name = ?"
    return any(any(json.loads(pending)) for (pending,) in _rows(state, query, target))


def baselines(state: Path) -> dict[str, int]:
    """The baseline time of each target that has one."""
    query = "SELECT name, baseline_at FROM target WHERE baseline_at IS NOT NULL AND ? = ?"
    return dict(_rows(state, query, "", ""))


def progress(state: Path) -> tuple[frozenset[tuple[Any, ...]], int]:
    """Anchors as they stand, and up to which day ids were pruned, added up over the targets."""
    anchors = _rows(state, "SELECT target, name, anchor FROM source WHERE ? = ?", "", "")
    pruned = _rows(state, "SELECT coalesce(sum(pruned_to), 0) FROM target WHERE ? = ?", "", "")
    return frozenset(anchors), pruned[0][0] if pruned else 0


def sweeps(state: Path, target: str) -> int | None:
    """When the listing that was swept longest ago was swept; None when one never was."""
    query = "SELECT last_sweep FROM listing JOIN target ON target.id = listing.target WHERE target.name = ?"
    found = [when for (when,) in _rows(state, query, target)]
    return None if not found or None in found else min(found)


def read(state: Path, target: str) -> int | None:
    """The time, as the upstream has it, at which all of the target was last read whole; None when it never was."""
    found = _rows(state, "SELECT data_at FROM target WHERE name = ?", target)
    return found[0][0] if found else None


def walked(state: Path, target: str) -> int:
    """How many listings were walked to their end at least once."""
    query = "SELECT 1 FROM listing JOIN target ON target.id = listing.target WHERE target.name = ? AND horizon > 0"
    return len(_rows(state, query, target))


def _rows(state: Path, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    if not state.exists():
        return []
    connection = sqlite3.connect(f"file:{state}?mode=ro", uri=True, timeout=LOCKED_FOR)
    try:
        return connection.execute(query, parameters).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):  # the first start was killed before it had made its tables
            return []
        raise
    finally:
        connection.close()


def happened(samples: Iterable[Mapping[str, Any]]) -> Numbers:
    """The truth as the simulator tells it, labels made safe as the exporter makes them."""
    found: Numbers = Counter()
    for sample in samples:
        unit = MICRO if sample["name"].endswith("_sum") else 1
        found[sample["name"], _safe(sample["labels"])] += round(sample["value"] * unit)
    return _uncumulated(found)


def active(samples: Iterable[Mapping[str, Any]]) -> Numbers:
    """The runs that are active."""
    return Counter({(ACTIVE_RUNS.name, _safe(sample["labels"])): int(sample["value"]) for sample in samples})


def _safe(labels: Mapping[str, str]) -> Labels:
    told = {name: value for name, value in labels.items() if value}
    return _labels(
        {name: safe.workload(value) if name == "workload" else safe.value(value) for name, value in told.items()}
    )


def _labels(labels: Mapping[str, str]) -> Labels:
    return frozenset((name, value) for name, value in labels.items() if value)


def _uncumulated(numbers: Numbers) -> Numbers:
    """Make each bucket count what is in it alone."""
    found: Numbers = Counter()
    buckets: dict[Key, list[tuple[float, Key, int]]] = {}
    for (name, labels), number in numbers.items():
        le = dict(labels).get("le")
        if name.endswith("_bucket") and le is not None:
            rest = frozenset(pair for pair in labels if pair[0] != "le")
            buckets.setdefault((name, rest), []).append((float(le), (name, labels), number))
        else:
            found[name, labels] = number
    for series in buckets.values():
        below = 0
        for _, key, number in sorted(series, key=lambda each: each[0]):
            found[key] = number - below
            below = number
    return found


@dataclass(frozen=True)
class Difference:
    """One number that is not what it must be."""

    name: str
    labels: Labels
    counted: int
    expected: int

    def __str__(self) -> str:
        labels = ",".join(f'{name}="{value[:40]}"' for name, value in sorted(self.labels))
        return f"{self.name}{{{labels}}} counted {self.counted}, happened {self.expected}"


def differences(counted: Numbers, expected: Numbers, bends: frozenset[Bend]) -> list[Difference]:
    """Where the two differ, made coarser as far as faults have bent what the upstream said."""
    left, right = _coarser(counted, bends), _coarser(expected, bends)
    found = []
    for key in sorted(left.keys() | right.keys(), key=lambda key: (key[0], sorted(key[1]))):
        at_most = Bend.TIMES in bends and key[0].endswith("_count")
        if left[key] != right[key] and not (at_most and left[key] < right[key]):
            found.append(Difference(*key, left[key], right[key]))
    return found


def unexplained(found: Sequence[Difference], late: int) -> list[Difference]:
    """What is left of the differences when ``late`` runs were skipped as too late: these are lacking, in whatever a run
    adds to, and nothing else is. Where anything was counted too often, or other runs lack, all of it is."""
    lost = sum(each.expected - each.counted for each in found if each.name == RUNS.name)
    lacking = all(
        each.counted < each.expected and (each.name.endswith("_sum") or each.expected - each.counted <= late)
        for each in found
    )
    return [] if late and lost == late and lacking else [*found]


NOT_YET: Final = frozenset({SCHEDULE_MISSED.name})
_HISTOGRAMS: Final = frozenset(metric.name for metric in ALL if metric.type == "histogram")


def _coarser(numbers: Numbers, bends: frozenset[Bend]) -> Numbers:
    dropped = (DETAILS if Bend.DETAILS in bends else frozenset()) | (
        frozenset({"outcome"}) if Bend.OUTCOME in bends else frozenset()
    )
    found: Numbers = Counter()
    for (name, labels), number in numbers.items():
        if name in NOT_YET or (Bend.OUTCOME in bends and name == RUN_FAILURES.name):
            continue
        if Bend.TIMES in bends and name.endswith(("_bucket", "_sum")):
            continue
        found[name, frozenset(pair for pair in labels if pair[0] not in dropped)] += number
    return found
