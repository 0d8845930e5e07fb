"""An upstream of answers that were made beforehand, in a process of its own: what it costs is the reader's cost.

    python -m bench.kit.canned --platform foundry --runs 100000 --page 1000

prints the port it listens on. ``/control`` takes ``now`` (its ``Date``), ``open`` (before 1 no run is told, so that a
reader can be at its baseline first and find all runs new then) and tells what was asked for since the last time. A
Foundry project of any name has ``--routines`` routines and the same runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from datetime import UTC, datetime
from email.utils import formatdate
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx

BASELINE: Final = 1_780_000_000
"""Unix seconds of a reader's first poll."""
OUTCOMES: Final = ("completed",) * 8 + ("failed", "cancelled")

Json = dict[str, Any]


def foundry_run(number: int, born: int) -> Json:
    """One ended attempt as the API writes it."""
    status, phase = {"completed": ("FINISHED", "completed"), "failed": ("FAILED", "failed")}.get(
        outcome := OUTCOMES[number % 10], ("KILLED", "cancelled")
    )
    failed = outcome == "failed"
    return {
        "id": f"run-{number:024x}",
        "status": status,
        "phase": phase,
        "trigger_type": "schedule",
        "trigger_name": "every-minute",
        "trigger_event_payload": {"text": "what the event held that started it"},
        "attempt_source": "schedule_delivery",
        "action_type": "invoke_agent_responses_api",
        "agent_id": "daily-summary-agent",
        "agent_endpoint_id": None,
        "conversation_id": f"conv_{number:024x}",
        "session_id": None,
        "triggered_at": born,
        "scheduled_fire_at": born - 1,
        "started_at": born + number % 7,
        "ended_at": born + number % 7 + number % 61,
        "dispatch_id": f"disp_{number:024x}",
        "action_correlation_id": f"corr_{number:024x}",
        "response_id": f"resp_{number:024x}",
        "task_id": f"task_{number:024x}",
        "error_status_code": 504 if failed else None,
        "error_type": "agent_timeout" if failed else None,
        "error_message": "the agent did not answer in time" if failed else None,
    }


