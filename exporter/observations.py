"""What a platform's records mean to us, and the batches in which they are committed.

``fetch`` yields batches of records, ``observe`` turns them into batches of observations, ``count`` turns those
into changes of the ledger. A batch is the unit of commit (counting rule 1):

- ``Roster``         the list of workloads a target has, whole
- ``Page``           one page of a listing of runs
- ``ListingFailed``  one listing could not be read; the others go on
- ``Windows``        all window readings of one poll, complete

The envelopes are generic: ``Page[RoutineRun]`` comes from ``fetch``, ``Page[Run]`` goes to ``count``. What there is of
for each run is a named tuple: a frozen dataclass takes three times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, NamedTuple, TypeVar

from exporter.catalogue.model import Metric
from exporter.errors import Reason
from exporter.times import Micros

Labels = tuple[str, ...]
"""Label values in the order of the metric's row, without platform and target."""

T = TypeVar("T")
R = TypeVar("R")


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
class Schedule:
    """When a workload is due: a five-field cron expression in a zone, or one point in time."""

    name: str
    cron: str | None = None
    zone: str | None = None
    at: Micros | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload on its platform.

    ``identity`` is the id or full name on the platform and never shown; ``label`` is the safe label value. ``named``
    False means that its name was not told: a label that is known stays, and ``label`` is that of one seen first.
    ``info`` are further labels of ``automation_workload_info`` by name. ``enabled`` None means not told.
    ``edited_at`` suppresses schedules judged missed because of an edit.
    """

    identity: str
    label: str
    info: Mapping[str, str] = field(default_factory=dict)
    enabled: bool | None = None
    edited_at: Micros | None = None
    schedules: tuple[Schedule, ...] = ()
    named: bool = True


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


@dataclass(frozen=True, slots=True)
class WindowTotal:
    """The platform's sum over a window, for one item (a workload's identity, or "" for the whole target)."""

    metric: Metric
    item: str
    labels: Labels
    value: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record, or a field of one, that was left out, with a reason from a short closed list."""

    reason: str


@dataclass(frozen=True, slots=True)
class Roster(Generic[T]):
    """The whole list of workloads. ``platform_births`` come with the platform, not with the batch."""

    items: tuple[T, ...]
    upstream_now: Micros | None
    skipped: tuple[Skipped, ...] = ()
    levels: tuple[Level, ...] = ()
    unknown: tuple[str, ...] = ()
    """Fields that held a value which no list knows."""
    listings: tuple[str, ...] | None = None
    """The listings that are read from now on, where they follow from the roster and others may have been before.
    Open runs of those go with the first."""


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


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What the platform told for the window ``[start, end)``."""

    start: Micros
    end: Micros
    items: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class Move(Generic[T]):
    """The further readings of an anchor move (rule 12): both parts, and the whole once more.

    With A the anchor and B the new one: ``closed`` is [A, B), ``rest`` is [B, now), ``again`` is [A, now).
    ``active`` says that something in the closing part has not ended.
    """

    closed: Reading[T]
    rest: Reading[T]
    again: Reading[T]
    active: bool = False


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """One windowed question: a list, asked always with the same anchor, or one item of it by name (rule 13).

    ``complete`` lists name every item that has anything, so an item first seen later starts from 0, and a part
    of a move that lacks an item says 0. Lists that may be cut short are not complete: their new items are read
    by name.

    A source with an ``item`` is such a reading. It is about the figures of the list ``name`` that are kept for the
    item with the anchor ``whole.start``, and those that are new start from 0 there. With ``before``, the reading
    of the window that ends where ``whole`` starts, it moves them: one of the two starts is the item's anchor, the
    other the list's, which the item takes over.
    """

    name: str
    whole: Reading[T]
    move: Move[T] | None = None
    complete: bool = True
    item: str | None = None
    before: Reading[T] | None = None
    again: Reading[T] | None = None
    """Both windows in one, read last: where the two do not add up to it, bounds overlap or something has ended."""
    deep: bool = False
    """Not asked at every poll, so that it does not say how fresh the target's data are."""


@dataclass(frozen=True, slots=True)
class Example:
    """A run that a figure counts, for the figure's exemplar. It is used only when the counter rose."""

    metric: Metric
    item: str
    labels: Labels
    run_id: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A failed run that an answer names beside its sums; ``workload`` is an identity. For the run feed only."""

    run_id: str
    workload: str
    reason: str
    started: Micros | None
    finished: Micros | None
    ids: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Windows(Generic[T]):
    """Readings of one poll that belong together, complete. ``workloads`` are those named.

    ``levels`` replace the earlier ones of ``levels_of``, which go stale by themselves; None says nothing of them.
    """

    sources: tuple[Source[T], ...]
    upstream_now: Micros | None
    workloads: tuple[Workload, ...] = ()
    levels: tuple[Level, ...] | None = ()
    levels_of: str = ""
    marks: tuple[tuple[str, Mark], ...] = ()
    """Times of past events: (identity, mark)."""
    skipped: tuple[Skipped, ...] = ()
    roster: bool = False
    """``workloads`` are all that the platform has, whether or not a list of figures is complete."""
    examples: tuple[Example, ...] = ()
    """Later ones are newer."""
    left_out: frozenset[str] = frozenset()
    """Items that the configuration leaves out: not counted, and followed, so that they can be from any moment on."""
    failed: tuple[Failed, ...] | None = None
    """Failed runs that the platform names; None says nothing of them."""
    unknown: tuple[str, ...] = ()
    """Fields that held a value which no list knows."""


Batch = Roster[T] | Page[R] | ListingFailed | Windows[T]
Observed = Roster[Workload] | Page[Run] | ListingFailed | Windows[WindowTotal]
