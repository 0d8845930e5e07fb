"""A listing of executions from its new end to its old one, whichever way round the platform lists them.

The interface promises no order and has no parameter for one, so the order is found out from the data: from the
first page, or when all its times are equal, from the last one. Links are page numbers. Where old executions come
first, a walk begins at the last page and reads each page backwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from exporter.errors import InvalidResponse
from exporter.platforms.moderately.api import PAGE_SIZE, Api, Listed
from exporter.platforms.moderately.names import Names
from exporter.platforms.moderately.records import Execution, Owned
from exporter.platforms.parsing import believable
from exporter.platforms.trail import Row
from exporter.platforms.walk import RawPage
from exporter.times import Micros

LINK: Final = "page="
"""Before the number of a page, where later pages are older."""
BACK: Final = "back="
"""The same where later pages are newer: a walk that goes on must not turn round, also after a restart."""


@dataclass(slots=True)
class Known:
    """What is known of a listing between polls."""

    ascending: bool = False
    """Old executions come first."""
    last: int = 1
    """Number of the last page."""
    shrank: bool = False
    """Executions vanished since the walk under way began: then some moved to a page that was read already."""
    totals: dict[str, int] = field(default_factory=dict)
    """How many executions there were when a link of the walk under way was given out."""
    size: int = PAGE_SIZE
    """Executions on a page."""


class Listing:
    """The pages of one listing, in one poll. ``agents`` are those it is asked for, None for all of the team."""

    def __init__(self, key: str, api: Api, names: Names, agents: tuple[str, ...] | None, known: Known) -> None:
        self.key = key
        self.agents = agents
        self.known = known
        self.seen: set[str] = set()
        """Ids of the executions on the pages read."""
        self.ends: dict[str, Micros] = {}
        """When those that ended did, by id."""
        self._api = api
        self._names = names
        self._total: int | None = None

    def begin(self, *, sweep: bool) -> None:
        """A walk begins that goes on with nothing earlier. A sweep finds the order out anew."""
        self.known.shrank = False
        self.known.totals.clear()
        if sweep:
            self.known.ascending = False

    def resumed(self, link: str) -> str:
        """Return where to go on for a link of an earlier poll. Raises UpstreamError.

        Where new executions come first, those behind the link have moved up by no more places than the listing has
        lost since. Reading a page twice is no harm.
        """
        then = self.known.totals.get(link)
        if then is None or link.startswith(BACK):
            return link
        self._total = self._api.executions(1, size=1, agentIds=self._filter).total
        pages = -(-max(0, then - self._total) // self.known.size)
        return f"{LINK}{max(1, _number(link) - pages)}"

    def read(self, link: str | None) -> RawPage[Owned]:
        """Read the page at a link of ours, None for the new end. Raises UpstreamError."""
        if link is not None:
            self.known.ascending = link.startswith(BACK)
            number = _number(link)
            return self._page(number, self._ask(number))
        if self.known.ascending:
            return self._last(self.known.last)
        first = self._ask(1)
        if self._is_ascending(first):
            self.known.ascending = True
            if first.last > 1:
                return self._last(first.last)
        return self._page(1, first)

    def again(self) -> RawPage[Owned]:
        """Read the new end once more. Raises UpstreamError."""
        return self._last(self.known.last)

    def _last(self, number: int) -> RawPage[Owned]:
        """Read the last page, which is ``number`` or has moved."""
        listed = self._ask(number)
        if listed.last != number:
            number = max(1, listed.last)
            listed = self._ask(number)
        self.known.last = number
        return self._page(number, listed)

    def _is_ascending(self, first: Listed) -> bool:
        direction = _direction(first.items, first.upstream_now)
        if direction == 0 and first.last > 1:
            both = (*first.items, *self._ask(first.last).items)
            direction = _direction(both, first.upstream_now)
        return direction > 0

    def _ask(self, number: int) -> Listed:
        listed = self._api.executions(number, agentIds=self._filter)
        if self._total is not None and listed.total < self._total:
            self.known.shrank = True
        self._total = listed.total
        if listed.more:
            self.known.size = max(1, len(listed.items) + len(listed.skipped))
        return listed

    @property
    def _filter(self) -> str | None:
        return ",".join(self.agents) if self.agents is not None else None

    def _page(self, number: int, listed: Listed) -> RawPage[Owned]:
        items = tuple(reversed(listed.items)) if self.known.ascending else listed.items
        owned = self._names.own(items)
        if self.agents is not None:
            _check_owners(owned, frozenset(self.agents))
        self.note(items)
        following = number - 1 if self.known.ascending else number + 1
        leads_on = following > 0 if self.known.ascending else listed.more
        self.known.totals[f"{LINK}{following}"] = listed.total
        return RawPage(
            items=owned,
            rows=tuple(Row(each.agentExecutionId, each.times) for each in items),
            next_link=f"{BACK if self.known.ascending else LINK}{following}" if leads_on else None,
            upstream_now=listed.upstream_now,
            skipped=listed.skipped,
        )

    def note(self, executions: Iterable[Execution]) -> None:
        """Note what was met."""
        for each in executions:
            self.seen.add(each.agentExecutionId)
            ends = [at for at in each.ends.values() if at is not None]
            if ends:
                self.ends[each.agentExecutionId] = max(ends)


def _number(link: str) -> int:
    return int(link.removeprefix(BACK).removeprefix(LINK))


def _direction(items: Iterable[Execution], now: Micros) -> int:
    """Return 1 when later rows are newer, -1 when they are older, 0 when that cannot be told."""
    births = [birth for each in items if (birth := _birth(each, now)) is not None]
    rises = sum((later > earlier) - (later < earlier) for earlier, later in pairwise(births))
    return (rises > 0) - (rises < 0)


def _birth(execution: Execution, now: Micros) -> Micros | None:
    return next(_believed(execution, now), None)


def _believed(execution: Execution, now: Micros) -> Iterator[Micros]:
    return (at for each in execution.times if (at := believable(each, now)) is not None)


def _check_owners(owned: tuple[Owned, ...], asked: frozenset[str]) -> None:
    if any(each.owner.name is not None and each.owner.identity not in asked for each in owned):
        raise InvalidResponse(
            "found executions of agents that were not asked for: the filter agentIds is ignored; "
            "expected only those, try the other parameter_style or leave include out"
        )
