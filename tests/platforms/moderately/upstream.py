"""A Moderately team in memory: what tests of its reading answer with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from exporter.times import MINUTE, SECOND, Micros, to_datetime
from tests.platforms.support import NOW, reply


def execution(
    number: int, status: str = "completed", version: str = "v-1", born: Micros | None = None
) -> dict[str, Any]:
    """An execution; higher numbers are older, a minute apart."""
    at = NOW - number * MINUTE if born is None else born
    ended = {"completed": "completedAt", "failed": "failedAt", "cancelled": "cancelledAt"}.get(status)
    times = {"createdAt": iso(at), "startedAt": iso(at + SECOND)}
    if ended:
        times[ended] = iso(at + 5 * SECOND)
    return {"agentExecutionId": f"e{number}", "agentConfigurationVersionId": version, "status": status, **times}


def iso(at: Micros) -> str:
    """As the platform writes times."""
    return to_datetime(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Team:
    """Executions newest first, agents by id, agents of versions. ``ignored`` filters do nothing.

    ``vanish_at``: so many pages of executions, and the newest is gone. ``broken`` is the number of a page that is no
    page, ``down`` a path that answers 503. ``agents_of_lost`` is whose executions of unknown versions are.
    ``blips``: so many first requests of a path are answered with nothing.
    """

    executions: list[dict[str, Any]] = field(default_factory=list)
    agents: Mapping[str, str] = field(default_factory=lambda: {"a-1": "First", "a-2": "Second"})
    versions: Mapping[str, str] = field(default_factory=lambda: {"v-1": "a-1", "v-2": "a-2"})
    size: int | None = None
    ascending: bool = False
    ignored: frozenset[str] = frozenset()
    requests: list[httpx.Request] = field(default_factory=list)
    totals: Mapping[str, int] | None = None
    vanish_at: int | None = None
    broken: str | None = None
    down: str | None = None
    agents_of_lost: str = ""
    created: Mapping[str, str] = field(default_factory=dict)
    refuses: tuple[str, int] | None = None
    """The first agent of a listing, and the status that it is answered with."""
    agents_size: int = 1000
    """Agents on a page."""
    answers: dict[str, Any] = field(default_factory=dict)
    """What a path is answered with instead."""
    blips: dict[str, int] = field(default_factory=dict)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        status = 503 if request.url.path == self.down else self._refusal(request.url.params)
        if status is not None or request.url.path in self.answers:
            return reply(self.answers.get(request.url.path, {}), status=status or 200)
        blip = self.blips.get(request.url.path, 0)
        self.blips[request.url.path] = blip - 1
        match request.url.path:
            case "/agents" if blip > 0:
                return reply(page([], 1, 1000))
            case "/agent-configuration-versions" if blip > 0:
                return reply([])
            case "/agents":
                items = [
                    {"agentId": each, "name": name, "totalRuns": 5, "createdAt": self.created.get(each)}
                    for each, name in self.agents.items()
                ]
                number = 1 if "page" in self.ignored else int(request.url.params["page"])
                return reply(page(items, number, self.agents_size))
            case "/agent-configuration-versions":
                wanted = request.url.params["agentConfigurationVersionIds"].split(",")
                found = [
                    {"agentConfigurationVersionId": v, "agentId": a} for v, a in self.versions.items() if v in wanted
                ]
                return reply(found)
        return reply(self.listing(request.url.params))

    def _refusal(self, params: httpx.QueryParams) -> int | None:
        """The status of an answer that is refused."""
        agent, status = self.refuses or (None, None)
        return status if agent is not None and params.get("agentIds", "").startswith(agent) else None

    def listing(self, params: httpx.QueryParams) -> dict[str, Any]:
        """A page of executions."""
        if params.get("page") == self.broken:
            return {}
        if self.totals is not None and "statuses" in params:
            return page([None] * self.totals.get(params["statuses"], 0), 1, 1) | {"items": []}
        if self.vanish_at is not None and len(self.pages) > self.vanish_at:
            self.executions = self.executions[1:]
            self.vanish_at = None
        found = [each for each in self.executions if self.passes(each, params)]
        if self.ascending:
            found.reverse()
        size = self.size or int(params.get("pageSize", params.get("page_size", "20")))
        return page(found, int(params.get("page", "1")), size)

    def passes(self, item: dict[str, Any], params: httpx.QueryParams) -> bool:
        """Whether an execution passes the filters."""
        fields = {
            "statuses": item["status"],
            "agentExecutionIds": item["agentExecutionId"],
            "agentIds": self.versions.get(item["agentConfigurationVersionId"], self.agents_of_lost),
        }
        return all(
            value in params[name].split(",")
            for name, value in fields.items()
            if name in params and name not in self.ignored
        )

    @property
    def pages(self) -> list[str]:
        """The pages of the listing that were asked for, totals and look-ups left out."""
        return [
            request.url.params["page"]
            for request in self.requests
            if request.url.path == "/agent-executions"
            and not {"statuses", "status", "agentExecutionIds"} & set(request.url.params)
        ]

    def asked(self, path: str) -> list[dict[str, str]]:
        """The parameters of the requests for a path."""
        return [dict(request.url.params) for request in self.requests if request.url.path == path]


def page(items: Iterable[Any], number: int, size: int) -> dict[str, Any]:
    """A page in the documented envelope."""
    held = list(items)
    return {
        "items": held[(number - 1) * size : number * size],
        "pagination": {
            "page": number,
            "pageSize": size,
            "totalItems": len(held),
            "totalPages": -(-len(held) // size),
            "hasNextPage": number * size < len(held),
            "hasPreviousPage": number > 1,
        },
    }
