"""A token bucket: so many requests at once after a rest, then one each interval."""

from __future__ import annotations

from exporter.web.configuration.model import RateLimit


class Bucket:
    """Starts full. Times are seconds of any clock that does not go back."""

    def __init__(self, limit: RateLimit, now: float) -> None:
        self.limit = limit
        self._tokens = float(limit.burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Whether a request may pass now; one that may not costs nothing."""
        self._tokens = min(float(self.limit.burst), self._tokens + (now - self._at) / self.limit.interval)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
