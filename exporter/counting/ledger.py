"""The two faces through which counting sees what was counted, and says what changes.

``Ledger`` is what ``count`` reads, ``Changes`` what it returns; the store writes the changes in one transaction
and puts them into memory after COMMIT returned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from exporter.counting.crowd import Crowd
from exporter.counting.feed import FeedRun, Ids
from exporter.counting.states import (
    Exemplar,
    ListingState,
    OpenRun,
    Series,
    SeriesKey,
    SourceState,
    TargetState,
    WindowKey,
    WindowState,
    WorkloadState,
)
from exporter.observations import Labels
from exporter.times import Micros


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
