"""Windows, from aggregates: counting by difference, and moving the anchor (rules 10 to 14).

The ledger keeps, for each figure, the anchor of its window and the value last applied; the counter moves by new
less old. Only values of the same anchor are compared, and a figure that is not told keeps its value.
"""

from __future__ import annotations

from collections import Counter

from exporter.catalogue import BY_NAME
from exporter.catalogue.runs import LAST_RUN, RUNS
from exporter.counting import workloads
from exporter.counting.draft import Draft
from exporter.counting.ledger import ListingState, SeriesKey, SourceState, WindowKey, WindowState
from exporter.counting.series import apply_marks, key_of, shift, write_off
from exporter.observations import Mark, Move, Reading, Source, Windows, WindowTotal

Figures = dict[WindowKey, int]


def count_windows(draft: Draft, batch: Windows[WindowTotal]) -> None:
    """Take in all window readings of one poll."""
    workloads.baseline(draft)
    for item in batch.workloads:
        workloads.see(draft, item)
    complete = [source for source in batch.sources if source.complete]
    if complete:
        workloads.note_absent(draft, {item.identity for item in batch.workloads})
    for source in batch.sources:
        _count_source(draft, source)
        known = draft.listing(source.name) or ListingState()
        draft.changes.listings[source.name] = known._replace(
            last_whole=max(source.whole.end, known.last_whole or 0), failed=None, failed_at=None
        )
    for identity, mark in batch.marks:
        apply_marks(draft, workloads.slot_of(draft, identity), (mark,))
    draft.changes.levels[""] = workloads.levels(draft, batch.levels)
    draft.changes.read[""] = draft.now


def _count_source(draft: Draft, source: Source[WindowTotal]) -> None:
    state = draft.source(source.name)
    told = _figures(source.whole)
    if state is None:
        # the first reading is the baseline: what it holds happened before us, whichever way it is filed
        draft.changes.sources[source.name] = SourceState(anchor=source.whole.start)
        for key, value in told.items():
            _keep(draft, key, source, value)
        return
    if source.whole.start != state.anchor:
        return  # a reading of another anchor says nothing about this one
    if source.move is not None:
        draft.changes.sources[source.name] = state._replace(moved_try=draft.now)
        if _moved(draft, source, source.move, told):
            return
    before = _applied(draft, source)
    for key, value in told.items():
        if key in before:
            _shift(draft, key, value - before[key])
        elif source.complete:
            _shift(draft, key, value)
        else:
            continue
        _keep(draft, key, source, value)


def _figures(reading: Reading[WindowTotal]) -> Figures:
    return {(total.item, SeriesKey(total.metric.name, _labels(total))): total.value for total in reading.items}


def _labels(total: WindowTotal) -> tuple[str, ...]:
    return (total.item, *total.labels) if total.metric.per_workload else total.labels


def _applied(draft: Draft, source: Source[WindowTotal]) -> Figures:
    return {
        key: window.value
        for key, window in draft.windows()
        if window.source == source.name and window.anchor == source.whole.start
    }


def _keep(draft: Draft, key: WindowKey, source: Source[WindowTotal], value: int) -> None:
    _series(draft, key)
    draft.changes.windows[key] = WindowState(source.name, source.whole.start, value)


def _series(draft: Draft, key: WindowKey) -> SeriesKey:
    item, figure = key
    metric = BY_NAME[figure.family]
    if metric.per_workload:
        slot = workloads.slot_of(draft, item) if item else ""
        return key_of(draft, metric, slot, figure.labels[1:])
    return key_of(draft, metric, "", figure.labels)


def _shift(draft: Draft, key: WindowKey, delta: int) -> SeriesKey:
    series = _series(draft, key)
    shift(draft, series, delta)
    if delta > 0 and series.family == RUNS.name:
        # the platform tells no times: the poll that saw the count rise is the latest we know of
        apply_marks(draft, series.labels[0], (Mark(LAST_RUN, series.labels[1:], draft.now),))
    return series


def _moved(draft: Draft, source: Source[WindowTotal], move: Move[WindowTotal], told: Figures) -> bool:
    """Try the move; return whether it was made, and then everything of this source is counted."""
    if not draft.trusted or not any(told.values()):
        return False
    again, closed, rest = _figures(move.again), _figures(move.closed), _figures(move.rest)
    before = _applied(draft, source)
    if source.complete:
        keys = set(before) | set(told) | set(again) | set(closed) | set(rest)
    else:  # absent is not told: only what all readings name can move, the others are left behind
        keys = set(before) & set(told) & set(again) & set(closed) & set(rest)
    parts = {key: closed.get(key, 0) + rest.get(key, 0) for key in keys}
    nets: Counter[SeriesKey] = Counter()
    for key in keys:
        nets[_series(draft, key)] += parts[key] - before.get(key, 0)
    sound = all(
        min(told.get(key, 0), again.get(key, 0)) <= parts[key] <= max(told.get(key, 0), again.get(key, 0))
        for key in keys
    )
    fits = any(parts.values()) and sound and not move.active and all(net >= 0 for net in nets.values())
    overdue = source.whole.end - source.whole.start >= draft.limits.max_window + draft.limits.settle
    if not fits and not overdue:
        return False
    if not fits:
        nets = _forced(draft, keys, told, before)
    for series, net in nets.items():
        _apply_net(draft, series, net, forced=not fits)
    start = move.rest.start
    for key in keys:
        draft.changes.windows[key] = WindowState(source.name, start, rest.get(key, 0))
    draft.changes.sources[source.name] = SourceState(anchor=start, moved_try=draft.now)
    return True


def _forced(draft: Draft, keys: set[WindowKey], told: Figures, before: Figures) -> Counter[SeriesKey]:
    """A forced move counts from the whole reading; what that does not name keeps its value."""
    nets: Counter[SeriesKey] = Counter()
    for key in keys:
        nets[_series(draft, key)] += told.get(key, before.get(key, 0)) - before.get(key, 0)
    return nets


def _apply_net(draft: Draft, series: SeriesKey, net: int, *, forced: bool) -> None:
    if net > 0 and series.family == RUNS.name:
        apply_marks(draft, series.labels[0], (Mark(LAST_RUN, series.labels[1:], draft.now),))
    shift(draft, series, net)
    if forced and net < 0:
        owed = draft.series(series)
        if owed is not None and owed.debt:
            write_off(draft, series, min(owed.debt, -net))
