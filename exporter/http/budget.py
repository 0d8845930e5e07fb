"""The pace of our own requests: one budget for each (origin, credential), shared by the targets that use both.

Three limits at once; the strictest decides:

- a token bucket of ``requests_per_minute``: a full minute's requests may go at once, refilled evenly
- the upstream's announced limit: our own requests are at most half of it per window, and none is sent while less
  than a tenth of it remains, so that production always keeps its share
- a pause that the upstream asked for (``Retry-After``), which holds for everyone who uses the credential
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Callable

from exporter.errors import RateLimited
from exporter.http import urls
from exporter.http.headers import LONGEST_WAIT, Quota

Clock = Callable[[], float]

OWN_SHARE = 0.5
"""The part of an announced limit that our own requests may use in one window."""
RESERVE = 0.1
"""While less than this part of an announced limit remains, nothing is sent."""
SHORTEST_WAIT = 0.001
"""Seconds; a wait below a clock's resolution would be asked for again and again."""
ASSUMED_WINDOW = 60.0
"""Seconds; the window of a limit that does not say when it ends."""
SILENT_ANSWERS = 10
"""So many answers running that announce no limit, and the one announced before is no more: one wrong header, a proxy's
perhaps, must not slow a target down for ever."""


class Budget:
    """Who may send now. Thread-safe; ``clock`` is monotonic seconds, ``wall`` unix seconds (for the metric only)."""

    def __init__(
        self,
        requests_per_minute: float = 120,
        *,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
        holder: str = "",
    ) -> None:
        if not requests_per_minute > 0:
            raise ValueError(f"requests_per_minute is {requests_per_minute}, must be above 0")
        self._lock = threading.Lock()
        self._clock = clock
        self._wall = wall
        self._paces = {holder: float(requests_per_minute)}
        """What was asked for, in requests a minute, by whom."""
        self._capacity = max(1.0, float(requests_per_minute))
        self._rate = requests_per_minute / 60
        self._tokens = self._capacity
        self._filled_at = clock()
        self._paused_until = self._filled_at
        self._limit: int | None = None
        self._left: int | None = None
        self._told: int | None = None
        self._window_ends: float | None = None
        self._assumed = False
        self._own = 0
        self._reset: float | None = None
        self._silent = 0

    def ask(self, requests_per_minute: float, holder: str) -> None:
        """Send at most so many requests a minute as long as the holder is there; of several paces the slowest holds."""
        if not requests_per_minute > 0:
            raise ValueError(f"requests_per_minute is {requests_per_minute}, must be above 0")
        with self._lock:
            self._paces[holder] = float(requests_per_minute)
            self._set_pace()

    def release(self, holder: str) -> None:
        """What this holder asked for holds no more; without any other the pace stays until somebody asks."""
        with self._lock:
            if self._paces.pop(holder, None) is not None and self._paces:
                self._set_pace()

    def _set_pace(self) -> None:
        self._advance(self._clock())
        slowest = min(self._paces.values())
        self._rate = slowest / 60
        self._capacity = max(1.0, slowest)
        self._tokens = min(self._tokens, self._capacity)

    def acquire(self, max_wait: float) -> float:
        """Take the right to send one request.

        Returns 0.0 when it was taken, else the seconds to wait before asking again (a pause may come meanwhile).
        Raises RateLimited, with ``retry_after``, when that is longer than ``max_wait`` seconds.
        """
        with self._lock:
            now = self._clock()
            self._advance(now)
            wait, why = self._wait(now)
            if wait <= 0:
                self._tokens -= 1
                self._own += 1
                if self._left is not None and self._left > 0:
                    self._left -= 1
                return 0.0
        if wait > max_wait:
            raise RateLimited(f"no request allowed for {math.ceil(wait)} s: {why}", retry_after=wait)
        return max(wait, SHORTEST_WAIT)

    def announce(self, quota: Quota) -> None:
        """Learn what a response said about the upstream's limit. An empty quota says nothing, many of them a lot."""
        with self._lock:
            self._silent = 0 if quota.known else self._silent + 1
            if not quota.known:
                if self._silent >= SILENT_ANSWERS:
                    self._limit = self._left = self._told = self._window_ends = self._reset = None
                return
            now = self._clock()
            self._advance(now)
            if self._window_ends is None and quota.limit is not None:
                # The first announcement: of what was sent before, only what the upstream counts is of its window.
                used = quota.limit - quota.remaining if quota.remaining is not None else 1
                self._own = min(self._own, max(1, used))
            if quota.reset_in is not None:
                # A sliding window ends later with every answer: the earliest end stays until it has passed.
                ends = now + quota.reset_in
                self._window_ends = ends if self._window_ends is None or self._assumed else min(self._window_ends, ends)
                self._assumed = False
                self._reset = self._wall() + quota.reset_in
            elif self._window_ends is None:
                self._window_ends, self._assumed = now + ASSUMED_WINDOW, True
            if quota.limit is not None:
                self._limit = quota.limit
            self._left = self._told = quota.remaining

    def pause(self, seconds: float) -> None:
        """Nothing is sent for so long, by anyone; a longer pause already running stays."""
        with self._lock:
            until = self._clock() + min(max(seconds, 0.0), LONGEST_WAIT)
            self._paused_until = max(self._paused_until, until)

    @property
    def remaining(self) -> int:
        """Requests that may be sent at once by the bucket and by our share of the announced limit."""
        with self._lock:
            now = self._clock()
            self._advance(now)
            if self._own_share is None:
                return max(0, int(self._tokens))
            return max(0, min(int(self._tokens), self._own_share - self._own))

    @property
    def quota_limit(self) -> int | None:
        """The announced limit in requests, as last told."""
        return self._limit

    @property
    def quota_remaining(self) -> int | None:
        """What remained of the announced limit, as last told."""
        return self._told

    @property
    def quota_reset(self) -> float | None:
        """When the announced window ends, unix seconds."""
        return self._reset

    @property
    def backoff_seconds(self) -> float:
        """How long from now nothing will be sent; 0.0 when sending is allowed."""
        with self._lock:
            now = self._clock()
            self._advance(now)
            return max(0.0, self._wait(now)[0])

    @property
    def _own_share(self) -> int | None:
        return max(1, int(self._limit * OWN_SHARE)) if self._limit else None

    def _advance(self, now: float) -> None:
        self._tokens = min(self._capacity, self._tokens + max(0.0, now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._window_ends is not None and now >= self._window_ends:
            self._window_ends, self._assumed = now + ASSUMED_WINDOW, True  # until the next answer tells
            self._own = 0
            self._left = None

    def _wait(self, now: float) -> tuple[float, str]:
        """The longest of the waits, and the sentence that explains it."""
        waits = [(self._paused_until - now, "the upstream asked for a pause")]
        if self._tokens < 1:
            waits.append(((1 - self._tokens) / self._rate, "requests_per_minute is used up"))
        if self._window_ends is not None and self._limit:
            until_reset = self._window_ends - now
            if self._own_share is not None and self._own >= self._own_share:
                waits.append((until_reset, f"we have used half of the upstream's limit of {self._limit} requests"))
            if self._left is not None and self._left < self._limit * RESERVE:
                waits.append((until_reset, f"little is left of the upstream's limit of {self._limit} requests"))
        return max(waits)


class Budgets:
    """The registry: the same budget for the same origin and credential. Holds hashes, never credentials."""

    def __init__(self, *, clock: Clock = time.monotonic, wall: Clock = time.time) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._wall = wall
        self._budgets: dict[tuple[str, bytes], Budget] = {}

    def get(self, base_url: str, credential: str, requests_per_minute: float = 120, *, holder: str = "") -> Budget:
        """The budget of the origin of ``base_url`` and of ``credential`` (the secret, or what names it).

        Of several paces asked for, the slowest holds, until its holder is released. Raises ConfigError when
        ``base_url`` is none.
        """
        origin = urls.origin(urls.base(base_url))
        digest = hashlib.blake2b(credential.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            budget = self._budgets.get((origin, digest))
            if budget is None:
                budget = Budget(requests_per_minute, clock=self._clock, wall=self._wall, holder=holder)
                self._budgets[origin, digest] = budget
        budget.ask(requests_per_minute, holder)
        return budget

    def release(self, holder: str) -> None:
        """A target is gone, or comes anew: what it asked for holds no more."""
        with self._lock:
            budgets = list(self._budgets.values())
        for budget in budgets:
            budget.release(holder)
