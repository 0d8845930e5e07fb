"""Windows, from aggregates: counting by difference, lists and their items read by name (rules 10 to 14).

The ledger keeps, for each figure, the anchor of its window and the value last applied; the counter moves by new
less old. Only values of the same anchor are compared, and a figure that is not told keeps its value.
"""

from __future__ import annotations

from exporter.counting import notable, workloads
from exporter.counting.draft import Draft
from exporter.counting.figures import Figures, Nets, applied, figures_of, none_falls, note, series_of, wanted
from exporter.counting.listings import later
from exporter.counting.moves import agreed, moved, too_long
from exporter.counting.series import apply_marks, born, exemplify, shift
from exporter.counting.states import ListingState, SeriesKey, SourceState, WindowKey, WindowState
from exporter.observations import Example, Source, Windows, WindowTotal
from exporter.times import Micros


def count_windows(draft: Draft, batch: Windows[WindowTotal]) -> None:
    """Take in all window readings of one poll."""
    # A reading ends when it is asked for, its answer's Date is later: what is filed in between is yet to be counted.
    workloads.baseline(draft, min((source.whole.end for source in batch.sources), default=draft.now))
    draft.left_out = batch.left_out
    for item in batch.workloads:
        workloads.see(draft, item)
    lists = [source for source in batch.sources if source.item is None]
    if names_all(batch):
        workloads.note_absent(draft, {item.identity for item in batch.workloads})
    nets = Nets()
    for source in batch.sources:
        if source.item is None:
            _count_source(draft, source, nets)
            if batch.left_out:
                _follow_left_out(draft, source)
        else:
            _count_item(draft, source, nets)
    for series, net in nets.items():
        shift(draft, series, net)
    for identity, mark in batch.marks:
        apply_marks(draft, workloads.slot_of(draft, identity), (mark,))
    for example in batch.examples:
        _exemplify(draft, example)
    regular = [source for source in lists if not source.deep]
    if batch.failed is not None:
        whole = [draft.listing(source.name) for source in regular]
        notable.note_named(draft, batch.failed, max((each.last_whole or 0 for each in whole if each), default=None))
    _note_read(draft, batch, regular)


def names_all(batch: Windows[WindowTotal]) -> bool:
    """Whether a workload that the batch does not name is absent."""
    return batch.roster or any(source.complete for source in batch.sources if source.item is None)


def _note_read(draft: Draft, batch: Windows[WindowTotal], regular: list[Source[WindowTotal]]) -> None:
    """Note what was read when, and the levels."""
    for source in regular:
        known = draft.listing(source.name) or ListingState()
        draft.changes.listings[source.name] = known._replace(
            last_whole=later(draft, known.last_whole, min(source.whole.end, draft.now)), failed=None, failed_at=None
        )
        draft.changes.read.update({"": draft.moment.world, source.name: draft.moment.world})
    if batch.levels is not None:
        draft.changes.levels[batch.levels_of] = workloads.levels(draft, batch.levels)
        draft.changes.read[batch.levels_of] = draft.moment.world


def _count_source(draft: Draft, source: Source[WindowTotal], nets: Nets) -> None:
    state = draft.source(source.name)
    told = wanted(draft, source.whole)
    if state is None:
        # The first reading is the baseline: what it holds happened before us, whichever way it is filed. One that
        # names nothing at all may be a lie; from its end on it makes no difference whether it was.
        nothing = source.complete and not told
        draft.changes.sources[source.name] = SourceState(anchor=source.whole.end if nothing else source.whole.start)
        for key, value in told.items():
            born(draft, _keep(draft, key, source, value))
        return
    if source.whole.start != state.anchor:
        return  # a reading of another anchor says nothing about this one
    if not source.complete:
        _start_new(draft, source, told, nets)
    if source.move is not None:
        draft.changes.sources[source.name] = state._replace(moved_try=draft.now)
        if moved(draft, source, source.move, told, nets):
            return
    before = applied(draft, source)
    for key, value in told.items():
        if key in before or source.complete:
            note(draft, nets, key, value - before.get(key, 0))
            _keep(draft, key, source, value)


