"""When a target fails again and again: probe it gently, and be back as soon as it is.

Closed, every poll is a full one. After ``threshold`` failures running (or one that no repetition mends, such as
wrong credentials) the circuit opens: a poll is then a *probe*, one request without retries. The wait between
probes grows with jitter, but stays below the interval, so that every planned poll is a probe and an upstream that
came back is seen within one interval. Pure: time is an argument, in seconds, monotonic.
"""

from __future__ import annotations

import random

FIRST_WAIT = 1.0
"""Seconds; the longest wait after the first failure. It doubles with each further one."""
LONGEST_PART = 0.8
"""Of the interval: polls come with a jitter of a tenth, and a planned poll must never be refused."""


class Circuit:
    """The state of one target's upstream: ``open`` (probe) or closed. Used by the target's own thread only."""

    def __init__(self, interval: float, *, threshold: int = 5, rng: random.Random | None = None) -> None:
        self._interval = interval
        self._threshold = threshold
        self._rng = rng or random.Random()  # noqa: S311  jitter, no secret
        self._failures = 0
        self._open = False
        self._backoff = 0.0
        self._not_before = float("-inf")

    @property
    def open(self) -> bool:
        """True: send one request without retries, and go on only when it succeeds."""
        return self._open

    @property
    def failures(self) -> int:
        """Polls that failed since the last success."""
        return self._failures

    @property
    def backoff_seconds(self) -> float:
        """The wait drawn at the last failure; 0.0 after a success."""
        return self._backoff

    def allow(self, now: float) -> bool:
        """May a poll start? Refuses only what comes before the backoff is over, never a planned poll."""
        return now >= self._not_before

    def success(self) -> None:
        """A poll, or a probe, succeeded: closed again at once."""
        self._failures = 0
        self._open = False
        self._backoff = 0.0
        self._not_before = float("-inf")

    def failure(self, now: float, *, lasting: bool = False) -> None:
        """A poll failed. ``lasting``: repetition will not mend it (401, 403), so the circuit opens at once."""
        self._failures += 1
        self._open = self._open or lasting or self._failures >= self._threshold
        steps = self._threshold if lasting else self._failures
        ceiling = min(FIRST_WAIT * 2.0 ** min(steps - 1, 32), self._interval * LONGEST_PART)
        self._backoff = self._rng.uniform(ceiling / 2, ceiling)
        self._not_before = now + self._backoff
