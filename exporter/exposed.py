"""What of a target's ledger is exposed now: families of samples (rules 16, 20, 24).

Counters, histograms and times of past events are always shown, as committed. Levels are shown only while what
they hang on was read not longer than ``stale_after`` ago, and not before this process has read it once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import repeat
from typing import Final

from exporter.catalogue import ALL, runs
from exporter.catalogue.ledger import CORRECTION_DEBT
from exporter.catalogue.model import Metric
from exporter.counting.crowd import OTHER
from exporter.counting.limits import Rules
from exporter.counting.memory import MemoryLedger
from exporter.counting.states import Exemplar, SeriesKey, Value, WorkloadState
from exporter.dropped import drop
from exporter.expectations import Expect, expect_nothing
from exporter.families import Family
from exporter.observations import Labels
from exporter.times import Micros

Samples = dict[Labels, Value | float]


def _is_shown(metric: Metric) -> bool:
    return metric.per_target and (metric.durable or bool(metric.sources) or metric in runs.OBJECTIVES)


_SHOWN: Final = {metric.name: metric for metric in ALL if _is_shown(metric)}
"""What comes from a ledger, in the order of the table."""


def families(
    ledger: MemoryLedger,
    rules: Rules,
    now: Micros,
    only: Mapping[str, Collection[Labels]] | None = None,
    expect: Expect = expect_nothing,
) -> Iterator[Family]:
    """Yield the target's families; with ``only``, of the durable ones just those named, with what changed in each.

    Gauges are always yielded, empty where nothing is to be shown, so that what went stale is taken away. Samples of
    durable families are live views of the ledger: use them while the target's lock is held.
    """
    dropped = rules.limits.drop_labels
    for family in _families(ledger, rules, now, only, expect):
        yield drop(family, dropped) if dropped else family


def _families(
    ledger: MemoryLedger, rules: Rules, now: Micros, only: Mapping[str, Collection[Labels]] | None, expect: Expect
) -> Iterator[Family]:
    exemplars = _by_family(ledger.exemplars) if only is None else {}
    levels, further = _levels(ledger, rules, now, expect)
    for name, metric in _SHOWN.items():
        changed = None if only is None else only.get(name)
        if metric.type in ("counter", "histogram"):
            if only is None or changed is not None:
                shown = ledger.shown.get(name, {})
                examples = exemplars.get(name, {}) if only is None else _Exemplars(ledger, name)
                yield Family(metric, shown, _Created(ledger, name, shown), examples, changed=changed)
        elif metric.durable and name not in levels:
            yield Family(
                metric, ledger.told.get(name, {}), changed=() if changed is None and only is not None else changed
            )
        else:
            samples = {**ledger.told.get(name, {}), **levels.get(name, {})}
            yield Family(metric, samples, further=further if metric is runs.INFO else {})


def _by_family(
    found: Mapping[SeriesKey, Mapping[int, Exemplar]],
) -> Mapping[str, Mapping[Labels, Mapping[int, Exemplar]]]:
    families: dict[str, dict[Labels, Mapping[int, Exemplar]]] = defaultdict(dict)
    for key, exemplars in found.items():
        families[key.family][key.labels] = exemplars
    return families


class _Exemplars(Mapping[Labels, Mapping[int, Exemplar]]):
    """Those of a family, looked up where they are asked for: seldom for all."""

    def __init__(self, ledger: MemoryLedger, family: str) -> None:
        self._found = ledger.exemplars
        self._family = family

    def __getitem__(self, labels: Labels) -> Mapping[int, Exemplar]:
        return self._found[SeriesKey(self._family, labels)]

    def __iter__(self) -> Iterator[Labels]:
        return (key.labels for key in self._found if key.family == self._family)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Created(Mapping[Labels, Micros]):
    """When each series of a family was born: looked up where it is asked for, which is seldom."""

    def __init__(self, ledger: MemoryLedger, family: str, shown: Mapping[Labels, Value]) -> None:
        self._series = ledger.series
        self._family = family
        self._shown = shown

    def __getitem__(self, labels: Labels) -> Micros:
        return self._series[SeriesKey(self._family, labels)].created

    def __iter__(self) -> Iterator[Labels]:
        return iter(self._shown)

    def __len__(self) -> int:
        return len(self._shown)


def _levels(
    ledger: MemoryLedger, rules: Rules, now: Micros, expect: Expect
) -> tuple[dict[str, Samples], dict[Labels, tuple[tuple[str, str], ...]]]:
    """Return gauges by family, and the owners' labels of ``automation_workload_info``."""
    found: dict[str, Samples] = defaultdict(dict)
    target_fresh = _fresh(ledger, "", rules, now)
    for source, levels in ledger.levels.items():
        if _fresh(ledger, source, rules, now) and target_fresh:
            for key, value in levels.items():
                found[key.family][key.labels] = value
    _open_runs(ledger, rules, now, found)
    further = _workloads(ledger, found, target_fresh, expect)
    found[CORRECTION_DEBT.name][()] = ledger.debt
    return found, further


