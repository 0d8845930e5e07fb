"""Contestants of the ingest that only read: the vendors' clients, and httpx and pydantic with nothing around them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import httpx
from azure.ai.projects import AIProjectClient
from azure.core.credentials import AccessToken
from moderatelyai_sdk import ModeratelyAI
from pydantic import TypeAdapter, create_model

from bench.kit.canned import BASELINE, control
from bench.kit.rounds import Cost, cost, of_each
from exporter.counting.ledger import Changes
from exporter.platforms.foundry.records import RoutineRun
from exporter.platforms.moderately.records import Execution
from exporter.store.sqlite import SqliteStore
from exporter.times import DAY, SECOND

SDK_SHARE: Final = 10
"""The SDK reads one run in so many: what it takes for one does not depend on how many there are."""
READ: Final = (
    *("id", "status", "phase", "trigger_type", "trigger_name", "attempt_source", "action_type", "triggered_at"),
    *("scheduled_fire_at", "started_at", "ended_at", "error_status_code", "error_type", "dispatch_id", "response_id"),
    *("conversation_id", "session_id", "action_correlation_id", "task_id"),
)
"""Fields of a Foundry run that are read from the SDK's objects: those that the exporter reads."""


class _Token:
    """A credential that has its token already."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """One that is good until the year 2100."""
        del scopes, options
        return AccessToken("not-a-secret", 4_102_444_800)


def floor(platform: str, port: int, runs: int, keep_in: Path | None = None) -> Cost:
    """What no reader on these libraries can be below: httpx gets the same pages, and pydantic makes the exporter's
    records of them. Nothing is ordered, observed, looked up or counted. With a folder to ``keep_in``, a state file
    there gets their ids, a commit a page: without that no run is counted just once."""
    control(port, now=BASELINE, open=1)
    pages, name, model, key = {
        "foundry": (_pages_of_foundry, "data", RoutineRun, "id"),
        "moderately": (_pages_of_moderately, "items", Execution, "agentExecutionId"),
    }[platform]
    fields: dict[str, Any] = {name: (list[model], ...)}  # type: ignore[valid-type]
    read_page = create_model("Answer", **fields).model_validate_json
    day = BASELINE * SECOND // DAY
    found: list[int] = []
    with ExitStack() as opened:
        client = opened.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}"))
        store: SqliteStore | None = None
        if keep_in is not None:
            state = keep_in / f"{time.monotonic_ns()}.db"
            store = opened.enter_context(closing(SqliteStore(state, BASELINE * SECOND)))
            store.open_target("one", "floor", BASELINE * SECOND, holds=False)

        def read() -> None:
            for body in pages(client):
                rows = getattr(read_page(body), name)
                found.append(len(rows))
                if store is not None:
                    with store.transaction("one") as transaction:
                        transaction.apply(Changes(remember=[(day, getattr(row, key)) for row in rows]))

        spent = cost(read)
    if sum(found) != runs:
        raise RuntimeError(f"httpx and pydantic read {sum(found)} of {runs} runs")
    return of_each(spent, runs)


def _pages_of_foundry(client: httpx.Client) -> Iterator[bytes]:
    for routine in client.get("/api/projects/ops/routines").json()["data"]:
        link = f"/api/projects/ops/routines/{routine['name']}/runs?limit=100&order=desc&api-version=v1"
        while link:
            body = client.get(link).content
            yield body
            link = _next_link(body)


def _next_link(body: bytes) -> str:
    """The link of a page, which stands at its end; reading it costs next to nothing."""
    tail = body[body.rindex(b'"next_link"') :]
    return str(json.loads(b"{" + tail)["next_link"] or "")


def _pages_of_moderately(client: httpx.Client) -> Iterator[bytes]:
    page, more = 1, True
    while more:
        body = client.get("/agent-executions", params={"page": page, "pageSize": 100}).content
        yield body
        page, more = page + 1, b'"hasNextPage": true' in body[-200:]


def sdk(platform: str, port: int, runs: int, *, typed: bool = False) -> Cost:
    """The vendor's client reads the same pages; nothing is kept. ``typed``: what it gives as JSON is made records."""
    control(port, now=BASELINE, open=1)
    here = f"http://127.0.0.1:{port}"
    read: list[int] = []
    if platform == "foundry":
        with AIProjectClient(f"{here}/api/projects/ops", _Token(), allow_preview=True) as foundry:
            spent = cost(lambda: read.append(_read_foundry(foundry, runs // SDK_SHARE)))
    else:
        with ModeratelyAI(api_key="not-a-secret", team_id="team", base_url=here) as moderately:
            take = TypeAdapter(list[Execution]).validate_python if typed else list[Any]
            spent = cost(lambda: read.append(_read_moderately(moderately, runs // SDK_SHARE, take)))
    return of_each(spent, read[0])


def _read_foundry(client: Any, enough: int) -> int:
    read = 0
    for routine in client.beta.routines.list(enforce_https=False):
        for run in client.beta.routines.list_runs(routine.name, limit=100, order="desc", enforce_https=False):
            for name in READ:
                getattr(run, name)
            read += 1
        if read >= enough:
            return read
    raise RuntimeError(f"the SDK read {read} runs, expected {enough} and more")


def _read_moderately(client: Any, enough: int, take: Callable[[Any], list[Any]]) -> int:
    read, page = 0, 1
    while read < enough:
        answer = client.agent_executions.list(page=page, page_size=100)
        read += len(take(answer["items"]))
        if read < enough and not answer["pagination"]["hasNextPage"]:
            raise RuntimeError(f"the SDK read {read} runs, expected {enough} and more")
        page += 1
    return read
