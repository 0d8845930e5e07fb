"""The working copy of one batch: reads fall through to the ledger, writes go to the changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from exporter.catalogue.model import Metric
from exporter.catalogue.runs import SCHEDULE_FIRED
from exporter.counting.crowd import Room, gauges, reserved
from exporter.counting.ledger import Changes, Ledger
from exporter.counting.limits import Rules
from exporter.counting.states import (
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
from exporter.observations import Effect, Labels, Run
from exporter.times import MINUTE, Micros, Moment

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class Sum:
    """What the runs of one page add to one series: a page has many runs and few series.

    ``counts`` by bucket for a histogram with these ``bounds`` (in stored integers), else empty. ``examples`` are the
    last run of each bucket (0 for a counter), by its place in the page, with what it added, of a series that
    ``keeps_examples``.
    """

    bounds: tuple[int, ...]
    counts: list[int]
    keeps_examples: bool
    examples: dict[int, tuple[int, str, int]] = field(default_factory=dict)
    amount: int = 0


@dataclass(slots=True)
class Tally:
    """Runs of one page and workload that have the same effect, each with its place in the page."""

    counts: list[tuple[Sum, int]]
    """What each of them adds to which counter."""
    values: list[Sum]
    """Where their values go."""
    runs: list[tuple[int, Run]] = field(default_factory=list)


@dataclass(slots=True)
class Events:
    """When the events of such runs were, as each tells it. ``keys`` are those of the gauges, None for an event of which
    nobody speaks."""

    keys: list[SeriesKey | None]
    told: list[tuple[Micros, ...]] = field(default_factory=list)


CLOCK_TOLERANCE = 5 * MINUTE
"""How far our clock may be from the upstream's for anything to move, expire or be forgotten (rule 26)."""