def _fresh(ledger: MemoryLedger, source: str, rules: Rules, now: Micros) -> bool:
    read = ledger.read.get(source)
    return read is not None and now - read <= rules.limits.stale_after


def _open_runs(ledger: MemoryLedger, rules: Rules, now: Micros, found: dict[str, Samples]) -> None:
    """Active runs and the oldest of them, of the listings that are fresh (rule 24)."""
    fresh = {key for key in ledger.listings if _fresh(ledger, key, rules, now)}
    active: dict[Labels, int] = {}
    oldest: dict[Labels, Micros] = {}
    for identity, state in ledger.workloads.items():
        listing_read = identity in fresh if rules.listings_per_workload else bool(fresh)
        if listing_read:
            for name in rules.states:
                active.setdefault((state.slot, name), 0)
    for run in ledger.open_runs.values():
        workload = ledger.workloads.get(run.workload)
        if workload is None or run.listing not in fresh:
            continue
        labels = (workload.slot, run.state)
        active[labels] = active.get(labels, 0) + 1
        if workload.slot != OTHER:
            oldest[labels] = min(oldest.get(labels, run.birth), run.birth)
    told = found[runs.ACTIVE_RUNS.name]
    for key, number in active.items():
        told.setdefault(key, number)  # where the platform tells a figure it stands; what it left out is 0
    found[runs.OLDEST_ACTIVE_RUN.name].update(oldest)


def _workloads(
    ledger: MemoryLedger, found: dict[str, Samples], target_fresh: bool, expect: Expect
) -> dict[Labels, tuple[tuple[str, str], ...]]:
    seen: dict[str, tuple[str, WorkloadState]] = {}
    for identity, state in sorted(ledger.workloads.items()):
        if state.slot == OTHER:
            continue
        known = seen.get(state.slot)
        if known is None or _livelier(state, known[1]):
            seen[state.slot] = (identity, state)
    further: dict[Labels, tuple[tuple[str, str], ...]] = {}
    # without a roster, absent means only that nothing ran, and silence is what an objective is about
    has_roster = ledger.target is not None and ledger.target.roster_at is not None
    info, first_seen, enabled = (found[metric.name] for metric in (runs.INFO, runs.FIRST_SEEN, runs.ENABLED))
    objectives = [found[metric.name] for metric in runs.OBJECTIVES]
    for slot, (_, state) in seen.items():
        own = (slot,)
        labels = (slot, *map(dict(state.info).get, runs.INFO.labels[1:], repeat("")))
        info[labels] = 1
        first_seen[own] = state.first_seen
        if state.enabled is not None and target_fresh and state.absent_at is None:
            enabled[own] = int(state.enabled)
        expectation = expect(slot)
        if expectation.labels:
            further[labels] = expectation.labels
        if not (has_roster and state.absent_at is not None):
            for objective, value in zip(objectives, expectation[1:], strict=True):
                if value is not None:
                    objective[own] = value
    return further


def _livelier(state: WorkloadState, other: WorkloadState) -> bool:
    """Of two identities under one label, the one that the platform lists, then the newer, tells the facts."""
    return (state.absent_at is None, state.first_seen) > (other.absent_at is None, other.first_seen)


def series_keys(ledger: MemoryLedger) -> list[SeriesKey]:
    """Return the series whose hold has not begun and that the next snapshot shows."""
    return [key for key, since in ledger.holding.items() if since is None]
