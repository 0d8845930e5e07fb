"""World time on which the processes of one machine agree, however often one of them starts anew."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class SharedClock:
    """The world is at ``start`` (microseconds) when the machine's monotonic clock is at ``origin`` (nanoseconds), and
    runs ``speed`` times as fast as real time from there."""

    start: int
    origin: int
    speed: float

    @classmethod
    def beginning_now(cls, start: int, speed: float) -> Self:
        """A world that begins at this instant."""
        return cls(start, time.monotonic_ns(), speed)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` wrote."""
        start, origin, speed = text.split(":")
        return cls(int(start), int(origin), float(speed))

    def __str__(self) -> str:
        return f"{self.start}:{self.origin}:{self.speed}"

    def __call__(self) -> int:
        """World time in microseconds."""
        return self.start + round((time.monotonic_ns() - self.origin) / 1000 * self.speed)

    def lasting(self, seconds: float) -> int:
        """Microseconds of the world that pass in so many real seconds."""
        return round(seconds * SECOND * self.speed)
