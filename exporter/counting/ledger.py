"""What was already counted: plain immutable states, and the two faces through which counting sees them.

``Ledger`` is what ``count`` reads, ``Changes`` what it returns; the store writes the changes in one transaction
and puts them into memory after COMMIT returned. All states are replaced whole, never altered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from operator import add
from typing import NamedTuple, Protocol

from exporter.counting.crowd import Crowd
from exporter.counting.feed import FeedRun, Ids
from exporter.observations import Labels
from exporter.times import DAY, Micros

Value = tuple[int, ...]
"""A counter is ``(n,)``. A histogram is ``(in bucket 1, ..., in the last bucket, above, sum)``, not cumulative."""


class SeriesKey(NamedTuple):
    """A family's name and the label values of one series, workload label included."""

    family: str
    labels: Labels


class Series(NamedTuple):
    """One durable counter or histogram (rules 14 to 17, 19).

    ``shown`` is exposed, ``pending`` counted but held back. ``debt`` is a fall that the counter may not show,
    ``debt_since`` when its oldest part fell, ``written_off`` what was given up of it.
    """

    shown: Value
    pending: Value
    created: Micros
    debt: int = 0
    debt_since: Micros | None = None
    written_off: int = 0


class TargetState(NamedTuple):
    """What holds for the whole target. ``data_at`` is the start of the last whole read of the oldest listing."""

    baseline_at: Micros
    floor: Micros
    born_at: Micros
    """Our world time at the first batch; workloads first seen then were there at baseline."""
    data_at: Micros | None = None
    roster_at: Micros | None = None
    """When the roster was last read whole (upstream's now)."""
    pruned_to: Micros = 0


class ListingState(NamedTuple):
    """Where the reading of one listing stands (rules 6 to 9).

    ``horizon`` None: no walk was complete yet. ``link``, ``top``, ``kind``, ``walk_started`` and ``depth`` belong
    to a walk that is broken off or sliced, and are None without one.
    """

    horizon: Micros | None = None
    link: str | None = None
    top: Micros | None = None
    kind: str | None = None
    walk_started: Micros | None = None
    depth: Micros | None = None
    last_whole: Micros | None = None
    last_sweep: Micros | None = None
    last_deep: Micros | None = None
    newest: Micros | None = None
    """Newest birth ever seen at the top of a complete walk."""
    unsorted: bool = False
    failed: str | None = None
    """Reason of the failure since the last whole read."""
    failed_at: Micros | None = None
    gone: bool = False


class OpenRun(NamedTuple):
    """A run that had not ended when last seen. ``missed`` counts complete sweeps that did not meet it."""

    listing: str
    workload: str
    birth: Micros
    state: str
    seen_at: Micros
    aged_from: Micros
    """Birth, or when it was last seen paused: age counts from here."""
    days: tuple[int, ...] = ()
    """Days of all its visible times, under which its id is kept once it ended."""
    missed: int = 0


class ScheduleState(NamedTuple):
    """How far one trigger's due times were judged, and which fire times were delivered since."""

    judged_to: Micros
    delivered: tuple[Micros, ...] = ()
    overdue: Micros | None = None
    """The oldest due time that was judged missed and after which nothing was delivered."""


class WorkloadState(NamedTuple):
    """One identity (rules 20 to 22). ``slot`` is its label value in series: its own label, or ``_other``."""

    label: str
    slot: str
    first_seen: Micros
    info: tuple[tuple[str, str], ...] = ()
    enabled: bool | None = None
    edited_at: Micros | None = None
    schedules: tuple[tuple[str, str | None, str | None, Micros | None], ...] = ()
    """(trigger name, cron, zone, at), as last told."""
    triggers: tuple[tuple[str, ScheduleState], ...] = ()
    former: tuple[str, ...] = ()
    """Slots under earlier labels, whose series stay until the workload is forgotten."""
    absent_at: Micros | None = None
    """The last complete roster that lacked it, None while the platform lists it."""
    absent_span: Micros = 0


class WindowState(NamedTuple):
    """The value last applied for one item's figure, and the anchor it belongs to."""

    source: str
    anchor: Micros
    value: int


class SourceState(NamedTuple):
    """One windowed question: its anchor, and when a move was last tried."""

    anchor: Micros
    moved_try: Micros | None = None


class Exemplar(NamedTuple):
    """A run's id beside a sample. ``value`` in stored integers, ``at`` wall time of the commit."""

    run_id: str
    value: int
    at: Micros


WindowKey = tuple[str, SeriesKey]
"""(item, series): whose figure it is, and which. The series' workload label is the identity here."""

Levels = Mapping[SeriesKey, float]


