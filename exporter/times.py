"""Time as the core knows it: integer microseconds since the epoch, UTC."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Protocol

Micros = int
"""Microseconds: a point in time (since the epoch) or a length of time."""

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(NamedTuple):
    """One instant on both clocks.

    ``world`` is the clock that upstream times and counting use (accelerated in tests), ``wall`` the real one,
    for created times, holds and exemplars.
    """

    world: Micros
    wall: Micros


class Clock(Protocol):
    """Where time comes from; an argument of everything that needs it."""

    def now(self) -> Moment:
        """Return this instant."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps."""


class SystemClock:
    """The machine's clock; world and wall are the same."""

    def now(self) -> Moment:
        """Return this instant."""
        micros = time.time_ns() // 1000
        return Moment(micros, micros)

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps."""
        return time.monotonic()


class ScaledClock:
    """The machine's clock with a world that may start elsewhere and run faster."""

    def __init__(self, world: Callable[[], Micros]) -> None:
        self._world = world

    def now(self) -> Moment:
        """Return this instant."""
        return Moment(self._world(), time.time_ns() // 1000)

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps."""
        return time.monotonic()


def to_datetime(micros: Micros) -> datetime:
    """Return an aware UTC datetime."""
    return EPOCH + timedelta(microseconds=micros)


def from_datetime(moment: datetime) -> Micros:
    """Return microseconds since the epoch of an aware datetime, exact."""
    since = moment - EPOCH
    return since.days * DAY + since.seconds * SECOND + since.microseconds


def seconds(value: float) -> Micros:
    """Return a length in seconds as microseconds, rounded to the nearest."""
    return round(value * SECOND)
