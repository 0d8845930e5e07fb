"""Runs, by id, and the pages of the listings in which they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

from exporter.errors import Reason
from exporter.observations.facts import NO_EFFECT, Add, Effect, Mark, Skipped
from exporter.observations.workloads import Workload
from exporter.times import Micros

T = TypeVar("T")


class Delivery(NamedTuple):
    """A run that a schedule started: the trigger's name (label-safe) and the fire time it was due at."""

    trigger: str
    fire_at: Micros


class Run(NamedTuple):
    """One run, by id, open or ended.

    ``times`` are created, triggered, started, ended as the upstream told them, None where missing (also where
    unbelievable, which ``observe`` need not judge: ``count`` drops those).
    ``ended`` is decided by ``observe`` (rule 4); ``state`` is used while it is False, ``outcome`` when it is True.
    What ``effect`` counts and ``values`` are applied once, when the run is first counted, ``events`` also for history.
    """

    id: str
    workload: str
    created: Micros | None
    triggered: Micros | None
    started: Micros | None
    finished: Micros | None
    ended: bool
    state: str = "open"
    outcome: str = "unknown"
    effect: Effect = NO_EFFECT
    values: tuple[int, ...] = ()
    """What the histograms of its effect take, in their rows' stored integers, one for each."""
    events: tuple[Micros, ...] = ()
    """When the events of its effect were, one time for each."""
    delivery: Delivery | None = None
    """Set for runs that a schedule started, open ones too."""
    ids: tuple[tuple[str, str], ...] = ()
    """Further ids that the vendor's console understands, by kind; for the run feed, never labels."""

    @property
    def times(self) -> tuple[Micros | None, ...]:
        """Its times in the order of birth."""
        return (self.created, self.triggered, self.started, self.finished)

    @property
    def timeless(self) -> bool:
        """Whether it tells no time at all."""
        return self.created is None and self.triggered is None and self.started is None and self.finished is None

    @property
    def adds(self) -> tuple[Add, ...]:
        """All that it adds."""
        observed = zip(self.effect.values, self.values, strict=True)
        return (*self.effect.counts, *(Add(metric, labels, value) for (metric, labels), value in observed))

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The times of its events."""
        dated = zip(self.effect.events, self.events, strict=True)
        return tuple(Mark(metric, labels, at) for (metric, labels), at in dated)


WalkKind = Literal["ordinary", "deep", "sweep"]


@dataclass(frozen=True, slots=True)
class Step:
    """What a page means for its walk.

    ``started``   upstream's now when this walk (its first slice, for a sliced one) began
    ``top``       newest birth seen at the start of this poll's reading, None while no run had a time
    ``link``      where to go on if this was the last page read; None while the top part of a resumed walk is
                  read, and when the walk is complete
    ``keep_link`` True while the top part of a resumed walk is read: the stored link stays
    ``complete``  the walk reached its depth with this page
    ``whole``     this poll has read what it owes: the walk is complete, or a slice of a sweep ended properly
    ``depth``     how far down the walk goes (birth time)
    """

    kind: WalkKind
    started: Micros
    top: Micros | None
    link: str | None
    keep_link: bool
    complete: bool
    whole: bool
    depth: Micros
    read_started: Micros
    """Upstream's now when this poll began to read the listing."""
    unsorted: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing. ``seen_ids`` of the whole walk are not kept: ``count`` looks ids up."""

    listing: str
    sequence: int
    items: tuple[T, ...]
    step: Step
    upstream_now: Micros | None
    skipped: tuple[Skipped, ...] = ()
    workloads: tuple[Workload, ...] = ()
    """Workloads of runs on this page that no roster names."""
    drop_link: bool = False
    """The stored link was refused by the upstream: forget it, the next walk starts at the top."""
    unknown: tuple[str, ...] = ()
    """Fields that held a value which no list knows."""


@dataclass(frozen=True, slots=True)
class ListingFailed:
    """One listing could not be read. ``gone`` is a 404: gone once the next roster lacks the workload too."""

    listing: str
    reason: Reason
    message: str
    upstream_now: Micros | None = None
    gone: bool = False
    drop_link: bool = False