def moderately_run(number: int, born: int) -> Json:
    """One ended execution as the API writes it."""
    outcome = OUTCOMES[number % 10]
    end = _iso(born + number % 7 + number % 61)
    return {
        "agentExecutionId": f"ex-{number:018x}",
        "agentConfigurationVersionId": f"cv-{number % 10}",
        "agentInput": {"question": "what are the norms?"},
        "agentInputSchema": {"type": "object"},
        "agentInputSummary": "a question",
        "agentOutput": {"answer": "these"} if outcome == "completed" else None,
        "agentOutputSchema": {"type": "object"},
        "agentOutputSummary": None,
        "status": outcome,
        "thoughts": [{"text": "a plan", "createdAt": None}],
        "maxActions": 20,
        "currentStep": number % 20,
        "planningInterval": 5,
        "createdAt": _iso(born),
        "updatedAt": end,
        "startedAt": _iso(born + number % 7),
        "completedAt": end if outcome == "completed" else None,
        "failedAt": end if outcome == "failed" else None,
        "cancelledAt": end if outcome == "cancelled" else None,
        "pausedAt": None,
    }


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Canned:
    """The answers. Runs are born a second apart after the baseline; ``older`` further ones an hour and more before."""

    def __init__(self, platform: str, runs: int, page: int, routines: int, older: int) -> None:
        self._foundry = platform == "foundry"
        self._runs, self._page, self._routines, self._older = runs, page, routines, older
        self.now: int | None = None
        self.open = False
        self.port = 0
        self.requests = self.sent = 0
        self.asked: dict[str, list[float]] = {}
        self._bodies: dict[str, bytes] = {}
        if not older:
            self._make_all()

    def _make_all(self) -> None:
        if not self._foundry:
            for page in range(1, -(-self._runs // self._page) + 1):
                self._executions(page)
            return
        for routine in range(self._routines):
            place: int | None = 0
            while place is not None:
                place = self._runs_page(routine, place)[1]

    def answer(self, target: str) -> bytes:
        """The body for a request."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/control":
            return self._control(query)
        self.requests += 1
        body = self._foundry_answer(parts.path, query) if self._foundry else self._moderately_answer(parts.path, query)
        self.sent += len(body)
        return body

    def _control(self, query: dict[str, str]) -> bytes:
        told = {"requests": self.requests, "sent": self.sent, "asked": self.asked}
        body = json.dumps(told).encode()
        self.now = int(query["now"]) if "now" in query else self.now
        self.open = query["open"] == "1" if "open" in query else self.open
        self.requests = self.sent = 0
        return body

    def _foundry_answer(self, path: str, query: dict[str, str]) -> bytes:
        project, _, rest = path.removeprefix("/api/projects/").partition("/routines")
        if not rest:
            self.asked.setdefault(project, []).append(time.monotonic())
            names = [{"name": f"routine-{number}", "enabled": True} for number in range(self._routines)]
            return json.dumps({"data": names, "next_link": None}).encode()
        if not self.open:
            return b'{"data": [], "next_link": null}'
        routine = int(rest.split("/")[1].removeprefix("routine-"))
        body = self._runs_page(routine, int(query.get("after", "0")))[0]
        return body.replace(b"@HERE@", f"http://127.0.0.1:{self.port}/api/projects/{project}".encode())

    @cache  # noqa: B019  it lives as long as the process
    def _runs_page(self, routine: int, place: int) -> tuple[bytes, int | None]:
        """Runs of a routine from its ``place``-th newest on, and where the next page begins."""
        mine = range(self._runs - 1 - routine, -1, -self._routines)
        rows = [foundry_run(number, BASELINE + 60 + number) for number in mine[place : place + self._page]]
        for back in range(max(0, place - len(mine)), max(0, place + self._page - len(mine))):
            if back < self._older:
                born = BASELINE - 3600 - back * (6 * 86_400 // max(1, self._older))
                rows.append(foundry_run(10_000_000 + routine * self._older + back, born))
        following = place + self._page
        more = following < len(mine) + self._older
        link = f"@HERE@/routines/routine-{routine}/runs?after={following}&order=desc&limit=100&api-version=v1"
        body = json.dumps({"data": rows, "next_link": link if more else None}).encode()
        return body, following if more else None

    def _moderately_answer(self, path: str, query: dict[str, str]) -> bytes:
        if path == "/agents":
            agents = [{"agentId": f"ag-{number}", "name": f"agent {number}"} for number in range(10)]
            return self._envelope(agents, 1, 1, 10)
        if path == "/agent-configuration-versions":
            owners = [{"agentConfigurationVersionId": f"cv-{each}", "agentId": f"ag-{each}"} for each in range(10)]
            return json.dumps(owners).encode()
        if not self.open or "agentExecutionIds" in query:
            return self._envelope([], 1, 1, 0)
        if "statuses" in query:
            return self._envelope([], 1, 1, self._runs * OUTCOMES.count(query["statuses"]) // 10)
        return self._executions(int(query.get("page", "1")))

    @cache  # noqa: B019
    def _executions(self, page: int) -> bytes:
        newest = self._runs - 1 - (page - 1) * self._page
        numbers = range(newest, max(-1, newest - self._page), -1)
        rows = [moderately_run(number, BASELINE + 60 + number) for number in numbers]
        return self._envelope(rows, page, -(-self._runs // self._page), self._runs)

    def _envelope(self, items: list[Json], page: int, last: int, total: int) -> bytes:
        pages = {"page": page, "pageSize": self._page, "totalItems": total, "totalPages": last}
        pages |= {"hasNextPage": page < last, "hasPreviousPage": page > 1}
        return json.dumps({"items": items, "pagination": pages}).encode()


class _Connection(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self, canned: Canned) -> None:
        self._canned = canned
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._transport is not None and b"\r\n\r\n" in self._buffer:
            head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
            target = head.split(b" ", 2)[1].decode("ascii")
            if "/silent" in target:
                return  # an upstream that takes a request and never answers
            body = self._canned.answer(target)
            date = formatdate(time.time() if self._canned.now is None else self._canned.now, usegmt=True)
            lines = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: {date}\r\n"
            self._transport.write(f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def control(port: int, **told: int) -> Json:
    """Tell the upstream at ``port`` something; what it was asked for since the last time."""
    found: Json = httpx.get(f"http://127.0.0.1:{port}/control", params=told, timeout=60).json()
    return found


async def _serve(canned: Canned) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(canned), "127.0.0.1", 0, backlog=2048)
    canned.port = server.sockets[0].getsockname()[1]
    print(canned.port, flush=True)
    await server.serve_forever()


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--platform", choices=["foundry", "moderately"], default="foundry")
    for name, default in (("runs", 100_000), ("page", 100), ("routines", 10), ("older", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    asyncio.run(_serve(Canned(chosen.platform, chosen.runs, chosen.page, chosen.routines, chosen.older)))


if __name__ == "__main__":
    _main()
