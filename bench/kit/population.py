"""Series of the shape that they have in service: as a ledger holds them, from a seed.

A workload has 113 of them: 68 lines of four histograms (60 %), 34 counters (30 %) and 11 gauges (10 %), with the
labels that Microsoft Foundry's routines have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from exporter.catalogue import BY_NAME
from exporter.catalogue.foundry import DISPATCHES
from exporter.catalogue.model import Metric
from exporter.catalogue.runs import (
    COMPLETED,
    FAILED,
    LAST_RUN,
    OUTCOMES,
    RUN_DURATION,
    RUN_FAILURES,
    RUN_LATENESS,
    RUN_WAIT,
    RUNS,
    SCHEDULE_FIRED,
    SCHEDULE_MISSED,
    TRIGGERED_RUNS,
)
from exporter.counting.ledger import Changes
from exporter.counting.series import bucket, width
from exporter.counting.states import Exemplar, Series, SeriesKey, TargetState, Value, WorkloadState, zero
from exporter.observations import Labels
from exporter.times import DAY, HOUR, SECOND, Micros

SERIES_OF_WORKLOAD: Final = 113
SERIES_OF_TARGET: Final = 10_000

_TASKS: Final = ("invoice-export", "support-triage", "contract-summary", "inventory-sync", "lead-scoring", "log-review")
_TRIGGERS: Final = ("schedule", "timer", "manual")
_TRIGGER_NAMES: Final = ("weekdays", "month-end")
_ERRORS: Final = (
    ("Azure.RequestFailedException", "500"), ("model_timeout", "504"), ("rate_limit_exceeded", "429"),
    ("tool_call_failed", ""), ("http_502", "502"), ("content_filter", "400"), ("unknown", ""), ("quota", "403"),
)  # fmt: skip
_SOURCES: Final = (("fresh", "invoke_agent"), ("queued_dispatch", "invoke_agent"))
BORN: Final[Micros] = 1_790_000_000 * SECOND


@dataclass(frozen=True, slots=True)
class Population:
    """How many targets there are, and how many workloads each has."""

    targets: int
    workloads: int

    @property
    def series(self) -> int:
        """How many series all of them have."""
        return self.targets * self.workloads * SERIES_OF_WORKLOAD

    def target(self, index: int) -> str:
        """The name of a target."""
        return f"project-{index:03d}"

    def whole(self, index: int) -> Changes:
        """Everything that a target's ledger holds once its workloads ran for a while."""
        random = Random(index)
        changes = Changes(target=TargetState(baseline_at=BORN, floor=BORN, born_at=BORN, data_at=BORN + DAY))
        for name in self.names():
            info = (("workload_id", name), ("agent_id", f"agent-{name}"), ("trigger_type", "schedule"))
            facts = (*info, ("schedule", "0 6 * * 1-5"), ("time_zone", "Europe/Berlin"))
            changes.workloads[name] = WorkloadState(name, name, BORN, facts, enabled=True)
            for metric, labels in _durable(name):
                changes.series[SeriesKey(metric.name, labels)] = Series(_value(metric, random), _zero(metric), BORN)
            for metric, labels in _marks(name):
                at = BORN + random.randrange(30 * DAY) // 1000 * 1000
                changes.marks[SeriesKey(metric.name, labels)] = at
        return changes

    def names(self) -> list[str]:
        """The workloads of a target."""
        return [f"{_TASKS[number % len(_TASKS)]}-{number:04d}" for number in range(self.workloads)]


def population(series: int, *, targets: int | None = None) -> Population:
    """About so many series in all; without ``targets`` about 10,000 in each."""
    chosen = targets or max(1, round(series / SERIES_OF_TARGET))
    return Population(chosen, max(1, round(series / SERIES_OF_WORKLOAD / chosen)))