class Draft:
    """Collects what one batch changes; nothing of the ledger is touched.

    ``now`` is the upstream's now where it told one, else ours. ``trusted`` says whether the clocks agree well
    enough for anchors to move and for things to expire (rule 26).
    """

    def __init__(
        self, ledger: Ledger, rules: Rules, moment: Moment, upstream_now: Micros | None, trusted: bool
    ) -> None:
        self.ledger = ledger
        self.rules = rules
        self.limits = rules.limits
        self.moment = moment
        self.now = moment.world if upstream_now is None else upstream_now
        self._apart = abs(moment.world - self.now) > CLOCK_TOLERANCE
        self.trusted = trusted and not self._apart
        self.changes = Changes()
        self.keys: dict[tuple[Metric, str, Labels], SeriesKey] = {}
        """Names of series that were asked for: folding, once decided, stands for the batch."""
        self.sums: dict[SeriesKey, Sum] = {}
        """What is still to be applied, by ``series.settle``."""
        self.tallies: dict[tuple[str, Effect], Tally] = {}
        """The same by slot and effect, with what is still to be added to ``sums``."""
        self.counted = 0
        """Runs in ``tallies``."""
        self.events: dict[tuple[str, Effect], Events] = {}
        """Times of events, still to be applied."""
        self.unspoken: dict[tuple[Metric, str, Labels], bool] = {}
        """Whether nobody speaks of an event, once decided, for the batch."""
        self.left_out: frozenset[str] = frozenset()
        """Items of windows that are followed and not counted."""
        self.fresh_values: dict[str, set[Labels]] = {}
        self.fresh_slots = 0
        self._room: Room | None = None
        self._fired: Counter[str] | None = None

    @property
    def fired(self) -> Counter[str]:
        """How many triggers each slot has of which a fire time is kept."""
        if self._fired is None:
            self._fired = Counter(key.labels[0] for key, _ in self.all_marks() if key.family == SCHEDULE_FIRED.name)
        return self._fired

    @property
    def room(self) -> Room:
        """How many more series may be shown (``max_series``)."""
        if self._room is None:
            crowd = self.ledger.crowd(self.limits.drop_labels)
            each = gauges(self.rules.platform)
            taken = reserved(self.rules.platform, self.limits.max_label_values) + crowd.weight
            self._room = Room(crowd, self.limits.max_series - taken - each * self.ledger.slots_held(), each)
        return self._room

    @property
    def steady(self) -> bool:
        """Whether the clocks are trusted, and were not found apart for ``settle``.

        One answer without a time, or with a wrong one, would have windows begin where the upstream's clock has not yet
        been, and take what was only not yet read for gone.
        """
        doubted = None if self.target is None else self.target.doubted_at
        return self.trusted and (doubted is None or self.moment.world - doubted >= self.limits.settle)

    def note_clocks(self) -> None:
        """Note that the clocks are apart, if they are. One of ours that was ahead is doubted from its correction on."""
        target = self.target
        if target is not None and (self._apart or (target.doubted_at or 0) > self.moment.world):
            self.changes.target = target._replace(doubted_at=self.moment.world)

    @property
    def target(self) -> TargetState | None:
        """The target's state as this batch leaves it."""
        return self.changes.target or self.ledger.target

    def baseline(self) -> TargetState:
        """Return the target's state; with the very first batch, its baseline is set to now (rule 9)."""
        target = self.target
        if target is None:
            target = TargetState(baseline_at=self.now, floor=self.now - self.limits.memory, born_at=self.moment.world)
            self.changes.target = target
        return target

    def listing(self, key: str) -> ListingState | None:
        """Return a listing's state."""
        return _get(self.changes.listings, self.ledger.listings, key)

    def open_run(self, run_id: str) -> OpenRun | None:
        """Return an open run."""
        return _get(self.changes.open_runs, self.ledger.open_runs, run_id)

    def timeless(self, run_id: str) -> Micros | None:
        """Return when a run without times was last seen, None for one that is not kept."""
        return _get(self.changes.timeless, self.ledger.timeless, run_id)

    def workload(self, identity: str) -> WorkloadState | None:
        """Return a workload."""
        return _get(self.changes.workloads, self.ledger.workloads, identity)

    def source(self, name: str) -> SourceState | None:
        """Return a windowed question's state."""
        return _get(self.changes.sources, self.ledger.sources, name)

    def window(self, key: WindowKey) -> WindowState | None:
        """Return the value last applied for a figure."""
        return _get(self.changes.windows, self.ledger.windows, key)

    def series(self, key: SeriesKey) -> Series | None:
        """Return a durable series."""
        return _get(self.changes.series, self.ledger.series, key)

    def mark(self, key: SeriesKey) -> Micros | None:
        """Return a durable time."""
        return _get(self.changes.marks, self.ledger.marks, key)

    def workloads(self) -> Iterator[tuple[str, WorkloadState]]:
        """Iterate over all workloads as this batch leaves them."""
        return _items(self.changes.workloads, self.ledger.workloads)

    def windows(self) -> Iterator[tuple[WindowKey, WindowState]]:
        """Iterate over all window values as this batch leaves them."""
        return _items(self.changes.windows, self.ledger.windows)

    def listings(self) -> Iterator[tuple[str, ListingState]]:
        """Iterate over all listings as this batch leaves them."""
        return _items(self.changes.listings, self.ledger.listings)

    def all_series(self) -> Iterator[tuple[SeriesKey, Series]]:
        """Iterate over all durable series as this batch leaves them."""
        return _items(self.changes.series, self.ledger.series)

    def all_marks(self) -> Iterator[tuple[SeriesKey, Micros]]:
        """Iterate over all durable times as this batch leaves them."""
        return _items(self.changes.marks, self.ledger.marks)

    def open_runs(self) -> Iterator[tuple[str, OpenRun]]:
        """Iterate over all open runs as this batch leaves them."""
        return _items(self.changes.open_runs, self.ledger.open_runs)


def _get(changed: Mapping[K, V | None], kept: Mapping[K, V], key: K) -> V | None:
    if key in changed:
        return changed[key]
    return kept.get(key)


def _items(changed: Mapping[K, V | None], kept: Mapping[K, V]) -> Iterator[tuple[K, V]]:
    for key, value in list(kept.items()):
        if key not in changed:
            yield key, value
    for key, new in list(changed.items()):
        if new is not None:
            yield key, new
