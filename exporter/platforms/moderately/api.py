"""Moderately's questions: executions, agents, and whose a configuration version is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from exporter.errors import InvalidResponse
from exporter.http import Client, Reply
from exporter.observations import Roster, Skipped
from exporter.platforms.moderately.records import Agent, Execution, Version
from exporter.platforms.moderately.settings import ModeratelySettings
from exporter.platforms.parsing import answer, kind_of, records, whole
from exporter.platforms.skew import UpstreamClock
from exporter.platforms.trail import Trail
from exporter.times import Clock, Micros

EXECUTIONS: Final = "/agent-executions"
AGENTS: Final = "/agents"
VERSIONS: Final = "/agent-configuration-versions"

PAGE_SIZE: Final = 100
"""The most executions that are given at once."""
AGENTS_PAGE_SIZE: Final = 1000
"""The most agents that are given at once."""
CHUNK: Final = 50
"""As many ids are asked for in one request: about a thousand characters of its address."""

LIBRARY_SPELLING: Final = {
    "pageSize": "page_size",
    "orderBy": "order_by",
    "orderDirection": "order_direction",
    "agentIds": "agent_id",
    "statuses": "status",
}
"""How the vendor's client library (moderatelyai-sdk 0.2.7) spells parameters; it sends the rest as documented."""


class Listed(NamedTuple):
    """One page of executions. ``total`` counts those on all pages; ``last`` is the number of the last page."""

    items: tuple[Execution, ...]
    skipped: tuple[Skipped, ...]
    total: int
    last: int
    more: bool
    upstream_now: Micros


class Api:
    """The requests of one poll, with their parameters and envelopes."""

    def __init__(self, settings: ModeratelySettings, client: Client, clock: Clock, memory: dict[str, Any]) -> None:
        self.clock = UpstreamClock(clock, memory)
        self._team = settings.team_id
        self._as_library = settings.parameter_style == "sdk"
        self._client = client

    @property
    def agents_at_once(self) -> int:
        """How many agents one listing can be asked for; the client library knows only one."""
        return 1 if self._as_library else CHUNK

    def executions(self, page: int, *, size: int = PAGE_SIZE, **filters: str | None) -> Listed:
        """Read one page of executions. Raises UpstreamError."""
        order = {"orderBy": "created_at", "orderDirection": "desc"} if self._as_library else {}
        reply = self._get(EXECUTIONS, {"page": str(page), "pageSize": str(size), **order, **filters})
        head, found, skipped = answer(EXECUTIONS, reply, Execution, "items")
        pages = _pagination(EXECUTIONS, head)
        total = _number(EXECUTIONS, pages, "totalItems", "total_items")
        last = _number(EXECUTIONS, pages, "totalPages", "total_pages")
        more = _flag(EXECUTIONS, pages, "hasNextPage", "has_next_page")
        now = self.clock.now() if reply.date is None else reply.date
        return Listed(found, skipped, total, last, more, now)

    def agents(self) -> Roster[Agent]:
        """Read the list of agents whole. Raises UpstreamError."""
        found: dict[str, Agent] = {}
        skipped: list[Skipped] = []
        trail = Trail()
        page = 1
        date: Micros | None = None
        while True:
            order = {"orderBy": "created_at" if self._as_library else "createdAt", "orderDirection": "asc"}
            reply = self._get(AGENTS, {"page": str(page), "pageSize": str(AGENTS_PAGE_SIZE), **order})
            date = reply.date if date is None else date
            head, agents, bad = answer(AGENTS, reply, Agent, "items")
            skipped.extend(bad)
            for agent in agents:
                found.setdefault(agent.agentId, agent)
            if not _flag(AGENTS, _pagination(AGENTS, head), "hasNextPage", "has_next_page"):
                return Roster(tuple(found.values()), date, tuple(skipped))
            circle = trail.circle([agent.agentId for agent in agents], str(page), str(page + 1))
            if circle is not None:
                raise InvalidResponse(f"{AGENTS}: {circle}")
            page += 1

    def owners(self, versions: Sequence[str]) -> dict[str, str]:
        """Return the agents of configuration versions, as far as the platform knows them. Raises UpstreamError."""
        found: dict[str, str] = {}
        for ids in chunks(versions, CHUNK):
            payload = self._get(VERSIONS, {"agentConfigurationVersionIds": ",".join(ids)}).json()
            if not isinstance(payload, list):
                raise InvalidResponse(f"{VERSIONS}: found {kind_of(payload)}, expected a list")
            known, _ = records(payload, Version)
            found.update({each.agentConfigurationVersionId: each.agentId for each in known})
        return found

    def _get(self, path: str, params: Mapping[str, str | None]) -> Reply:
        given = {"teamIds": self._team, **params}
        if self._as_library:
            given = {LIBRARY_SPELLING.get(name, name): value for name, value in given.items()}
        reply = self._client.get(path, params=given)
        self.clock.note(reply.date)
        return reply


def chunks(items: Iterable[str], size: int) -> list[list[str]]:
    """Return the items in lists of at most ``size``."""
    held = list(items)
    return [held[start : start + size] for start in range(0, len(held), size)]


def _pagination(where: str, head: Mapping[str, Any]) -> Mapping[str, Any]:
    found = head.get("pagination")
    if not isinstance(found, dict):
        raise InvalidResponse(f"{where}: found {kind_of(found)}, expected an object 'pagination'")
    return found


def _number(where: str, pages: Mapping[str, Any], *names: str) -> int:
    """Return a number under its documented name or under that of the client library's type hints."""
    try:
        return whole(next((pages[name] for name in names if name in pages), None))
    except ValueError:
        raise InvalidResponse(f"{where}: found no number in pagination.{names[0]}, expected one from 0") from None


def _flag(where: str, pages: Mapping[str, Any], *names: str) -> bool:
    found = next((pages[name] for name in names if name in pages), None)
    if not isinstance(found, bool):
        raise InvalidResponse(f"{where}: found {kind_of(found)} in pagination.{names[0]}, expected true or false")
    return found
