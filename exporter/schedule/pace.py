"""When a job runs: slots on a grid, each with its own jitter.

APScheduler's interval trigger adds its jitter to the run before, so a job with an interval of 60 s and 10 % jitter
runs every 63 s on average, and it lists every run that was missed, one by one. Here the jitter belongs to the
slot: the mean pace is the interval, all runs are known in advance, and a job that was late goes on with the next.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from apscheduler.triggers.base import BaseTrigger

from exporter.times import SECOND, Micros, from_datetime, to_datetime

LONGEST_SPREAD: Final = 10 * SECOND
"""Nobody waits longer than this for the first run; the runs after it are spread over the whole interval."""

_GOLDEN: Final = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class Pace:
    """Runs at ``first``, then at ``first + shift + n * interval``, in wall-clock microseconds, each with a delay.

    The delay is up to ``jitter`` (a fraction of the interval, below 1), and of each slot always the same; ``seed``
    makes it another one for another job. ``interval`` is above 0, ``shift`` at most half of it, either way.
    """

    first: Micros
    interval: Micros
    jitter: float = 0.0
    seed: int = 0
    shift: Micros = 0

    def run_after(self, moment: Micros) -> Micros:
        """Return the earliest run later than ``moment``."""
        slot = self._slot(moment)
        run = self._run(slot)
        return run if run > moment else self._run(slot + 1)

    def shifted(self, step: Micros) -> Pace:
        """Return the same pace after the wall clock has stepped: every run keeps its distance from now."""
        return replace(self, first=self.first + step)

    def with_interval(self, interval: Micros, now: Micros) -> Pace:
        """Return a pace that goes on from the last slot: the next run is one new interval after it.

        If that is past, it is the next run on the grid from there.
        """
        return replace(self, first=self._begin(self._slot(now)), interval=interval, shift=0)

    def _slot(self, moment: Micros) -> int:
        return max(0, (moment - self.first - self.shift) // self.interval)

    def _begin(self, slot: int) -> Micros:
        return self.first + self.shift + slot * self.interval if slot else self.first

    def _run(self, slot: int) -> Micros:
        begin = self._begin(slot)
        if not slot or not self.jitter:
            return begin
        share = random.Random(f"{self.seed} {slot}").random()  # noqa: S311  # it guards no secret
        return begin + int(share * self.jitter * self.interval)


def spread(number: int, interval: Micros) -> tuple[Micros, Micros]:
    """Return how long the ``number``-th job (from 0) waits for its first run, and the ``shift`` of those after it.

    Multiples of the golden ratio, modulo 1: however many there are, they lie about evenly, and the first is 0. First
    runs come soon and so, of many jobs, all in a short while; the shift takes each to its place in the interval, or
    that crowd would meet again in every interval.
    """
    share = number * _GOLDEN % 1
    wait = int(share * min(interval, LONGEST_SPREAD))
    shift = int(share * interval) - wait
    return wait, shift - interval if 2 * shift > interval else shift


class PaceTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """A pace as APScheduler asks for it; the pace may be replaced."""

    def __init__(self, pace: Pace) -> None:
        """Take the pace to begin with."""
        self.pace = pace

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the first run after now; the runs missed until then are left out."""
        del previous_fire_time  # it is never later than now
        return to_datetime(self.pace.run_after(from_datetime(now)))
