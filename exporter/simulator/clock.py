"""World time: a clock is any callable that returns integer microseconds since the epoch.

The simulator never asks the operating system for the time. It is handed one of these, so that a test can
stand still, a demo can run with the real time and a soak test can run a hundred days in a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

Clock = Callable[[], int]

MICROSECOND = 1
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class ManualClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: int) -> None:
        self._now = now

    def __call__(self) -> int:
        return self._now

    def advance(self, seconds: float) -> int:
        """Move by ``seconds``, which may be negative (a clock that was set back); return the new time."""
        self._now += round(seconds * SECOND)
        return self._now

    def set(self, now: int) -> None:
        """Jump to an absolute time in microseconds."""
        self._now = now


class RealClock:
    """The wall clock of this machine."""

    def __call__(self) -> int:
        return time.time_ns() // 1000


class ScaledClock:
    """World time that starts at ``start`` and runs ``speed`` times as fast as real time.

    Based on the monotonic clock, so a step of the machine's wall clock does not move the world.
    """

    def __init__(self, start: int, speed: float) -> None:
        self._start = start
        self._speed = speed
        self._origin = time.monotonic_ns()

    def __call__(self) -> int:
        return self._start + round((time.monotonic_ns() - self._origin) / 1000 * self._speed)


def micros(text: str) -> int:
    """Microseconds since the epoch of an ISO 8601 time; without an offset it is taken as UTC."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return to_micros(moment)


def to_micros(moment: datetime) -> int:
    """Microseconds since the epoch of an aware datetime, exactly (no float in between)."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86400 + delta.seconds) * SECOND + delta.microseconds


def to_datetime(now: int) -> datetime:
    """The aware UTC datetime of a world time."""
    seconds, fraction = divmod(now, SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=fraction)


def iso(now: int) -> str:
    """ISO 8601 with a UTC offset; microseconds only when they are not zero."""
    return to_datetime(now).isoformat()


def parse_http_date(value: str) -> int | None:
    """World time of an HTTP date, or nothing when it is none."""
    try:
        return to_micros(parsedate_to_datetime(value))
    except ValueError:
        return None


def http_date(now: int) -> str:
    """The value of a ``Date`` or ``Retry-After`` header: whole seconds, rounded down."""
    return format_datetime(to_datetime(now // SECOND * SECOND), usegmt=True)
