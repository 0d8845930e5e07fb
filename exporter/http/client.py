"""One target's HTTP client: every request passes the budget, has a deadline, and ends as a Reply or as our error."""

from __future__ import annotations

import json as jsonlib
import math
import random
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from exporter.errors import Forbidden, RateLimited, TimedOut, Unauthorized, UpstreamError
from exporter.http import urls
from exporter.http.auth import Auth, Credentials
from exporter.http.budget import Budget
from exporter.http.failure import RETRIED, from_status, retryable, vendor_code
from exporter.http.headers import asked_wait, http_date, quota
from exporter.http.reply import Reply
from exporter.http.settings import DEFAULTS, Observer, Settings, Silent
from exporter.http.wire import Wire

Classify = Callable[[int, bytes], type[UpstreamError] | None]
"""A platform's own reading of a status and its body; None leaves the usual one."""

FIRST_RETRY = 1.0
LONGEST_RETRY = 8.0
"""Seconds; a wait is drawn between 0 and a ceiling that doubles from the first to the longest (full jitter)."""


@dataclass(slots=True)
class _Poll:
    """What one poll may still use."""

    ends_at: float
    tries: int
    retries_left: int


class Client:
    """Requests of one target to one origin. Thread-safe; ``begin`` and ``close`` are the poll's own.

    ``auth`` is asked for headers at every try. ``transport`` replaces the sockets (simulator, tests); it is not
    closed here, and with it only the checks between chunks hold the deadline. ``clock`` is monotonic seconds,
    ``wall`` unix seconds, ``sleep`` waits so many seconds (by default until ``abort`` at the latest).
    Raises ConfigError for a base URL, a CA file or a proxy of the environment that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        auth: Auth,
        *,
        settings: Settings = DEFAULTS,
        budget: Budget | None = None,
        transport: httpx.BaseTransport | None = None,
        classify: Classify | None = None,
        observer: Observer | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], object] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._base = urls.base(base_url)
        self._credentials = Credentials(auth)
        self._settings = settings
        self._budget = budget or Budget(clock=clock, wall=wall)
        self._classify = classify
        self._observer = observer or Silent()
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": settings.user_agent,
        }
        self._clock = clock
        self._wall = wall
        self._rng = rng or random.Random()  # noqa: S311  jitter, no secret
        self._lock = threading.Lock()
        self._wire = Wire(self._base, settings, transport=transport, clock=clock)
        self._sleep = sleep or self._wire.stopped.wait
        self._poll = _Poll(math.inf, settings.retries, settings.retries_per_poll)

    def begin(self, budget_seconds: float, *, retries: int | None = None) -> None:
        """A poll starts: all of its requests, waits and retries end within ``budget_seconds``.

        ``retries`` replaces the setting for this poll: 0 for a probe of an open circuit and for ``once``.
        """
        self._credentials.begin()
        self._wire.renew()
        tries = self._settings.retries if retries is None else retries
        self._poll = _Poll(self._clock() + budget_seconds, tries, self._settings.retries_per_poll)

    @property
    def time_left(self) -> float:
        """Seconds left of the poll, at least 0.0; infinite before the first ``begin``."""
        return max(0.0, self._poll.ends_at - self._clock())

    @property
    def aborted(self) -> bool:
        """True after ``abort``: what fails now fails because we are stopping."""
        return self._wire.stopped.is_set()

    @property
    def budget(self) -> Budget:
        """The budget that every request passes."""
        return self._budget

    @property
    def origin(self) -> str:
        """``scheme://host:port`` of the base URL."""
        return urls.origin(self._base)

    def get(
        self,
        path_or_url: str,
        *,
        params: urls.Params | None = None,
        headers: Mapping[str, str] | None = None,
        expect: Collection[int] = frozenset(),
    ) -> Reply:
        """GET a path below the base URL, or an absolute URL of its origin.

        Gives back 2xx and the statuses in ``expect``. Raises UpstreamError for everything else; InvalidResponse,
        before anything is sent, for a URL of another origin.
        """
        return self._send("GET", urls.resolve(self._base, path_or_url, params), headers, None, expect)

    def post(
        self,
        path: str,
        *,
        json: Any,
        headers: Mapping[str, str] | None = None,
        expect: Collection[int] = frozenset(),
    ) -> Reply:
        """POST a query as JSON. Retried like a GET: only methods that change nothing may be called."""
        content = jsonlib.dumps(json, separators=(",", ":")).encode("ascii")
        given = {"Content-Type": "application/json", **(headers or {})}
        return self._send("POST", urls.resolve(self._base, path), given, content, expect)

    def link(self, reply: Reply, link: str) -> str:
        """A link found in ``reply``, resolved against its address; InvalidResponse when it leads elsewhere."""
        return str(urls.link(urls.parse(reply.url), link, self._base))

    def abort(self) -> None:
        """Stop now: calls that wait raise ConnectFailed within moments, new ones at once. May be called anywhere."""
        self._wire.abort()

    def close(self) -> None:
        """End for good; requests still running are aborted."""
        self._wire.close()

    def _send(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str] | None,
        content: bytes | None,
        expect: Collection[int],
    ) -> Reply:
        where = f"{method} {urls.shown(url)}"
        tries = 0
        while True:
            self._wait_for_turn(where)
            used = self._credentials.generation
            try:
                return self._try(httpx.Request(method, url, headers=headers, content=content), where, expect)
            except Unauthorized:
                if not self._credentials.refused(used):
                    raise
            except Forbidden:
                self._credentials.refused(used)
                raise
            except UpstreamError as error:
                wait = self._retry_wait(error, tries)
                if wait is None:
                    raise
                tries += 1
                self._pause(wait, where)

    def _try(self, request: httpx.Request, where: str, expect: Collection[int]) -> Reply:
        for name, value in self._headers.items():
            request.headers.setdefault(name, value)
        secrets = self._credentials.apply(request, where)
        started = self._clock()
        seconds = min(self._settings.timeout, self.time_left)
        if seconds <= 0:
            raise TimedOut(f"{where}: the poll's time was over before the request could be sent")
        outcome: int | str = "internal"
        try:
            status, headers, content = self._wire.exchange(request, where, seconds, expect)
            outcome = status
        except UpstreamError as error:
            outcome = error.status or error.reason
            raise
        finally:
            self._observer.on_request(outcome, self._clock() - started)
        self._budget.announce(quota(headers, self._wall()))
        kind = None if 200 <= status < 300 or self._classify is None else self._classify(status, content)
        if kind is None and (200 <= status < 300 or status in expect):
            return Reply(status, headers, content, http_date(headers.get("date")), str(request.url))
        raise from_status(
            status,
            where,
            location=headers.get("location"),
            code=vendor_code(content, secrets),
            kind=kind,
            retry_after=self._asked_wait(status, headers),
        )

    def _asked_wait(self, status: int, headers: httpx.Headers) -> float | None:
        """The wait that the upstream asks for, which then holds for the whole budget."""
        asked = asked_wait(status, headers, self._wall()) if status in RETRIED else None
        if asked is not None:
            self._budget.pause(asked)
        return asked

    def _retry_wait(self, error: UpstreamError, tries: int) -> float | None:
        """Seconds until the next try; None when there is none: hopeless, used up, or no time for it."""
        with self._lock:
            poll = self._poll
            if not retryable(error) or tries >= poll.tries or poll.retries_left <= 0 or self._wire.stopped.is_set():
                return None
            wait = error.retry_after or self._rng.uniform(0.0, min(LONGEST_RETRY, FIRST_RETRY * 2.0**tries))
            if wait >= self.time_left:
                return None
            poll.retries_left -= 1
        if isinstance(error, RateLimited):
            self._budget.pause(wait)
        return wait

    def _wait_for_turn(self, where: str) -> None:
        while True:
            self._wire.check(where)
            longest = self.time_left if math.isfinite(self.time_left) else self._settings.timeout
            try:
                wait = self._budget.acquire(longest)
            except RateLimited as error:
                raise RateLimited(f"{where}: {error}", retry_after=error.retry_after) from None
            if wait <= 0:
                return
            self._pause(wait, where)

    def _pause(self, seconds: float, where: str) -> None:
        self._observer.on_wait(seconds)
        self._sleep(seconds)
        self._wire.check(where)
