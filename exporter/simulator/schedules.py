"""When a workload fires: at a steady pace, by a cron expression, or once.

Fire times are pure functions of the schedule, so any window can be asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim
from tzlocal.windows_tz import win_tz

from exporter.simulator.clock import to_datetime, to_micros


class Schedule(Protocol):
    """Gives the fire times in ``[since, until)``, in order."""

    def fires(self, since: int, until: int) -> Iterator[int]:
        """Fire times in microseconds."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """One fire a ``period``, at ``phase`` past each multiple of it (both in microseconds)."""

    period: int
    phase: int = 0

    def fires(self, since: int, until: int) -> Iterator[int]:
        """The multiples of the period, shifted by the phase."""
        first = -(-(since - self.phase) // self.period)
        fire = first * self.period + self.phase
        while fire < until:
            yield fire
            fire += self.period


@dataclass(frozen=True, slots=True)
class Cron:
    """A five-field cron expression in a time zone, named as IANA or as Windows names it."""

    expression: str
    zone: str = "UTC"

    def fires(self, since: int, until: int) -> Iterator[int]:
        """What the expression says, daylight saving time included."""
        # CronSim starts after the given time; step back so that a fire at ``since`` itself is found.
        zone = ZoneInfo(win_tz.get(self.zone, self.zone))
        start = (to_datetime(since) - timedelta(minutes=1)).astimezone(zone)
        moment: datetime
        for moment in CronSim(self.expression, start):
            fire = to_micros(moment)
            if fire >= until:
                return
            if fire >= since:
                yield fire


@dataclass(frozen=True, slots=True)
class Once:
    """A single fire."""

    at: int

    def fires(self, since: int, until: int) -> Iterator[int]:
        """The one time, if it lies in the window."""
        if since <= self.at < until:
            yield self.at
