"""Sums over windows of time, and what a platform tells beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.catalogue.model import Metric
from exporter.observations.facts import Labels, Level, Mark, Skipped
from exporter.observations.workloads import Workload
from exporter.times import Micros

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WindowTotal:
    """The platform's sum over a window, for one item (a workload's identity, or "" for the whole target)."""

    metric: Metric
    item: str
    labels: Labels
    value: int


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
