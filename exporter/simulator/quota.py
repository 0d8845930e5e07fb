"""Rate limits: so many requests in each stretch of world time, as an upstream announces and enforces them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from exporter.simulator.clock import SECOND


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left after a request: of ``limit`` requests ``remaining``, until ``reset_at`` (microseconds)."""

    limit: int
    remaining: int
    reset_at: int

    @property
    def exceeded(self) -> bool:
        """Whether this request was one too many."""
        return self.remaining < 0

    @property
    def nearly_used(self) -> Quota:
        """The same with hardly anything left, as the incident ``quota_low`` announces it."""
        return replace(self, remaining=min(self.remaining, self.limit // 50))


@dataclass(slots=True)
class RateLimit:
    """``requests`` in every ``seconds`` of world time, counted from the epoch; refused ones count too."""

    requests: int
    seconds: int
    _window: int = field(default=-1, init=False)
    _used: int = field(default=0, init=False)

    def take(self, now: int) -> Quota:
        """Count a request."""
        length = self.seconds * SECOND
        window = now // length
        if window != self._window:
            self._window, self._used = window, 0
        self._used += 1
        return Quota(self.requests, self.requests - self._used, (window + 1) * length)