def runs_ended(known: dict[SeriesKey, Series], workloads: list[str], random: Random, at: Micros) -> Changes:
    """What a poll commits that saw one more run end in each of some workloads."""
    changes = Changes()
    for name in workloads:
        outcome = COMPLETED if random.random() < 0.95 else FAILED
        took, waited, late = (random.randrange(1, HOUR) for _ in range(3))
        for metric, labels, amount in (
            (RUNS, (name, outcome), 1),
            (TRIGGERED_RUNS, (name, "schedule", outcome), 1),
            (DISPATCHES, (name, *_SOURCES[0], outcome), 1),
            (RUN_DURATION, (name, outcome), took),
            (RUN_WAIT, (name,), waited),
            (RUN_LATENESS, (name,), late),
        ):
            key = SeriesKey(metric.name, labels)
            series = known[key]
            changes.series[key] = series._replace(shown=_with(metric, series.shown, amount))
            if metric.type == "histogram":
                changes.exemplars[key] = {bucket(metric, amount): Exemplar(f"run-{at:024x}", amount, at)}
        changes.marks[SeriesKey(LAST_RUN.name, (name, outcome))] = at
        changes.marks[SeriesKey(SCHEDULE_FIRED.name, (name, _TRIGGER_NAMES[0]))] = at
    return changes


def exemplars_everywhere(known: dict[SeriesKey, Series]) -> Changes:
    """A run in each bucket and beside each kind of failure: as many exemplars as there can be."""
    changes = Changes()
    for number, key in enumerate(known):
        metric = BY_NAME[key.family]
        if metric.type == "histogram" or metric is RUN_FAILURES:
            changes.exemplars[key] = {
                at: Exemplar(f"run-{number:020x}{at:04x}", SECOND * at, BORN + at)
                for at in range(len(metric.bounds) + 1)
            }
    return changes


SERIES_OF_RUN: Final = 3 * (len(RUN_DURATION.bounds) + 3) + 5
"""Lines of the series that one run changes."""


def everything_moves(known: dict[SeriesKey, Series], marks: dict[SeriesKey, Micros]) -> Changes:
    """Every durable series one higher, as a full refresh has it."""
    changes = Changes()
    for key, series in known.items():
        metric = BY_NAME[key.family]
        changes.series[key] = series._replace(shown=_with(metric, series.shown, SECOND))
    changes.marks = {key: at + SECOND for key, at in marks.items()}
    return changes


def _durable(name: str) -> Iterator[tuple[Metric, Labels]]:
    for outcome in OUTCOMES:
        yield RUNS, (name, outcome)
        for trigger in _TRIGGERS:
            yield TRIGGERED_RUNS, (name, trigger, outcome)
        for source in _SOURCES:
            yield DISPATCHES, (name, *source, outcome)
    for error in _ERRORS:
        yield RUN_FAILURES, (name, *error)
    for trigger in _TRIGGER_NAMES:
        yield SCHEDULE_MISSED, (name, trigger)
    for outcome in (COMPLETED, FAILED):
        yield RUN_DURATION, (name, outcome)
    yield RUN_WAIT, (name,)
    yield RUN_LATENESS, (name,)


def _marks(name: str) -> Iterator[tuple[Metric, Labels]]:
    for outcome in OUTCOMES:
        yield LAST_RUN, (name, outcome)
    for trigger in _TRIGGER_NAMES:
        yield SCHEDULE_FIRED, (name, trigger)


def _zero(metric: Metric) -> Value:
    return zero(width(metric))


def _value(metric: Metric, random: Random) -> Value:
    if metric.type == "counter":
        return (random.randrange(100_000),)
    counts = [random.randrange(5_000) for _ in range(len(metric.bounds) + 1)]
    return (*counts, random.randrange(10**9) * 1000)


def _with(metric: Metric, value: Value, amount: int) -> Value:
    if metric.type == "counter":
        return (value[0] + 1,)
    counts = list(value)
    counts[bucket(metric, amount)] += 1
    counts[-1] += amount
    return tuple(counts)
