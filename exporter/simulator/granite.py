"""The face of Granite: one analytics question over a window, answered with everything at once.

Source of the protocol: docs.getgranite.ai (``POST /api/analytics/batch``). What it leaves open is a definition of
this world, and what may differ on a real server is a switch:

- an execution belongs to a window by its creation (``keyed_by``), and ``[start, end)`` is taken to the microsecond
  (``rounded_to`` widens a window to whole units, ``inclusive_end`` adds its last instant)
- lists of workflows hold all that have executions, most executions first (``longest_list`` cuts them short)
- cancelled executions count in totals and in ``executions``, but neither as completed nor as failures
- tokens, steps and what was done on the screen belong to ended executions
- ``active_today`` are the executions that are active now; ``success_rate`` is a percentage
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from exporter.simulator.clock import DAY, HOUR, MICROSECOND, SECOND, micros
from exporter.simulator.face import Face
from exporter.simulator.granite_records import batch
from exporter.simulator.messages import Json, Request, Response, parse_json
from exporter.simulator.model import TERMINAL, Part, Platform, Run, State, Workload
from exporter.simulator.quota import Quota
from exporter.simulator.world import World

GRANULARITIES = {"hour": HOUR, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
STATUS_OF: dict[State, str] = {
    "queued": "pending",
    "running": "running",
    "paused": "running",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "unknown": "archived",
}
ERRORS = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 429: "rate_limited"}


@dataclass(frozen=True, slots=True)
class Question:
    """A request, understood: the window, and the filters (None: all)."""

    since: int
    until: int
    slot: int
    granularity: str
    workflow: str | None
    trigger: str | None
    status: str | None


class GraniteFace(Face):
    """``POST {prefix}/api/analytics/batch``; the switches are described above."""

    platform: ClassVar[Platform] = "granite"
    prefix = "/granite"
    windowed = True
    id_fields = ("workflow_name",)
    name_fields = ("workflow_name",)
    time_fields = ("last_execution",)
    count_fields = ("executions", "completed", "failures")

    def __init__(self, world: World, api_key: str) -> None:
        super().__init__(world)
        self.api_key = api_key
        self.keyed_by: Literal["creation", "completion"] = "creation"
        self.rounded_to: int | None = None
        self.inclusive_end = False
        self.longest_list: int | None = None

    def authorized(self, request: Request, now: int) -> bool:
        """The one key, which never expires."""
        del now
        return request.headers.get("x-granite-api-key") == self.api_key

    def begins(self, request: Request) -> Sequence[Part]:
        """The first answer of all, and the first about cancelled executions alone."""
        question = self._question(request)
        if isinstance(question, str) or not request.path.endswith("/batch"):
            return ()
        return ("others", "cancelled") if question.status == STATUS_OF["cancelled"] else ("others",)

    def quota_headers(self, quota: Quota) -> dict[str, str]:
        """The documented three, with the end of the period in unix seconds."""
        return {
            "X-RateLimit-Limit": str(quota.limit),
            "X-RateLimit-Remaining": str(max(0, quota.remaining)),
            "X-RateLimit-Reset": str(quota.reset_at // SECOND),
        }

    def answer(self, request: Request, now: int) -> Response:
        """The one question, and who asks."""
        match request.method, request.segments:
            case "POST", ["api", "analytics", "batch"]:
                question = self._question(request)
                if isinstance(question, str):
                    return _refused(question)
                self.asked_until = question.until
                return Response(payload=self._answer(question, now))
            case "GET", ["api", "me"]:
                return Response(payload={"organization": "Simulated office"})
        return self.error(404, "Resource not found")

    def _question(self, request: Request) -> Question | str:
        """The question, or the name of the field that is wrong."""
        body = parse_json(request.body) if request.body else {}
        if not isinstance(body, dict):
            return "body"
        granularity = body.get("granularity") or "day"
        if granularity not in GRANULARITIES:
            return "granularity"
        times = []
        for name in ("start_date", "end_date"):
            try:
                times.append(micros(body[name]))
            except (KeyError, TypeError, ValueError):
                return name  # null has no stated meaning: nobody should rely on one
        since, until = times
        if self.rounded_to is not None:
            since = since // self.rounded_to * self.rounded_to
            until = -(-until // self.rounded_to) * self.rounded_to
        return Question(
            since,
            until + (MICROSECOND if self.inclusive_end else 0),
            GRANULARITIES[granularity],
            granularity,
            body.get("workflow_name"),
            body.get("triggered_by"),
            body.get("status"),
        )

    def _answer(self, question: Question, now: int) -> Json:
        workloads, may_run = self.world.workloads("granite", now), self.world.may_run("granite")
        busy = [workload for workload in workloads if workload.key in may_run]
        found = {
            workload.name: list(self._executions(workload, question, now))
            for workload in busy
            if question.workflow in (None, workload.name)
        }
        active = sum(
            run.state_at(now) not in (None, *TERMINAL)
            for workload in busy
            for run in self.world.alive("granite", workload.key, now, now + 1)
        )
        return batch(
            {name: runs for name, runs in found.items() if runs},
            [workload.name for workload in workloads],
            now,
            slot=question.slot,
            granularity=question.granularity,
            active_today=active,
            longest_list=self.longest_list,
        )

    def _executions(self, workload: Workload, question: Question, now: int) -> Iterator[Run]:
        until = min(question.until, now + 1)
        if self.keyed_by == "creation":
            runs = self.world.runs("granite", workload.key, question.since, until)
        else:
            runs = self.world.alive("granite", workload.key, question.since, until)
        for run in runs:
            state = run.state_at(now)
            if state is None:
                continue
            time = run.created_at if self.keyed_by == "creation" else run.ended_at(now) or run.created_at
            if (
                question.since <= time < question.until
                and question.trigger in (None, run.trigger_type)
                and question.status in (None, STATUS_OF[state])
            ):
                yield run

    # Envelopes

    def error(self, status: int, message: str = "") -> Response:
        """The documented envelope."""
        text = message or "The request could not be processed"
        return Response(status, {"error": ERRORS.get(status, "server_error"), "message": text, "code": status})

    def rows(self, payload: Json) -> list[Json] | None:
        """``top_automations``."""
        found = payload.get("top_automations") if isinstance(payload, dict) else None
        data = found.get("data") if isinstance(found, dict) else None
        return data if isinstance(data, list) else None

    def drop_rows(self, payload: Json) -> None:
        """Without the list of ``top_automations``."""
        payload["top_automations"].pop("data", None)

    def link(self, payload: Json) -> str | None:
        """There are no pages."""
        del payload
        return None

    def set_link(self, payload: Json, link: str | None) -> None:
        """There are no pages."""
        del payload, link


def _refused(field: str) -> Response:
    detail = {"loc": ["body", field], "msg": "Input should be valid", "type": "value_error"}
    return Response(422, {"detail": [detail]})
