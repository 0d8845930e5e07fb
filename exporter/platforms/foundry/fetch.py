"""Reading Foundry: the list of routines, then each routine's runs, a few at a time."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from exporter.errors import ConnectFailed, RateLimited, TimedOut, TlsFailed, Unauthorized, UpstreamError
from exporter.http import Client
from exporter.observations import ListingFailed, Page, Roster
from exporter.platforms.base import Limits, View
from exporter.platforms.foundry.api import Api
from exporter.platforms.foundry.records import Attempt, Routine
from exporter.platforms.foundry.schedules import only_trigger, schedules_of
from exporter.platforms.foundry.settings import FoundrySettings
from exporter.platforms.foundry.turns import Candidate, in_turn
from exporter.platforms.parallel import Job, in_parallel
from exporter.platforms.plan import plan
from exporter.platforms.walk import Allowance, Walk
from exporter.times import Clock, Micros

WORKERS: Final = 4
"""Requests at a time to one project."""
LOST_CONNECTIONS: Final = 2
"""So many listings running that could not be reached mean the upstream, and not the listing."""

Listed = Page[Attempt] | ListingFailed
Fetched = Roster[Routine] | Listed


def fetch(settings: FoundrySettings, client: Client, view: View, clock: Clock) -> Generator[Fetched, None, None]:
    """Yield the roster, then the pages of the listings whose turn it is, as far as the budget goes.

    Listings that the budget did not reach are not mentioned: they are the longest unread at the next poll. An
    error that concerns the whole target is raised when everything that was read has been yielded.
    """
    api = Api(settings, client, clock)
    roster = api.roster()
    yield roster
    now = clock.now().world if roster.upstream_now is None else roster.upstream_now
    limits = settings.limits()
    oldest_open = _oldest_open(view)
    candidates = _candidates(settings, roster.items, view, oldest_open)
    reading = _Reading(api, client, view, clock, limits=limits, now=now, oldest_open=oldest_open)
    yield from in_parallel(reading.jobs(in_turn(candidates, limits.deep_interval, now)), WORKERS)
    reading.end()


def _oldest_open(view: View) -> dict[str, Micros]:
    """Return the birth of the oldest open run of each listing that has any."""
    oldest: dict[str, Micros] = {}
    for run in view.open_runs.values():
        oldest[run.listing] = min(run.birth, oldest.get(run.listing, run.birth))
    return oldest


def _candidates(
    settings: FoundrySettings, routines: Iterable[Routine], view: View, oldest_open: Mapping[str, Micros]
) -> Iterator[Candidate]:
    """Yield the listings of the roster's routines, and of deleted ones that left open runs behind."""
    listed = set()
    for routine in routines:
        listed.add(routine.name)
        yield Candidate(
            key=routine.name,
            state=view.listings.get(routine.name),
            schedules=schedules_of(routine),
            enabled=routine.enabled is not False,
            has_open_runs=routine.name in oldest_open,
            trigger=only_trigger(routine),
        )
    for key in oldest_open:
        if key not in listed and settings.selects(key):
            yield Candidate(key=key, state=view.listings.get(key), has_open_runs=True, listed=False)


class _Reading:
    """What the listings of one poll share: the slices of their sweeps, and what went wrong. Thread-safe."""

    def __init__(
        self,
        api: Api,
        client: Client,
        view: View,
        clock: Clock,
        *,
        limits: Limits,
        now: Micros,
        oldest_open: Mapping[str, Micros],
    ) -> None:
        self._api = api
        self._client = client
        self._view = view
        self._limits = limits
        self._clock = clock
        self._now = now
        self._oldest_open = oldest_open
        self._floor = now - limits.memory if view.floor is None else view.floor
        self._allowance = Allowance.of(client, WORKERS)
        self._lock = threading.Lock()
        self._read = 0
        self._lost = 0
        self._refused: UpstreamError | None = None

    def jobs(self, turns: Iterable[Candidate]) -> Iterator[Job[Listed]]:
        """Yield the readings to be made, until the budget is spent."""
        for candidate in turns:
            if self._refused is not None or self._client.time_left <= 0:
                return
            yield partial(self._listing, candidate)

    def end(self) -> None:
        """Raise what kept the very first listing from being read, if none was."""
        if self._refused is not None and not self._read:
            raise self._refused

    def _listing(self, candidate: Candidate) -> Iterator[Listed]:
        state = self._view.listings.get(candidate.key)
        walk = Walk(
            candidate.key,
            state,
            plan(state, self._floor, self._oldest_open.get(candidate.key), self._limits, self._now),
            limits=self._limits,
            allowance=self._allowance,
            read=partial(self._api.runs, candidate.key, candidate.trigger),
            clock=self._clock.monotonic,
        )
        try:
            yield from walk.pages()
            self._note_read()
        except UpstreamError as error:
            if self._client.aborted:
                raise
            if walk.pages_read == 0 and self._is_our_budget(error):
                self._refused = error
                return
            yield walk.failed(error)
            if self._concerns_all(error):
                raise

    def _note_read(self) -> None:
        with self._lock:
            self._read += 1
            self._lost = 0

    def _is_our_budget(self, error: UpstreamError) -> bool:
        """Whether we sent nothing, or not for long enough, because the poll has spent what it may."""
        if error.status is not None:
            return False
        return isinstance(error, RateLimited) or (isinstance(error, TimedOut) and self._client.time_left <= 0)

    def _concerns_all(self, error: UpstreamError) -> bool:
        """Whether further requests of this poll make no sense."""
        if isinstance(error, Unauthorized | TlsFailed | RateLimited):
            return True
        with self._lock:
            self._lost = self._lost + 1 if isinstance(error, ConnectFailed | TimedOut) else 0
            return self._lost >= LOST_CONNECTIONS
