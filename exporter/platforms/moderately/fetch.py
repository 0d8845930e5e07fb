"""Reading Moderately AI: the agents, then the executions of the team, newest first, then open ones by id."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Final

from exporter.errors import (
    ConnectFailed,
    Forbidden,
    InvalidResponse,
    RateLimited,
    TimedOut,
    TlsFailed,
    Unauthorized,
    UpstreamError,
)
from exporter.http import Client
from exporter.observations import ListingFailed, Page, Roster, Step
from exporter.platforms.base import View
from exporter.platforms.moderately.api import CHUNK, Api, chunks
from exporter.platforms.moderately.listing import Known, Listing
from exporter.platforms.moderately.names import Names
from exporter.platforms.moderately.records import TERMINAL, Agent, Owned, status_of
from exporter.platforms.moderately.settings import ModeratelySettings
from exporter.platforms.moderately.totals import Check
from exporter.platforms.plan import Plan, plan
from exporter.platforms.walk import Allowance, Walk
from exporter.times import Clock, Micros

EXECUTIONS: Final = "executions"
"""Key of the listing; further ones, when ``include`` names more agents than fit in a request, get a number."""
CONCERNS_ALL: Final = (ConnectFailed, Forbidden, RateLimited, TimedOut, TlsFailed, Unauthorized)
"""Errors after which further requests of a poll make no sense."""

Fetched = Roster[Agent] | Page[Owned] | ListingFailed


def fetch(settings: ModeratelySettings, client: Client, view: View, clock: Clock) -> Generator[Fetched, None, None]:
    """Yield the agents when they are due, and the pages of each listing with its open runs behind it.

    Raises the first error that concerns the whole target, when everything that was read has been yielded.
    """
    poll = _Poll(settings, client, view, clock)
    if poll.agents_due():
        yield poll.agents()
    listings = poll.listings()
    for listing in listings:
        try:
            yield from poll.read(listing)
        except UpstreamError as error:
            if client.aborted or len(listings) == 1 or isinstance(error, CONCERNS_ALL):
                raise
            yield ListingFailed(listing.key, error.reason, str(error), poll.upstream_now)


class _Poll:
    """What the reading of one poll shares."""

    def __init__(self, settings: ModeratelySettings, client: Client, view: View, clock: Clock) -> None:
        self._settings = settings
        self._limits = settings.limits()
        self._client = client
        self._view = view
        self._clock = clock
        self._api = Api(settings, client, clock, view.memory)
        self._now = self._api.clock.now()
        self._names = Names(self._api, view.memory, self._now, None if view.floor is None else view.workloads)
        self._allowance = Allowance.of(client, 1)
        self._keys: tuple[str, ...] = ()
        self._checks: dict[str, Check] = view.memory.setdefault("checks", {})

    @property
    def upstream_now(self) -> Micros | None:
        """The ``Date`` of the latest answer."""
        return self._api.clock.date

    def agents_due(self) -> bool:
        """Whether the agents were not listed for ``deep_interval``."""
        last: Micros | None = self._view.memory.get("agents_at")
        return last is None or not 0 <= self._now - last < self._limits.deep_interval

    def agents(self) -> Roster[Agent]:
        """Read the list of agents. It says which listings there are."""
        roster = self._names.learn()
        self._view.memory["agents_at"] = self._now
        return replace(roster, listings=tuple(self._groups()))

    def listings(self) -> list[Listing]:
        """Return the listings: one, or one for each chunk of agents that ``include`` names."""
        groups = self._groups()
        if not groups:
            known = len(self._names.agents)
            raise InvalidResponse(f"include selects none of the team's {known} agents; expected at least one")
        self._keys = tuple(groups)
        return [self._listing(key, agents) for key, agents in groups.items()]

    def _groups(self) -> dict[str, tuple[str, ...] | None]:
        """Return the agents that each listing is asked for, None for all of the team.

        Agents stand in the order of their creation, so that a new one does not move others to another listing.
        """
        if not self._settings.include:
            return {EXECUTIONS: None}
        agents = sorted(self._names.agents.values(), key=lambda agent: (agent.createdAt or 0, agent.agentId))
        chosen = [agent.agentId for agent in agents if self._settings.selects(agent.name or "")]
        return {
            f"{EXECUTIONS}/{number}" if number else EXECUTIONS: tuple(ids)
            for number, ids in enumerate(chunks(chosen, self._api.agents_at_once))
        }

    def _listing(self, key: str, agents: tuple[str, ...] | None) -> Listing:
        known: dict[str, Known] = self._view.memory.setdefault("listings", {})
        return Listing(key, self._api, self._names, agents, known.setdefault(key, Known()))

    def read(self, listing: Listing) -> Iterator[Page[Owned] | ListingFailed]:
        """Read a listing, then its open runs that were not met."""
        check = self._checks.setdefault(listing.key, Check())
        planned = self._plan(listing, sweep=check.missing(self._view.counted))
        terminal = self._terminal(listing) if self._is_checkable(listing) else None
        if terminal is not None:
            check.asked(terminal, self._api.clock.date or self._api.clock.now())
        swept = complete = False
        try:
            for batch in self._walk(listing, planned):
                if isinstance(batch, Page):
                    complete = complete or batch.step.complete
                    swept = swept or (batch.step.complete and batch.step.kind == "sweep")
                yield batch
        finally:
            if not complete:
                check.failed()
        if complete:
            yield from self._open_runs(listing)
            check.walked(listing.ends, swept=swept)

    def _is_checkable(self, listing: Listing) -> bool:
        """Whether the platform can count just what we do: not one listing of several, and not what ``exclude``
        leaves out by name."""
        return len(self._keys) == 1 and (listing.agents is not None or not self._settings.exclude)

    def _terminal(self, listing: Listing) -> int | None:
        """Return how many executions have ended, by the platform's own count; None when it ignores ``statuses``."""
        ids = ",".join(listing.agents) if listing.agents is not None else None
        total = 0
        for status in TERMINAL:
            answer = self._api.executions(1, size=1, statuses=status, agentIds=ids)
            if any(told not in ("", status) for told in map(status_of, answer.items)):
                return None
            total += answer.total
        return total

    def _plan(self, listing: Listing, *, sweep: bool) -> Plan:
        state = self._view.listings.get(listing.key)
        floor = self._now - self._limits.memory if self._view.floor is None else self._view.floor
        planned = plan(state, floor, None, self._limits, self._now)
        if sweep and not planned.resumes:
            planned = Plan("sweep", floor, resumes=False)
        return planned

    def _walk(self, listing: Listing, planned: Plan) -> Iterator[Page[Owned] | ListingFailed]:
        state = self._view.listings.get(listing.key)
        if planned.resumes and state is not None and state.link is not None:
            state = state._replace(link=listing.resumed(state.link))
        walk = Walk(
            listing.key,
            state,
            planned,
            limits=self._limits,
            allowance=self._allowance,
            read=listing.read,
            clock=self._clock.monotonic,
        )
        if not planned.resumes:
            listing.begin(sweep=planned.kind == "sweep")
        try:
            for page in walk.pages():
                if page.step.complete:
                    yield from self._ending(listing, page)
                else:
                    yield page
        except UpstreamError as error:
            failed = walk.failed(error)
            if failed.drop_link and not self._client.aborted:
                yield failed
            raise

    def _ending(self, listing: Listing, page: Page[Owned]) -> Iterator[Page[Owned] | ListingFailed]:
        """Yield the page that ends a walk, if it is whole: pages of a list that grew shorter may lack what moved
        up to one that was read already."""
        if listing.known.ascending:
            raw = listing.again()
            step = replace(page.step, complete=False, whole=False, keep_link=True)
            yield Page(listing.key, page.sequence, raw.items, step, raw.upstream_now, raw.skipped)
            page = replace(page, sequence=page.sequence + 1)
        if not listing.known.shrank:
            yield page
            return
        yield replace(page, step=replace(page.step, complete=False, whole=False, keep_link=True))
        message = "executions vanished while the listing was read; expected it to grow only, it is read anew"
        yield ListingFailed(listing.key, InvalidResponse.reason, message, page.upstream_now, drop_link=True)

    def _open_runs(self, listing: Listing) -> Iterator[Page[Owned]]:
        """Look up the open runs that the walk did not meet. What is not found stays open: only sweeps give it up."""
        waiting = [
            identifier
            for identifier, run in self._view.open_runs.items()
            # a run whose listing is no longer read, since ``include`` names fewer agents now, goes with the first
            if run.listing == listing.key or (run.listing not in self._keys and listing.key == EXECUTIONS)
        ]
        for ids in chunks(sorted({*waiting} - listing.seen), CHUNK):
            yield from self._looked_up(listing, ids)

    def _looked_up(self, listing: Listing, ids: list[str]) -> Iterator[Page[Owned]]:
        number, more = 1, True
        wanted = frozenset(ids)
        while more and wanted - listing.seen:
            answer = self._api.executions(number, agentExecutionIds=",".join(ids))
            if any(each.agentExecutionId not in wanted for each in answer.items):
                raise InvalidResponse(
                    "found an execution that was not asked for: the filter agentExecutionIds is ignored; "
                    "expected only those asked for, so that open runs can be followed"
                )
            before = len(listing.seen)
            listing.note(answer.items)
            yield Page(
                listing.key,
                number,
                self._names.own(answer.items),
                _beside(answer.upstream_now),
                answer.upstream_now,
                answer.skipped,
            )
            number, more = number + 1, answer.more and len(listing.seen) > before


def _beside(now: Micros) -> Step:
    """A step of no walk: what is read beside it moves no cursor."""
    nothing = {"keep_link": True, "complete": False, "whole": False}
    return Step("ordinary", started=now, top=None, link=None, **nothing, depth=0, read_started=now)
