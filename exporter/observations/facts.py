"""The smallest things that are said: what counts, when something was, what is true now, what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from exporter.catalogue.model import Metric
from exporter.times import Micros

Labels = tuple[str, ...]
"""Label values in the order of the metric's row, without platform and target."""


class Add(NamedTuple):
    """An increment of a counter, or one value for a histogram (``amount`` in the row's stored integers).

    ``labels`` are those after ``workload`` when the row has one. Whose workload it is, the owner says.
    """

    metric: Metric
    labels: Labels
    amount: int = 1


Named = tuple[Metric, Labels]
"""A series of a workload: its family and, as in ``Add``, its labels after ``workload``."""


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """What a run does to its workload's series, but for its own numbers: the runs of a page have few different ones.

    An effect is equal to itself only: runs that share one are alike without a look into it.
    """

    counts: tuple[Add, ...] = ()
    """Increments of counters."""
    values: tuple[Named, ...] = ()
    """Histograms, each of which takes one value."""
    events: tuple[Named, ...] = ()
    """Gauges, each of which shows the latest time of an event."""


NO_EFFECT: Final = Effect()


class Mark(NamedTuple):
    """A point in time of a past event; the gauge shows the latest ever marked. Labels as in ``Add``."""

    metric: Metric
    labels: Labels
    at: Micros


@dataclass(frozen=True, slots=True)
class Level:
    """Something that is true now. ``workload`` is an identity, or None for a family without workload."""

    metric: Metric
    workload: str | None
    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record, or a field of one, that was left out, with a reason from a short closed list."""

    reason: str
