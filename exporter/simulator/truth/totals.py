"""Totals by series: plain numbers under (metric name, labels)."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from exporter.simulator.clock import SECOND
from exporter.simulator.messages import Json
from exporter.simulator.model import Run, State

Labels = tuple[tuple[str, str], ...]
"""Label names and values, sorted by name; without the ``platform`` and ``target`` that every series carries."""

DURATION_BOUNDS = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)
"""Upper bounds of all duration histograms, in seconds."""


def labels_of(**labels: str) -> Labels:
    """Labels in the order in which they are compared."""
    return tuple(sorted(labels.items()))


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a reader of sums over a window begins: what it was told then is no part of what it must have counted."""

    at: int
    """When its first question was answered."""
    window_end: int | None = None
    """Where the window ended that it asked for. In whole seconds, that may be a moment before it was answered, and what
    was created in between was not told of."""

    def state_told(self, run: Run) -> State | None:
        """The state in which a run was told of; nothing if it was not."""
        told = self.window_end is None or run.created_at < self.window_end
        return run.state_at(self.at) if told else None


@dataclass
class Histogram:
    """A histogram of durations: ``buckets`` counts each bucket by itself, the last is the one above all bounds."""

    bounds: tuple[int, ...] = DURATION_BOUNDS
    buckets: list[int] = field(default_factory=list)
    sum_micros: int = 0

    def __post_init__(self) -> None:
        self.buckets = self.buckets or [0] * (len(self.bounds) + 1)

    @property
    def count(self) -> int:
        """How many were observed."""
        return sum(self.buckets)

    def observe(self, micros: int) -> None:
        """Add a duration in microseconds; bounds are inclusive."""
        self.buckets[bisect_left([bound * SECOND for bound in self.bounds], micros)] += 1
        self.sum_micros += micros


@dataclass
class Truth:
    """Counters and histograms: metric name -> labels -> number."""

    counters: dict[str, dict[Labels, int]] = field(default_factory=dict)
    histograms: dict[str, dict[Labels, Histogram]] = field(default_factory=dict)

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add to a counter."""
        family = self.counters.setdefault(name, {})
        family[labels_of(**labels)] = family.get(labels_of(**labels), 0) + amount

    def observe(self, name: str, micros: int | None, **labels: str) -> None:
        """Add to a histogram, unless there is no such duration or it is negative."""
        if micros is not None and micros >= 0:
            self.histograms.setdefault(name, {}).setdefault(labels_of(**labels), Histogram()).observe(micros)

    def counter(self, name: str, **labels: str) -> int:
        """A counter's total: over all its series that carry these labels (one, when all are named)."""
        wanted = set(labels.items())
        return sum(n for found, n in self.counters.get(name, {}).items() if wanted <= set(found))

    def histogram(self, name: str, **labels: str) -> Histogram:
        """One histogram; empty when nothing was observed."""
        return self.histograms.get(name, {}).get(labels_of(**labels), Histogram())

    def samples(self) -> dict[tuple[str, Labels], float]:
        """Every sample as an exposition has it, buckets cumulative with ``le`` and sums in seconds; zeros left out."""
        found: dict[tuple[str, Labels], float] = {}
        for name, counters in self.counters.items():
            found.update({(name, labels): float(number) for labels, number in counters.items() if number})
        for name, histograms in self.histograms.items():
            for labels, histogram in histograms.items():
                total = 0
                bounds = [*map(float, histogram.bounds), float("inf")]
                for bound, number in zip(bounds, histogram.buckets, strict=True):
                    total += number
                    le = "+Inf" if bound == float("inf") else str(bound)
                    found[f"{name}_bucket", tuple(sorted((*labels, ("le", le))))] = float(total)
                found[f"{name}_count", labels] = float(total)
                found[f"{name}_sum", labels] = histogram.sum_micros / SECOND
        return found

    def as_json(self) -> Json:
        """For the control endpoint: a list of samples."""
        return [
            {"name": name, "labels": dict(labels), "value": value} for (name, labels), value in self.samples().items()
        ]
