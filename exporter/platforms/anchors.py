"""When the anchor of a window is to move, and where to (rule 12). Pure."""

from __future__ import annotations

from typing import Final

from exporter.counting.limits import Limits
from exporter.counting.states import SourceState
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros

MOVE_AFTER: Final = 2
"""A move is tried when the window is this many times ``settle`` long (rule 12)."""
GRAINS: Final = (DAY, HOUR, MINUTE, SECOND)
"""Units to which servers may round the bounds of a window."""


def new_anchor(state: SourceState | None, limits: Limits, now: Micros) -> Micros | None:
    """Return where the anchor of a window is to move to; None when no move is due.

    It is now less ``settle``, rounded down: servers that round bounds then tell two parts without overlap.
    """
    if state is None or now - state.anchor < MOVE_AFTER * limits.settle:
        return None
    if state.moved_try is not None and 0 <= now - state.moved_try < limits.sweep_interval:
        return None
    grain = next(unit for unit in GRAINS if unit <= max(limits.settle, SECOND))
    new = (now - limits.settle) // grain * grain
    return new if new > state.anchor else None
