"""Moving the anchor of a window (rule 12): when its readings agree, or when the window became too long.

A move counts from the two disjoint parts, so that what ended between two readings is in the new value or counted,
and never both. It is tried again when it does not fit, and in the end forced.
"""

from __future__ import annotations

from exporter.counting.draft import CLOCK_TOLERANCE, Draft
from exporter.counting.figures import Figures, Nets, applied, ended_runs, none_falls, note, wanted
from exporter.counting.series import fall, write_off
from exporter.counting.states import SourceState, WindowKey, WindowState
from exporter.observations import Move, Source, WindowTotal
from exporter.times import Micros


def too_long(draft: Draft, start: Micros, end: Micros) -> bool:
    """Whether a window must be shortened, even by force."""
    return end - start >= draft.limits.max_window + draft.limits.settle


def _overdue(draft: Draft, source: Source[WindowTotal]) -> bool:
    """Whether a window that must be shortened has waited as long again for readings between which nothing ended."""
    return too_long(draft, source.whole.start + draft.limits.settle, source.whole.end)


def agreed(draft: Draft, end: Micros) -> bool:
    """Whether the clocks agree, and a reading that ends at ``end`` was asked for by the right time (rule 26).

    After a step of our clock the first question is asked by a wrong one; what it says is put right by the next.
    """
    return draft.steady and abs(end - draft.now) <= CLOCK_TOLERANCE


def moved(draft: Draft, source: Source[WindowTotal], move: Move[WindowTotal], told: Figures, nets: Nets) -> bool:
    """Try the move; return whether it was made, and then everything of this source is counted."""
    again, closed, rest = wanted(draft, move.again), wanted(draft, move.closed), wanted(draft, move.rest)
    before = applied(draft, source)
    runs = [ended_runs(each, before) for each in (told, again, closed, rest)]
    in_time = agreed(draft, source.whole.end) and move.rest.start > source.whole.start
    if not in_time or not (runs[0] and runs[1] and runs[2] + runs[3]):
        return False  # a reading without any ended run is the answer of a platform that is not well
    if source.complete:
        keys = before.keys() | told.keys() | again.keys() | closed.keys() | rest.keys()
    else:  # absent is not told: only what all readings name can move, the others are left behind
        keys = before.keys() & told.keys() & again.keys() & closed.keys() & rest.keys()
        # sums of the whole target cannot be read by name: a part without one says 0, and the check below agrees
        keys |= {key for key in before if not key[0] and key in told and key in again}
    parts = {key: closed.get(key, 0) + rest.get(key, 0) for key in keys}
    deltas = {key: parts[key] - before.get(key, 0) for key in keys}
    sound = {key for key in keys if _between(parts[key], told.get(key), again.get(key))}
    if sound == keys and not move.active and none_falls(draft, deltas):
        for key, delta in deltas.items():
            note(draft, nets, key, delta)
    elif too_long(draft, source.whole.start, source.whole.end) and (runs[3] or runs[2] >= runs[0]):
        # What none of the readings names keeps its value. Where the two differ by more than what ended between them,
        # something was left out of the lower one.
        largest = {key: max(told.get(key, 0), again.get(key, 0)) for key in told.keys() | again.keys()}
        if any(largest.get(key) and key not in closed and key not in rest for key in keys):
            return False  # both parts left it out: nobody knows how much of it began after the new anchor
        whole = before | largest
        # Where the parts add up they tell what was there when the rest was read; so does a whole that stood still.
        told_by_parts = {key for key in keys if deltas[key] >= 0 and (key in sound or parts[key] == largest.get(key))}
        # What ended between two readings would be counted twice, or not at all; what fell in a part comes back.
        unsettled = any(told.get(key) != again.get(key) for key in keys - told_by_parts)
        fallen = any(_fell_short(key, told, again, closed, rest) for key in keys)
        if (unsettled or fallen) and not _overdue(draft, source):
            return False
        whole |= {key: parts[key] for key in told_by_parts}
        _force(draft, {key: whole.get(key, 0) - before.get(key, 0) for key in keys}, nets)
        known = keys & (told.keys() | again.keys() | closed.keys())
        rest = {key: max(whole.get(key, 0) - closed.get(key, 0), 0) for key in known} | rest
    else:
        return False
    for key in keys:
        draft.changes.windows[key] = WindowState(source.name, move.rest.start, rest.get(key, 0))
    for key in before.keys() - keys:
        if not key[0]:
            draft.changes.windows[key] = None  # nothing could ever be compared with it again
    draft.changes.sources[source.name] = SourceState(anchor=move.rest.start, moved_try=draft.now)
    return True


def _between(value: int, one: int | None, other: int | None) -> bool:
    """Whether ``value`` lies between two whole readings; with one that lacks what the other has, nothing is proved."""
    if (one is None) != (other is None):
        return not (value or one or other)
    return min(one or 0, other or 0) <= value <= max(one or 0, other or 0)


def _fell_short(key: WindowKey, told: Figures, again: Figures, closed: Figures, rest: Figures) -> bool:
    """Whether all four readings name a figure, and one of the parts tells too little of it."""
    if not all(key in each for each in (told, again, closed, rest)):
        return False
    return closed[key] + rest[key] < min(told[key], again[key])


def _force(draft: Draft, deltas: Figures, nets: Nets) -> None:
    """Count from the whole reading; what falls is written off."""
    forced = Nets()
    for key, delta in deltas.items():
        note(draft, forced, key, delta)
    for series, net in forced.items():
        if net >= 0:
            nets[series] += net
        else:
            owed = fall(draft, series, -net)
            if owed:
                write_off(draft, series, owed)
