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
from exporter.counting.series import apply_marks, born, exemplify, key_of, shift, write_off
from exporter.observations import Example, Mark, Move, Reading, Source, Windows, WindowTotal

Figures = dict[WindowKey, int]


def count_windows(draft: Draft, batch: Windows[WindowTotal]) -> None:
    """Take in all window readings of one poll."""
    workloads.baseline(draft)
    for item in batch.workloads:
        workloads.see(draft, item)
    lists = [source for source in batch.sources if source.item is None]
    if batch.roster or any(source.complete for source in lists):
        workloads.note_absent(draft, {item.identity for item in batch.workloads})
    for source in batch.sources:
        if source.item is None:
            _count_source(draft, source)
        else:
            _count_item(draft, source)
    for identity, mark in batch.marks:
        apply_marks(draft, workloads.slot_of(draft, identity), (mark,))
    for example in batch.examples:
        _exemplify(draft, example)
    _note_read(draft, batch, [source for source in lists if not source.deep])


def _note_read(draft: Draft, batch: Windows[WindowTotal], regular: list[Source[WindowTotal]]) -> None:
    """Note what was read when, and the levels."""
    for source in regular:
        known = draft.listing(source.name) or ListingState()
        draft.changes.listings[source.name] = known._replace(
            last_whole=max(source.whole.end, known.last_whole or 0), failed=None, failed_at=None
        )
        draft.changes.read[""] = draft.now
    if batch.levels is not None:
        draft.changes.levels[batch.levels_of] = workloads.levels(draft, batch.levels)
        draft.changes.read[batch.levels_of] = draft.now


def _count_source(draft: Draft, source: Source[WindowTotal]) -> None:
    state = draft.source(source.name)
    told = _figures(source.whole)
    if state is None:
        # the first reading is the baseline: what it holds happened before us, whichever way it is filed
        draft.changes.sources[source.name] = SourceState(anchor=source.whole.start)
        for key, value in told.items():
            born(draft, _keep(draft, key, source, value))
        return
    if source.whole.start != state.anchor:
        return  # a reading of another anchor says nothing about this one
    if not source.complete:
        _start_new(draft, source, told)
    if source.move is not None:
        draft.changes.sources[source.name] = state._replace(moved_try=draft.now)
        if _moved(draft, source, source.move, told):
            return
    before = _applied(draft, source)
    for key, value in told.items():
        if key in before or source.complete:
            _shift(draft, key, value - before.get(key, 0))
            _keep(draft, key, source, value)


def _start_new(draft: Draft, source: Source[WindowTotal], told: Figures) -> None:
    """Start figures that are new on a list which may be cut short, of items whose anchor is the list's and of the
    target as a whole; items that are new themselves are read by name."""
    before = _applied(draft, source)
    items = {"", *(item for item, _ in before)}
    for key, value in told.items():
        if draft.window(key) is None and key[0] in items:
            if not _cut_short(before, told, key):
                _shift(draft, key, value)
            _keep(draft, key, source, value)


def _cut_short(before: Figures, told: Figures, key: WindowKey) -> bool:
    """Whether the family's list was cut short: it has lost a figure, and in one window figures do not vanish.

    Then nobody knows what a new figure was before: what is told now is its baseline. A list that only grew was
    shorter than any limit it may have, so that what is new on it was 0.
    """
    family = key[1].family
    return any(figure.family == family and (item, figure) not in told for item, figure in before)


def _count_item(draft: Draft, source: Source[WindowTotal]) -> None:
    """Take in one item that was read by name, and move it to the list's anchor if that was asked for (rule 13)."""
    state = draft.source(source.name)
    if state is None:
        return
    told = {source.whole.start: _figures(source.whole)}
    if source.before is not None:
        earlier, later = Counter(_figures(source.before)), _figures(source.whole)
        told[source.before.start] = {key: earlier[key] + later.get(key, 0) for key in earlier.keys() | later.keys()}
    moves = draft.trusted and source.before is not None and state.anchor in told
    own = next((start for start in told if start != state.anchor), source.whole.start)
    for key in sorted(told[min(told)]):
        known = draft.window(key) or WindowState(source.name, own, 0)
        figures = told.get(known.anchor)
        if figures is None:
            continue  # of another anchor
        value = figures.get(key, 0)
        _shift(draft, key, value - known.value)
        anchor, value = (state.anchor, told[state.anchor].get(key, 0)) if moves else (known.anchor, value)
        draft.changes.windows[key] = WindowState(source.name, anchor, value)


def _exemplify(draft: Draft, example: Example) -> None:
    """Give a counter that this batch raised the run as its exemplar."""
    labels = (example.item, *example.labels) if example.metric.per_workload else example.labels
    key = _series(draft, (example.item, SeriesKey(example.metric.name, labels)))
    known, now = draft.ledger.series.get(key), draft.changes.series.get(key)
    if now is not None:
        rise = sum(now.shown + now.pending) - (sum(known.shown + known.pending) if known is not None else 0)
        if rise > 0:
            exemplify(draft, key, 0, rise, example.run_id)


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


def _keep(draft: Draft, key: WindowKey, source: Source[WindowTotal], value: int) -> SeriesKey:
    draft.changes.windows[key] = WindowState(source.name, source.whole.start, value)
    return _series(draft, key)


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
        # sums of the whole target cannot be read by name: a part without one says 0, and the check below agrees
        keys |= {key for key in before if not key[0] and key in told and key in again}
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
    for key in before.keys() - keys:
        if not key[0]:
            draft.changes.windows[key] = None  # nothing could ever be compared with it again
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