def _follow_left_out(draft: Draft, source: Source[WindowTotal]) -> None:
    """Keep what is told of items that are not counted: one that is let in later is counted from then on (rule 27)."""
    state = draft.source(source.name)
    readings = [source.whole] if source.move is None else [source.whole, source.move.rest]
    told = next((figures_of(each) for each in readings if state is not None and each.start == state.anchor), None)
    if state is None or told is None:
        return
    for key, window in list(draft.windows()):
        if window.source == source.name and window.anchor != state.anchor and key[0] in draft.left_out:
            draft.changes.windows[key] = None
    for key, value in told.items():
        followed = WindowState(source.name, state.anchor, value)
        if key[0] in draft.left_out and draft.window(key) != followed:
            draft.changes.windows[key] = followed


def _start_new(draft: Draft, source: Source[WindowTotal], told: Figures, nets: Nets) -> None:
    """Start figures that are new on a list which may be cut short, of items whose anchor is the list's and of the
    target as a whole; items that are new themselves are read by name."""
    before = applied(draft, source)
    items = {"", *(item for item, _ in before)}
    for key, value in told.items():
        if draft.window(key) is None and key[0] in items:
            if not _cut_short(before, told, key):
                note(draft, nets, key, value)
            _keep(draft, key, source, value)


def _cut_short(before: Figures, told: Figures, key: WindowKey) -> bool:
    """Whether the family's list was cut short: it has lost a figure above 0, and in one window those do not vanish.

    Then nobody knows what a new figure was before: what is told now is its baseline. A list that only grew was
    shorter than any limit it may have, so that what is new on it was 0.
    """
    family = key[1].family
    return any(
        value and figure.family == family and (item, figure) not in told for (item, figure), value in before.items()
    )


def _count_item(draft: Draft, source: Source[WindowTotal], nets: Nets) -> None:
    """Take in one item that was read by name, and move it to the list's anchor if that was asked for (rule 13)."""
    state = draft.source(source.name)
    if state is None:
        return
    later = figures_of(source.whole)
    told, sound = {source.whole.start: later}, set(later)
    if source.before is not None:
        earlier = figures_of(source.before)
        # What one of the parts does not tell is not told of both: it would fall, and rise again.
        sums = {key: earlier[key] + later[key] for key in earlier.keys() & later.keys()}
        again = sums if source.again is None else figures_of(source.again)
        told[source.before.start] = {key: min(total, again.get(key, total)) for key, total in sums.items()}
        if not too_long(draft, source.before.start, source.whole.end):
            sound = {key for key, total in sums.items() if again.get(key) == total}
    own = next((start for start in told if start != state.anchor), source.whole.start)
    anchors: dict[WindowKey, Micros] = {}
    deltas: Figures = {}
    for key in sorted(set().union(*told.values())):
        known = draft.window(key) or WindowState(source.name, own, 0)
        if key in told.get(known.anchor, ()):
            anchors[key] = known.anchor
            deltas[key] = told[known.anchor][key] - known.value
    fits = none_falls(draft, deltas) or too_long(draft, min(told), source.whole.end)
    moves = agreed(draft, source.whole.end) and source.before is not None and state.anchor in told and fits
    for key, delta in deltas.items():
        note(draft, nets, key, delta)
        anchor = state.anchor if moves and key in told[state.anchor] and key in sound else anchors[key]
        draft.changes.windows[key] = WindowState(source.name, anchor, told[anchor][key])


def _exemplify(draft: Draft, example: Example) -> None:
    """Give a counter that this batch raised the run as its exemplar."""
    labels = (example.item, *example.labels) if example.metric.per_workload else example.labels
    key = series_of(draft, (example.item, SeriesKey(example.metric.name, labels)))
    known, now = draft.ledger.series.get(key), draft.changes.series.get(key)
    if now is not None:
        rise = sum(now.shown + now.pending) - (sum(known.shown + known.pending) if known is not None else 0)
        if rise > 0:
            exemplify(draft, key, 0, 1, example.run_id)


def _keep(draft: Draft, key: WindowKey, source: Source[WindowTotal], value: int) -> SeriesKey:
    applied_now = WindowState(source.name, source.whole.start, value)
    if draft.window(key) != applied_now:
        draft.changes.windows[key] = applied_now
    return series_of(draft, key)
