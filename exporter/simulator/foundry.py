"""The face of Microsoft Foundry: routines and their runs, newest first, in pages with absolute links.

Source of the protocol: the REST reference "List routines" and "List routine runs" (api-version v1) and what
azure-ai-projects 2.10.0 sends and accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import ClassVar
from urllib.parse import quote, urlencode

from exporter.simulator.face import Face, bearer, decode_cursor, encode_cursor
from exporter.simulator.foundry_records import routine_json, run_json
from exporter.simulator.messages import Json, Request, Response
from exporter.simulator.model import Platform, Run, Workload
from exporter.simulator.world import World

PREVIEW_FEATURE = "Routines=V2Preview"
MESSAGES = {
    400: ("BadRequest", "The request is invalid."),
    401: ("Unauthorized", "Access token is missing, invalid or has expired."),
    403: ("PermissionDenied", "The principal lacks the required data action to perform this operation."),
    404: ("NotFound", "routine not found"),
    429: ("TooManyRequests", "Rate limit exceeded. Retry later."),
    500: ("InternalServerError", "The server had an error."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
}


class FoundryFace(Face):
    """``GET {prefix}/routines`` and ``GET {prefix}/routines/{name}/runs``.

    ``requires_preview`` refuses requests without the opt-in header, as early previews did.
    """

    platform: ClassVar[Platform] = "foundry"
    prefix = "/foundry/api/projects/demo"
    id_fields = ("id",)
    name_fields = ("name", "trigger_name")
    time_fields = ("triggered_at", "scheduled_fire_at", "started_at", "ended_at", "created_at", "updated_at")
    status_fields = ("status", "phase")
    start_field = "started_at"
    end_fields = ("ended_at",)

    def __init__(self, world: World, accepts: Callable[[str, int], bool]) -> None:
        super().__init__(world)
        self._accepts = accepts
        self.requires_preview = False

    def authorized(self, request: Request, now: int) -> bool:
        """A bearer token that was configured or issued, and has not expired."""
        return self._accepts(bearer(request), now)

    def answer(self, request: Request, now: int) -> Response:  # noqa: PLR0911  one return a check
        """Check what every request must have, then list."""
        if "api-version" not in request.parameters:
            return self.error(400, "The required query parameter 'api-version' is missing.")
        if request.parameters["api-version"] != "v1":
            return self.error(400, "API version not supported")
        if self.requires_preview and request.headers.get("foundry-features") != PREVIEW_FEATURE:
            return _preview_required()
        if request.method != "GET":
            return self.error(405, "Method not allowed")
        match request.segments:
            case ["routines"]:
                return self._routines(request, now)
            case ["routines", name, "runs"]:
                return self._runs(request, name, now)
        return self.error(404, "Resource not found")

    def _routines(self, request: Request, now: int) -> Response:
        page = _Page.of(request, default_order="asc")
        if isinstance(page, str):
            return self.error(400, page)
        routines = sorted(self.world.workloads("foundry", now), key=_created)
        if page.order == "desc":
            routines.reverse()
        start = page.cursor[0] if page.cursor else 0
        if not isinstance(start, int):
            return self.error(400, "Invalid value for 'after'.")
        shown = routines[start : start + page.limit]
        more = start + page.limit < len(routines)
        payload: dict[str, Json] = {"data": [routine_json(w) for w in shown], "next_link": None}
        if more:
            payload["next_link"] = _next_link(request, encode_cursor(start + page.limit))
        return Response(payload=payload)

    def _runs(self, request: Request, name: str, now: int) -> Response:
        page = _Page.of(request, default_order="desc")
        if isinstance(page, str):
            return self.error(400, page)
        routine = self.world.named("foundry", name, now)
        if routine is None:
            return self.error(404)
        behind: tuple[int, str] | None = None
        if page.cursor:
            match page.cursor:
                case [int(created), str(identifier)]:
                    behind = created, identifier
                case _:
                    return self.error(400, "Invalid value for 'after'.")
        runs: Iterable[Run]
        if page.order == "desc":
            runs = self.world.newest_first("foundry", routine.key, now, behind)
        else:
            oldest_first = reversed(list(self.world.newest_first("foundry", routine.key, now)))
            runs = (r for r in oldest_first if behind is None or (r.created_at, r.id) > behind)
        found = list(islice(runs, page.limit + 1))
        shown = found[: page.limit]
        payload: dict[str, Json] = {"data": [run_json(run, now) for run in shown], "next_link": None}
        if len(found) > page.limit:
            payload["next_link"] = _next_link(request, encode_cursor(shown[-1].created_at, shown[-1].id))
        return Response(payload=payload)

    def error(self, status: int, message: str = "") -> Response:
        """The OpenAI style envelope."""
        code, text = MESSAGES.get(status, ("Error", "The request could not be processed"))
        return Response(status, {"error": {"code": code, "message": message or text}})

    def rows(self, payload: Json) -> list[Json] | None:
        """``data`` of both listings."""
        found = payload.get("data") if isinstance(payload, dict) else None
        return found if isinstance(found, list) else None

    def drop_rows(self, payload: Json) -> None:
        """Without ``data``."""
        payload.pop("data", None)

    def link(self, payload: Json) -> str | None:
        """``next_link``."""
        link = payload.get("next_link") if isinstance(payload, dict) else None
        return link if isinstance(link, str) else None

    def set_link(self, payload: Json, link: str | None) -> None:
        """``next_link``."""
        payload["next_link"] = link


class _Page:
    """The paging parameters of a request."""

    def __init__(self, limit: int, order: str, cursor: list[int | str] | None) -> None:
        self.limit = limit
        self.order = order
        self.cursor = cursor

    @classmethod
    def of(cls, request: Request, default_order: str) -> _Page | str:
        """Read them; a string says what is wrong."""
        parameters = request.parameters
        limit = parameters.get("limit", "20")
        if not limit.isdecimal() or not 1 <= int(limit) <= 100:
            return "Invalid value for 'limit': must be between 1 and 100."
        order = parameters.get("order", default_order)
        if order not in ("asc", "desc"):
            return "Invalid value for 'order'."
        cursor = None
        if after := parameters.get("after"):
            cursor = decode_cursor(after)
            if not cursor:
                return "Invalid value for 'after'."
        return cls(int(limit), order, cursor)


def _next_link(request: Request, after: str) -> str:
    kept = {name: value for name, value in request.parameters.items() if name != "after"}
    return f"{request.base}{request.path}?{urlencode({**kept, 'after': after}, quote_via=quote)}"


def _created(workload: Workload) -> tuple[int, str]:
    return workload.created_at, workload.key


def _preview_required() -> Response:
    message = f"This operation requires the following opt-in preview feature(s): {PREVIEW_FEATURE}."
    error = {"code": "preview_feature_required", "message": message, "param": "Foundry-Features"}
    return Response(403, {"error": {**error, "type": "invalid_request_error"}})
