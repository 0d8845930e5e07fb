"""The face of Moderately AI: executions of a team's agents, the agents, and their configuration versions.

Source of the protocol: the vendor's OpenAPI document of 2025-08-27 and what moderatelyai-sdk 0.2.7 sends. The two
spell query parameters differently; which spelling is understood is a switch, as is the order, which no document
promises, and whether filters do anything.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from hashlib import blake2b
from itertools import islice
from typing import ClassVar, Literal

from exporter.simulator import moderately_records as records
from exporter.simulator.face import Face, bearer
from exporter.simulator.messages import Json, Request, Response
from exporter.simulator.model import Platform, Run, Workload
from exporter.simulator.world import World

Order = Literal["descending", "ascending", "none"]

LIBRARY_SPELLING = {
    "page_size": "pageSize",
    "order_by": "orderBy",
    "order_direction": "orderDirection",
    "agent_id": "agentIds",
    "status": "statuses",
}
CODES = {
    400: ("VALIDATION_ERROR", "Invalid parameter value"),
    401: ("UNAUTHORIZED", "Missing or invalid authentication token"),
    403: ("FORBIDDEN", "User does not have permission to view these executions"),
    404: ("NOT_FOUND", "Resource not found"),
    429: ("RATE_LIMITED", "Too many requests"),
}
DEFAULT_SIZE, LARGEST_SIZE = 20, 100
DEFAULT_AGENTS, MOST_AGENTS = 10, 1000


class ModeratelyFace(Face):
    """``order`` of executions ("none": any, and new ones stand anywhere); ``understands`` the documented
    spelling, that of the client library, or both;
    ``ignored`` filters do nothing; ``nameless`` versions are not told (they were deleted). ``deleted`` executions
    are gone."""

    platform: ClassVar[Platform] = "moderately"
    prefix = "/moderately"
    id_fields = ("agentExecutionId", "agentId")
    name_fields = ("name",)
    time_fields = ("createdAt", "updatedAt", "startedAt", "completedAt", "failedAt", "cancelledAt", "pausedAt")
    status_fields = ("status",)
    start_field = "startedAt"
    end_fields = tuple(records.ENDS.values())
    count_fields = ("totalRuns", "successfulRuns")

    def __init__(self, world: World, api_key: str, team_id: str) -> None:
        super().__init__(world)
        self.api_key = api_key
        self.team_id = team_id
        self.order: Order = "descending"
        self.understands: Literal["documented", "library", "both"] = "documented"
        self.ignored: frozenset[str] = frozenset()
        self.nameless: frozenset[str] = frozenset()
        self.deleted: set[str] = set()

    def authorized(self, request: Request, now: int) -> bool:
        """The one key, which never expires."""
        del now
        return bearer(request) == self.api_key

    def answer(self, request: Request, now: int) -> Response:  # noqa: PLR0911  one return a route
        """Check the team, then list."""
        if request.method != "GET":
            return self.error(405, "Method not allowed")
        match request.segments:
            case ["health"]:
                return Response(payload={"status": "ok", "version": "1.0.0"})
            case ["authentication", "whoami"]:
                return Response(payload={"userId": "user_example"})
        if request.parameters.get("teamIds") != self.team_id:
            return self.error(403)
        parameters = self._parameters(request)
        match request.segments:
            case ["agents"]:
                return self._agents(parameters, now)
            case ["agents", identifier]:
                return self._one(self._agent_items(now), "agentId", identifier)
            case ["agent-executions"]:
                return self._executions(parameters, now)
            case ["agent-executions", identifier]:
                run = next((run for run in self._runs(self._teams(now), now) if run.id == identifier), None)
                return self.error(404) if run is None else Response(payload=self._item(run, now))
            case ["agent-configuration-versions"]:
                return Response(payload=self._versions(parameters, now))
        return self.error(404)

    def _parameters(self, request: Request) -> dict[str, str]:
        """The parameters that are understood, in the documented spelling; others are not looked at."""
        found = {}
        for name, value in request.parameters.items():
            documented = LIBRARY_SPELLING.get(name, name)
            if self.understands == "both" or (documented == name) == (self.understands == "documented"):
                found[documented] = value
            elif name not in (*LIBRARY_SPELLING, *LIBRARY_SPELLING.values()):
                found[name] = value
        return {name: value for name, value in found.items() if name not in self.ignored}

    # Executions

    def _teams(self, now: int) -> list[Workload]:
        return self.world.workloads("moderately", now)

    def _runs(self, workloads: list[Workload], now: int) -> Iterator[Run]:
        """Visible executions, newest first."""
        each = [self.world.newest_first("moderately", workload.key, now) for workload in workloads]
        for run in heapq.merge(*each, key=lambda run: (run.created_at, run.id), reverse=True):
            if run.id not in self.deleted:
                yield run

    def _executions(self, parameters: dict[str, str], now: int) -> Response:
        page, size = parameters.get("page", "1"), parameters.get("pageSize", str(DEFAULT_SIZE))
        if not (page.isdecimal() and int(page) >= 1 and size.isdecimal() and 1 <= int(size) <= LARGEST_SIZE):
            return self.error(400)
        statuses = _listed(parameters.get("statuses"))
        if statuses is not None and not statuses <= records.STATUSES:
            return self.error(400, "Invalid status value")
        agents, wanted = _listed(parameters.get("agentIds")), _listed(parameters.get("agentExecutionIds"))
        workloads = [each for each in self._teams(now) if agents is None or records.agent_id(each) in agents]
        if wanted is None and not self.deleted:
            total = self._count(workloads, statuses, now)
            runs: Iterator[Run] = (
                run for run in self._runs(workloads, now) if statuses is None or records.status(run, now) in statuses
            )
        else:
            found = [
                run
                for run in self._runs(workloads, now)
                if (wanted is None or run.id in wanted) and (statuses is None or records.status(run, now) in statuses)
            ]
            total, runs = len(found), iter(found)
        return Response(payload=self._page(runs, total, int(page), int(size), now))

    def _count(self, workloads: list[Workload], statuses: set[str] | None, now: int) -> int:
        """How many there are, without making each of them."""
        total = 0
        for workload in workloads:
            states = self.world.states("moderately", workload.key, 0, now + 1, now)
            total += sum(n for state, n in states.items() if statuses is None or records.STATUS_OF[state] in statuses)
        return total

    def _page(self, runs: Iterator[Run], total: int, page: int, size: int, now: int) -> Json:
        start, end = (page - 1) * size, page * size
        if self.order == "none":
            runs = iter(sorted(runs, key=lambda run: blake2b(run.id.encode(), digest_size=8).digest()))
        if self.order == "ascending":
            start, end = max(0, total - end), max(0, total - start)
        shown = list(islice(runs, start, end))
        if self.order == "ascending":
            shown.reverse()
        return _paged([self._item(run, now) for run in shown], total, page, size)

    def _item(self, run: Run, now: int) -> Json:
        workload = self.world.workload("moderately", run.workload, run.created_at)
        return records.execution(run, workload, now)

    # Agents

    def _agent_items(self, now: int) -> list[Json]:
        items = []
        for workload in self._teams(now):
            states = self.world.states("moderately", workload.key, 0, now + 1, now)
            last = next(iter(self.world.newest_first("moderately", workload.key, now)), None)
            items.append(records.agent(workload, self.team_id, states, last))
        return items

    def _agents(self, parameters: dict[str, str], now: int) -> Response:
        page, size = parameters.get("page", "1"), parameters.get("pageSize", str(DEFAULT_AGENTS))
        if not (page.isdecimal() and int(page) >= 1 and size.isdecimal() and 1 <= int(size) <= MOST_AGENTS):
            return self.error(400)
        wanted = _listed(parameters.get("agentIds"))
        items = [item for item in self._agent_items(now) if wanted is None or item["agentId"] in wanted]
        start = (int(page) - 1) * int(size)
        return Response(payload=_paged(items[start : start + int(size)], len(items), int(page), int(size)))

    def _versions(self, parameters: dict[str, str], now: int) -> Json:
        """A bare list. A version exists for each edit of an agent."""
        wanted = _listed(parameters.get("agentConfigurationVersionIds"))
        found = []
        for workload in self._teams(now):
            for version in self.world.versions("moderately", workload.key, now):
                item = records.version(version)
                identifier = item["agentConfigurationVersionId"]
                if (wanted is None or identifier in wanted) and identifier not in self.nameless:
                    found.append(item)
        return found

    def _one(self, items: list[Json], field: str, identifier: str) -> Response:
        found = next((item for item in items if item[field] == identifier), None)
        return self.error(404) if found is None else Response(payload=found)

    # Envelopes

    def error(self, status: int, message: str = "") -> Response:
        """The documented envelope. An error does not know the time: it is always of the epoch."""
        code, text = CODES.get(status, ("INTERNAL_ERROR", "The request could not be processed"))
        error = {"code": code, "message": message or text, "timestamp": records.time(0), "requestId": "req_01"}
        return Response(status, {"error": error})

    def rows(self, payload: Json) -> list[Json] | None:
        """``items``, or the bare list of versions."""
        if isinstance(payload, list):
            return payload
        found = payload.get("items") if isinstance(payload, dict) else None
        return found if isinstance(found, list) else None

    def drop_rows(self, payload: Json) -> None:
        """Without ``items``."""
        if isinstance(payload, dict):
            payload.pop("items", None)

    def link(self, payload: Json) -> str | None:
        """The number of the next page."""
        pages = payload.get("pagination") if isinstance(payload, dict) else None
        return str(pages["page"] + 1) if isinstance(pages, dict) and pages["hasNextPage"] else None

    def set_link(self, payload: Json, link: str | None) -> None:
        """Pages have numbers: only whether there is a next one can be bent."""
        if isinstance(payload, dict) and isinstance(payload.get("pagination"), dict):
            payload["pagination"]["hasNextPage"] = link is not None


def _listed(value: str | None) -> set[str] | None:
    """The values of a list parameter, joined with commas."""
    return None if value is None else {part for part in value.split(",") if part}


def _paged(items: list[Json], total: int, page: int, size: int) -> Json:
    return {
        "items": items,
        "pagination": {
            "page": page,
            "pageSize": size,
            "totalItems": total,
            "totalPages": -(-total // size),
            "hasNextPage": page * size < total,
            "hasPreviousPage": page > 1,
        },
    }
