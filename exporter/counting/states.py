"""What was already counted: plain immutable states. All are replaced whole, never altered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from operator import add
from typing import NamedTuple

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
    doubted_at: Micros | None = None
    """Our world time when the upstream last told a time that is far from ours; None: it never did."""


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
    newest_id: str | None = None
    """The run with the newest birth ever seen on a first page; while no times are told, the one at its top."""
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
