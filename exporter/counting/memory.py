"""The ledger in memory: what a store keeps of one target, as it was last committed.

A store gives it to ``count`` to read and puts the changes in after COMMIT returned. By itself it is a whole
ledger without durability; the tests of counting use it so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import TypeVar

from exporter.catalogue import BY_NAME
from exporter.catalogue.runs import SCHEDULE_FIRED
from exporter.counting.crowd import OTHER, Crowd
from exporter.counting.feed import Feed, Ids
from exporter.counting.ledger import Changes
from exporter.counting.states import (
    Exemplar,
    ListingState,
    OpenRun,
    Series,
    SeriesKey,
    SourceState,
    TargetState,
    Value,
    WindowKey,
    WindowState,
    WorkloadState,
)
from exporter.observations import Labels
from exporter.times import Micros

K = TypeVar("K")
V = TypeVar("V")


class MemoryLedger:
    """One target's ledger. ``holding`` maps a held series to when its hold began (monotonic seconds).

    A hold that has not begun (None) begins with ``begin_holds``, when the first snapshot with the series is
    ready. Loading puts each series in as a new one, so that a start holds all of them (rule 16). With ``holds`` False
    nothing is ever held.
    """

    def __init__(self, *, holds: bool) -> None:
        self.holds = holds
        self.target: TargetState | None = None
        self.listings: dict[str, ListingState] = {}
        self.open_runs: dict[str, OpenRun] = {}
        self.timeless: dict[str, Micros] = {}
        self.workloads: dict[str, WorkloadState] = {}
        self.sources: dict[str, SourceState] = {}
        self.windows: dict[WindowKey, WindowState] = {}
        self.series: dict[SeriesKey, Series] = {}
        self.shown: dict[str, dict[Labels, Value]] = {}
        """What ``series`` shows, by family, kept so that exposing a family does not look at all series."""
        self.debt = 0
        """The sum over all series."""
        self.marks: dict[SeriesKey, Micros] = {}
        self.told: dict[str, dict[Labels, Micros]] = {}
        """The marks by family, for the same reason."""
        self.levels: dict[str, dict[SeriesKey, float]] = {}
        self.read: dict[str, Micros] = {}
        self.exemplars: dict[SeriesKey, dict[int, Exemplar]] = {}
        self.held_exemplars: dict[SeriesKey, dict[int, Exemplar]] = {}
        self.holding: dict[SeriesKey, float | None] = {}
        self.feed = Feed()
        self.open_ids: dict[str, Ids] = {}
        self.named: frozenset[str] | None = None
        self.dirty: dict[str, set[Labels]] = {}
        """By family, what has a series, a mark or an exemplar that came, changed or went since ``take_dirty``."""
        self._open_values: dict[str, dict[Labels, int]] = {}
        self.crowded = False
        """Whether ``max_series`` kept a series from being shown on its own, in this process."""
        self._own_slots = 0
        self._slots_held = 0
        self._crowd: Crowd | None = None
        self._ids: set[tuple[int, str]] = set()

    def held(self, key: SeriesKey) -> bool:
        """Whether what is counted now must wait."""
        return self.holds and (key not in self.series or key in self.holding)

    def open_values(self, family: str) -> Collection[Labels]:
        """Return the distinct values of the family's open labels, ``_other`` excluded."""
        return self._open_values.get(family, {}).keys()

    def own_slots(self) -> int:
        """Return how many identities have series of their own."""
        return self._own_slots

    def slots_held(self) -> int:
        """Return under how many labels identities have gauges of their own, earlier labels included."""
        return self._slots_held

    def crowd(self, dropped: frozenset[str]) -> Crowd:
        """Return the series as they are shown without these labels; kept up to date from now on."""
        if self._crowd is None or self._crowd.dropped != dropped:
            fired = (key for key in self.marks if key.family == SCHEDULE_FIRED.name)
            self._crowd = Crowd(dropped, chain(self.series, fired))
        return self._crowd

    def remembered(self, ids: Mapping[int, Collection[str]]) -> set[str]:
        """Return those ids that are kept under one of the days given for them."""
        return {run_id for day, run_ids in ids.items() for run_id in run_ids if (day, run_id) in self._ids}

    def keep_ids(self, changes: Changes) -> None:
        """Keep and prune ids; a store that has them on disk does this there."""
        self._ids.update(changes.remember)
        if changes.prune_before_day is not None:
            self._ids = {pair for pair in self._ids if pair[0] >= changes.prune_before_day}

    def apply(self, changes: Changes) -> None:
        """Put committed changes in, ids excepted."""
        if changes.target is not None:
            self.target = changes.target
        _merge(self.listings, changes.listings)
        _merge(self.open_runs, changes.open_runs)
        _merge(self.timeless, changes.timeless)
        for identity, state in changes.workloads.items():
            self._count_slot(self.workloads.get(identity), -1)
            self._count_slot(state, +1)
        _merge(self.workloads, changes.workloads)
        _merge(self.sources, changes.sources)
        _merge(self.windows, changes.windows)
        for key, series in changes.series.items():
            self._put_series(key, series)
        self._count_fired(changes)
        _merge(self.marks, changes.marks)
        self._tell(changes.marks)
        self.levels.update(changes.levels)
        self.read.update(changes.read)
        for listing in [key for key, state in changes.listings.items() if state is None]:
            self.levels.pop(listing, None)
            self.read.pop(listing, None)
        for key, found in changes.exemplars.items():
            kept = self.held_exemplars if key in self.holding else self.exemplars
            kept.setdefault(key, {}).update(found)
            self._touch(key)
        self.crowded |= changes.crowded
        self._feed(changes)

    def _feed(self, changes: Changes) -> None:
        self.feed.take(changes.feed.values())
        self.open_ids.update(changes.open_ids)
        for run_id in [run_id for run_id, run in changes.open_runs.items() if run is None]:
            self.open_ids.pop(run_id, None)
        if changes.named is not None:
            self.named = changes.named

    def _tell(self, marks: Mapping[SeriesKey, Micros | None]) -> None:
        for key, at in marks.items():
            self._touch(key)
            told = self.told.setdefault(key.family, {})
            if at is None:
                told.pop(key.labels, None)
            else:
                told[key.labels] = at

    def _touch(self, key: SeriesKey) -> None:
        self.dirty.setdefault(key.family, set()).add(key.labels)

    def _put_series(self, key: SeriesKey, series: Series | None) -> None:
        self._touch(key)
        before = self.series.get(key)
        self.debt += (0 if series is None else series.debt) - (0 if before is None else before.debt)
        if series is None:
            if before is not None:
                del self.series[key]
                del self.shown[key.family][key.labels]
                self._count_open_values(key, -1)
                if self._crowd is not None:
                    self._crowd.put(key, -1)
            self.holding.pop(key, None)
            self.exemplars.pop(key, None)
            self.held_exemplars.pop(key, None)
            return
        if before is None:
            self._count_open_values(key, +1)
            if self._crowd is not None:
                self._crowd.put(key, +1)
            if self.holds:
                self.holding[key] = None
        self.series[key] = series
        self.shown.setdefault(key.family, {})[key.labels] = series.shown

    def _count_slot(self, state: WorkloadState | None, by: int) -> None:
        if state is not None and state.slot != OTHER:
            self._own_slots += by
            self._slots_held += by * (1 + len(state.former))

    def _count_fired(self, changes: Changes) -> None:
        """Count the fire times, of which a workload has one for each trigger that its runs name."""
        for key, at in changes.marks.items():
            if self._crowd is not None and key.family == SCHEDULE_FIRED.name:
                by = (at is not None) - (key in self.marks)
                if by:
                    self._crowd.put(key, by)

    def _count_open_values(self, key: SeriesKey, by: int) -> None:
        metric = BY_NAME[key.family]
        if not metric.open_labels:
            return
        values = tuple(key.labels[metric.labels.index(name)] for name in metric.open_labels)
        if values == (OTHER,) * len(values):
            return
        counts = self._open_values.setdefault(key.family, {})
        counts[values] = counts.get(values, 0) + by
        if not counts[values]:
            del counts[values]

    def begin_holds(self, keys: Iterable[SeriesKey], monotonic: float) -> None:
        """A snapshot that shows these series is ready: their holds begin, where they have not."""
        for key in keys:
            if key in self.holding and self.holding[key] is None:
                self.holding[key] = monotonic

    def holds_over(self, monotonic: float, length: float) -> list[SeriesKey]:
        """Return the series whose hold has lasted ``length`` seconds."""
        return [key for key, since in self.holding.items() if since is not None and monotonic - since >= length]

    def end_holds(self, keys: Iterable[SeriesKey]) -> None:
        """These series were released: from now on what is counted is shown at once."""
        for key in keys:
            self.holding.pop(key, None)
            found = self.held_exemplars.pop(key, None)
            if found:
                self.exemplars.setdefault(key, {}).update(found)
            self._touch(key)
        if not self.holding:
            self.holding = {}  # after a start it held every series, and an emptied one keeps the room for them

    def take_dirty(self) -> dict[str, set[Labels]]:
        """Return what changed since the last call: by family, the label values."""
        dirty, self.dirty = self.dirty, {}
        return dirty


def _merge(kept: dict[K, V], changed: dict[K, V | None]) -> None:
    for key, value in changed.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value
