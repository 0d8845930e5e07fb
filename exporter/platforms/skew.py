"""The upstream's now, as far as it is known before a request is answered."""

from __future__ import annotations

from typing import Any, Final

from exporter.times import MINUTE, SECOND, Clock, Micros

NOTABLE: Final = 2 * SECOND
"""Differences of the clocks up to this are the resolution of ``Date`` and the way of the answer."""

LATE: Final = 5 * MINUTE
"""A window that ended earlier than that says less than what was counted, when our clock was set back or is new."""

_KEY: Final = "skew"


class UpstreamClock:
    """Our clock, corrected by what the upstream's ``Date`` said last. ``memory`` is the target's drawer."""

    def __init__(self, clock: Clock, memory: dict[str, Any]) -> None:
        self.date: Micros | None = None
        """The ``Date`` of the latest answer, None when it had none."""
        self._clock = clock
        self._memory = memory

    def now(self) -> Micros:
        """Return the upstream's now; our own before it ever told its."""
        return self._clock.now().world + self.skew

    @property
    def skew(self) -> Micros:
        """By how much the upstream's clock is ahead of ours; 0 before it ever told its."""
        skew: Micros = self._memory.get(_KEY, 0)
        return skew

    def now_after(self, moment: Micros) -> Micros:
        """Return the upstream's now, which is after ``moment``.

        When it seems not to be, our own clock was set back since the upstream told its: then what it told is
        forgotten and our own now is returned, so that the next answer can put it right.
        """
        if self.now() <= moment:
            self._memory.pop(_KEY, None)
        return self.now()

    def was_wrong(self, known: Micros, *, first: bool) -> bool:
        """Whether a window that ended at our now, corrected by the skew ``known`` then, has to be asked for again.

        One that ended too early would tell sums that fall, and come back. Of the first reading of all, which is the
        baseline, every second counts, and one that began in the upstream's future would leave out what ends until then.
        """
        return self.skew != known if first else self.skew - known > LATE

    def note(self, date: Micros | None) -> None:
        """Take in the ``Date`` of an answer that just came."""
        self.date = date
        if date is None:
            return
        skew = date - self._clock.now().world
        # Date is cut to whole seconds; a second too late only asks for what has not happened yet.
        self._memory[_KEY] = skew + SECOND if abs(skew) > NOTABLE else 0
