"""The face of Roboto: action statistics over a window, invocations, triggers and the caller's organizations.

Source of the protocol: what roboto 0.62.0 sends and accepts. Two things are not documented and are definitions
of this world: a window is keyed by creation (``keyed_by="completion"`` switches that), and ``Deadly`` counts as
a failure while ``Cancelled`` is not counted at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Literal

from exporter.simulator import roboto_records as records
from exporter.simulator.clock import micros
from exporter.simulator.face import Face, bearer, decode_cursor, encode_cursor
from exporter.simulator.messages import Json, Request, Response, parse_json
from exporter.simulator.model import TERMINAL, Part, Platform, Workload
from exporter.simulator.roboto_query import bad_fields, matches, sort_key
from exporter.simulator.world import World

PUBLIC_HUB = "og_roboto_public"
EXCEPTIONS = {
    400: "RobotoInvalidRequestException",
    401: "RobotoUnauthorizedException",
    403: "RobotoLimitExceededException",
    404: "RobotoNotFoundException",
    503: "RobotoServiceUnavailableException",
    504: "RobotoGatewayTimeoutException",
    507: "RobotoResponseTooLargeException",
}
GATEWAY_DENY = "User is not authorized to access this resource with an explicit deny"


class RobotoFace(Face):
    """``keyed_by``: which time of a run puts it into a window. ``page_size``: statistics items a page.

    ``max_window`` (microseconds): a longer window is answered with 507.
    ``several_orgs``: the user belongs to two organizations and must name one.
    """

    platform: ClassVar[Platform] = "roboto"
    prefix = "/roboto"
    windowed = True
    id_fields = ("action_name", "invocation_id")
    name_fields = ("action_name",)
    time_fields = ("created",)
    status_fields = ("last_status",)
    count_fields = ("completed_count", "fail_count", "queued_count")

    def __init__(self, world: World, token: str, org_id: str) -> None:
        super().__init__(world)
        self.token = token
        self.org_id = org_id
        self.keyed_by: Literal["creation", "completion"] = "creation"
        self.page_size: int | None = None
        self.max_window: int | None = None
        self.several_orgs = False

    def authorized(self, request: Request, now: int) -> bool:
        """The one static token, which never expires."""
        del now
        return bearer(request) == self.token

    def begins(self, request: Request) -> Sequence[Part]:
        """The first reading of the statistics."""
        return ("others",) if request.path.endswith("/org-stats") else ()

    def answer(self, request: Request, now: int) -> Response:  # noqa: PLR0911  one return a route
        """Find the organization, then answer."""
        named = request.headers.get("x-roboto-org-id")
        if named is not None and named != self.org_id:
            return self.error(401, f"User is not a member of org {named}")
        if request.segments == ["v1", "orgs", "caller"] and request.method == "GET":
            return Response(payload={"data": self._orgs()})
        if self.several_orgs and named is None:
            text = "User is a member of several orgs but did not provide a org for single-org operation"
            return Response(400, _envelope("RobotoNoOrgProvidedException", text))
        match request.method, request.segments:
            case "GET", ["v1", "actions", "invocations", "org-stats"]:
                return self._stats(request, now)
            case "POST", ["v1", "actions", "invocations", "query"]:
                return self._query(request, now)
            case "GET", ["v1", "triggers"]:
                return Response(payload=_page([records.trigger(*pair, self.org_id) for pair in self._triggers(now)]))
            case "GET", ["v1", "triggers", "id", identifier, "dispatches"]:
                return self._dispatches(request, identifier, now)
        return self.error(404, "Not found")

    def _orgs(self) -> list[Json]:
        orgs = [{"org_id": self.org_id, "name": "Simulated fleet", "status": "active"}]
        if self.several_orgs:
            orgs.append({"org_id": "og_second", "name": "Second fleet", "status": "active"})
        return orgs

    # Statistics

    def _stats(self, request: Request, now: int) -> Response:
        parameters = request.parameters
        try:
            since, until = micros(parameters["start_time"]), micros(parameters["end_time"])
        except (KeyError, ValueError):
            return self.error(400, "start_time and end_time must be ISO 8601 times")
        if since >= until:
            return self.error(400, "start_time must be before end_time")
        if self.max_window is not None and until - since > self.max_window:
            return self.error(507, "Response too large")
        items = []
        for workload in self.world.workloads("roboto", now):
            completed, failed, active = self.window_counts(workload.key, since, until, now)
            if completed is not None:
                items.append(
                    {
                        "action_name": workload.name,
                        "action_org_id": workload.owner or self.org_id,
                        "completed_count": completed,
                        "fail_count": failed,
                        "queued_count": active,
                    }
                )
        return self._paged(items, parameters.get("page_token"), self.page_size)

    def _paged(self, items: list[Json], token: str | None, page_size: int | None) -> Response:
        cursor = decode_cursor(token) if token else [0]
        match cursor:
            case [int(start)]:
                pass
            case _:
                return self.error(400, "Invalid page_token")
        size = page_size or len(items) or 1
        more = start + size < len(items)
        return Response(payload=_page(items[start : start + size], encode_cursor(start + size) if more else None))

    def window_counts(self, key: str, since: int, until: int, now: int) -> tuple[int | None, int, int]:
        """(completed, failed, active) of one action over ``[since, until)``; nothing without any invocation."""
        if self.keyed_by == "creation":
            states = self.world.states("roboto", key, since, until, now)
        else:
            states = Counter()
            for run in self.world.alive("roboto", key, since, min(until, now + 1)):
                state = run.state_at(now)
                time = run.ended_at(now) or run.created_at
                if state is not None and since <= time < until:
                    states[state] += 1
        if not states.total():
            return None, 0, 0
        active = sum(number for state, number in states.items() if state not in TERMINAL)
        return states["completed"], states["failed"], active

    # Invocations

    def _query(self, request: Request, now: int) -> Response:
        body = parse_json(request.body) if request.body else {}
        if not isinstance(body, dict):
            return self.error(400, "The body must be a JSON object")
        limit = body.get("limit", 50)
        if not isinstance(limit, int) or not 1 <= limit <= 1000:
            return self.error(400, "limit must be between 1 and 1000")
        unknown = bad_fields(body)
        if unknown:
            return Response(400, _envelope("RobotoIllegalArgumentException", f"Cannot query by {unknown[0]}"))
        start = 0
        if after := body.get("after"):
            match decode_cursor(str(after)):
                case [int(start)]:
                    pass
                case _:
                    return self.error(400, "Invalid page token")
        found = [
            record
            for workload in self.world.workloads("roboto", now)
            for run in self.world.newest_first("roboto", workload.key, now)
            if matches(record := records.invocation(run, workload, self.org_id, now), body.get("condition"))
        ]
        field = str(body.get("sort_by", "created"))
        found.sort(key=lambda record: sort_key(record, field), reverse=body.get("sort_direction", "DESC") == "DESC")
        token = encode_cursor(start + limit) if start + limit < len(found) else None
        return Response(payload=_page(found[start : start + limit], token))

    # Triggers

    def _triggers(self, now: int) -> list[tuple[Workload, str]]:
        return [(w, name) for w in self.world.workloads("roboto", now) for name in w.triggers]

    def _dispatches(self, request: Request, identifier: str, now: int) -> Response:
        found = next((pair for pair in self._triggers(now) if records.trigger_id(*pair) == identifier), None)
        if found is None:
            return self.error(404, "Trigger not found")
        workload, name = found
        runs = (r for r in self.world.newest_first("roboto", workload.key, now) if r.trigger_name == name)
        dispatches = [records.dispatch(run, identifier, self.org_id) for run in runs]
        limit = request.parameters.get("limit", "50")
        if not limit.isdecimal() or int(limit) < 1:
            return self.error(400, "limit must be a positive number")
        return self._paged(dispatches, request.parameters.get("page_token"), int(limit))

    # Envelopes

    def error(self, status: int, message: str = "") -> Response:
        """Roboto's envelope, or the gateway's for what the gateway answers."""
        if status == 401 and not message:
            # A wrong token is refused by the gateway, as 403, before Roboto sees it.
            return Response(403, {"Message": GATEWAY_DENY})
        if status == 429:
            return Response(429, {"message": "Too Many Requests"})
        return Response(status, _envelope(EXCEPTIONS.get(status, "RobotoInternalException"), message or "Failed"))

    def rows(self, payload: Json) -> list[Json] | None:
        """``data.items``."""
        data = payload.get("data") if isinstance(payload, dict) else None
        found = data.get("items") if isinstance(data, dict) else data
        return found if isinstance(found, list) else None

    def drop_rows(self, payload: Json) -> None:
        """Without ``data``."""
        payload.pop("data", None)

    def link(self, payload: Json) -> str | None:
        """``data.next_token``."""
        data = payload.get("data") if isinstance(payload, dict) else None
        link = data.get("next_token") if isinstance(data, dict) else None
        return link if isinstance(link, str) else None

    def set_link(self, payload: Json, link: str | None) -> None:
        """``data.next_token``."""
        if isinstance(payload.get("data"), dict):
            payload["data"]["next_token"] = link


def _page(items: list[Json], token: str | None = None) -> Json:
    return {"data": {"items": items, "next_token": token}}


def _envelope(code: str, message: str) -> Json:
    return {"error": {"error_code": code, "message": message}}