class Ledger(Protocol):
    """What counting may read. Mappings are live views of committed memory: read, never written."""

    @property
    def target(self) -> TargetState | None:
        """The target's state, None before the first batch was ever committed."""

    @property
    def listings(self) -> Mapping[str, ListingState]:
        """Listings by key."""

    @property
    def open_runs(self) -> Mapping[str, OpenRun]:
        """Open runs by run id."""

    @property
    def timeless(self) -> Mapping[str, Micros]:
        """Ids that no day can be named for, with when they were last seen: of runs that had no time, and of open ones
        that were given up or skipped, whose end is to come."""

    @property
    def workloads(self) -> Mapping[str, WorkloadState]:
        """Workloads by identity."""

    @property
    def sources(self) -> Mapping[str, SourceState]:
        """Windowed questions by name."""

    @property
    def windows(self) -> Mapping[WindowKey, WindowState]:
        """Window values last applied."""

    @property
    def series(self) -> Mapping[SeriesKey, Series]:
        """Durable counters and histograms."""

    @property
    def marks(self) -> Mapping[SeriesKey, Micros]:
        """Durable times of past events."""

    @property
    def open_ids(self) -> Mapping[str, Ids]:
        """Further ids of open runs, as far as this process has seen them."""

    @property
    def named(self) -> frozenset[str] | None:
        """Ids of failed runs that the last reading of windows named; None before the first of this process."""

    def held(self, key: SeriesKey) -> bool:
        """Whether what is counted now must wait in ``pending`` (rule 16). A new series is held."""

    def open_values(self, family: str) -> Collection[Labels]:
        """Return the distinct values of the family's open labels that have series, ``_other`` excluded."""

    def own_slots(self) -> int:
        """Return how many identities have a series of their own."""

    def slots_held(self) -> int:
        """Return under how many labels identities have gauges of their own, earlier labels included."""

    def crowd(self, dropped: frozenset[str]) -> Crowd:
        """Return the series as they are shown without these labels."""

    def remembered(self, ids: Mapping[int, Collection[str]]) -> set[str]:
        """Return those run ids that are kept (of ended or skipped runs), each looked up under the days given for it."""


@dataclass(slots=True)
class Changes:
    """What one batch changes. None as a value deletes. Everything becomes durable in one transaction, or nothing.

    ``levels`` (by source: a listing's key or "" for the target), ``exemplars``, ``feed``, ``open_ids``,
    ``named`` and ``crowded`` live in memory only; ``read`` names the levels' sources that were
    read whole, with when by our clock.
    """

    target: TargetState | None = None
    listings: dict[str, ListingState | None] = field(default_factory=dict)
    open_runs: dict[str, OpenRun | None] = field(default_factory=dict)
    timeless: dict[str, Micros | None] = field(default_factory=dict)
    workloads: dict[str, WorkloadState | None] = field(default_factory=dict)
    sources: dict[str, SourceState | None] = field(default_factory=dict)
    windows: dict[WindowKey, WindowState | None] = field(default_factory=dict)
    series: dict[SeriesKey, Series | None] = field(default_factory=dict)
    marks: dict[SeriesKey, Micros | None] = field(default_factory=dict)
    remember: list[tuple[int, str]] = field(default_factory=list)
    """(day, run id) of runs that ended or were skipped."""
    prune_before_day: int | None = None
    levels: dict[str, dict[SeriesKey, float]] = field(default_factory=dict)
    read: dict[str, Micros] = field(default_factory=dict)
    exemplars: dict[SeriesKey, dict[int, Exemplar]] = field(default_factory=dict)
    """By series and bucket (0 for a counter)."""
    feed: dict[str, FeedRun] = field(default_factory=dict)
    """Failed, late and given-up runs of the batch, by run id."""
    open_ids: dict[str, Ids] = field(default_factory=dict)
    named: frozenset[str] | None = None
    """Ids of failed runs named beside windows; None for a batch that says nothing of them."""
    crowded: bool = False
    """Whether ``max_series`` kept a series from being shown on its own."""


def empty(value: Value) -> bool:
    """Whether nothing is in ``value``."""
    return not any(value)


def plus(left: Value, right: Value) -> Value:
    """Add two values of one series."""
    return tuple(map(add, left, right))


@cache
def zero(width: int) -> Value:
    """Return the value of a series that was just born; all of one width share it."""
    return (0,) * width


def days_of(times: Iterable[Micros]) -> tuple[int, ...]:
    """Return the distinct days (since the epoch) of ``times``, in order."""
    days = {moment // DAY for moment in times}
    return tuple(days) if len(days) == 1 else tuple(sorted(days))
