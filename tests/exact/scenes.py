"""What upstreams say in the golden expositions: the sample responses of the wire contracts, at fixed times.

A scene is a target's settings and what its upstream answers, poll by poll. A platform joins by a scene of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from exporter.app.targets import build
from exporter.config import PLATFORMS as SETTINGS
from exporter.exposition import Rendered, Snapshot
from exporter.http import Budgets
from exporter.publisher import Publisher
from exporter.runner import Runner
from exporter.selfmetrics import SelfMetrics
from exporter.simulator import ManualClock, Platform
from exporter.simulator.clock import http_date
from exporter.store.sqlite import SqliteStore
from exporter.target import Target
from exporter.times import HOUR, MINUTE, SECOND, Micros
from tests.exact.world import HandClock
from tests.platforms.support import FOUNDRY_URL, NOW, sample

Answer = Callable[[httpx.Request], bytes]


@dataclass(frozen=True)
class Act:
    """One poll: when it is, as the upstream says too, and what is answered."""

    at: Micros
    answer: Answer


@dataclass(frozen=True)
class Scene:
    """A target and its polls, the first of which is the baseline."""

    settings: Mapping[str, Any]
    acts: tuple[Act, ...]


def always(name: str) -> Answer:
    """The same sample for every request."""
    return lambda request: sample(name)


def foundry_project(request: httpx.Request) -> bytes:
    """The routines, and two pages of runs of one of them."""
    path = request.url.path.removeprefix("/api/projects/ops")
    if path == "/routines":
        return sample("foundry/routines_list")
    if path != "/routines/daily-summary/runs":
        return sample("foundry/runs_empty")
    return sample("foundry/runs_page2_awkward" if "after" in request.url.params else "foundry/runs_page1")


def foundry_before_any_run(request: httpx.Request) -> bytes:
    """The routines, none of which has run."""
    return sample("foundry/routines_list" if request.url.path.endswith("/routines") else "foundry/runs_empty")


def moderately_team(request: httpx.Request) -> bytes:
    """The agents, and three pages of executions."""
    match request.url.path:
        case "/agents":
            return sample("moderately/agents")
        case "/agent-configuration-versions":
            return sample("moderately/agent_configuration_versions")
    if "statuses" in request.url.params:
        return sample("moderately/agent_executions_empty")
    pages = {"1": "page1", "2": "page2_awkward", "3": "page3_unknown_status"}
    return _asked_for(request, json.loads(sample(f"moderately/agent_executions_{pages[request.url.params['page']]}")))


def moderately_before_any_run(request: httpx.Request) -> bytes:
    """The agents, none of which has run, and an old execution of a version that is gone: new ones are waited for."""
    if request.url.path != "/agent-executions" or "statuses" in request.url.params:
        return moderately_team(request)
    listing = json.loads(sample("moderately/agent_executions_page3_unknown_status"))
    listing["items"][0] |= {"agentExecutionId": "e-0", "status": "completed", "createdAt": "2026-01-01T00:00:00Z"}
    listing["pagination"] |= {"page": 1, "totalItems": 1, "totalPages": 1}
    return _asked_for(request, listing)


def _asked_for(request: httpx.Request, listing: dict[str, Any]) -> bytes:
    """The page without what the request does not ask for by its id."""
    ids = request.url.params.get("agentExecutionIds")
    if ids is not None:
        listing["items"] = [item for item in listing["items"] if item["agentExecutionId"] in ids.split(",")]
    return json.dumps(listing).encode()


EXECUTED: Micros = 1_768_471_500 * SECOND
"""2026-01-15 10:05, soon after the executions of the samples."""

SCENES: Mapping[Platform, Scene] = {
    "roboto": Scene(
        {"name": "fleet", "org_id": "og_k3v9x2", "token": "example-token", "labels": {"team": "perception"}},
        (
            Act(NOW - MINUTE, always("roboto/org_stats_empty")),
            Act(NOW, always("roboto/org_stats_ok")),
        ),
    ),
    "foundry": Scene(
        {"name": "ops", "endpoint": FOUNDRY_URL, "auth": {"kind": "token", "token": "example-token"}},
        (
            Act(NOW - 12 * HOUR, foundry_before_any_run),
            Act(NOW, foundry_project),
        ),
    ),
    "granite": Scene(
        {"name": "office", "api_key": "example-key", "deep_interval": "1m"},
        (
            Act(NOW - 3 * MINUTE, always("granite/batch_empty")),
            Act(NOW, always("granite/batch_ok")),
            Act(NOW + 3 * MINUTE, always("granite/batch_ok")),
        ),
    ),
    "moderately": Scene(
        {"name": "agents", "team_id": "team_A", "api_key": "example-key"},
        (
            Act(EXECUTED - 3 * HOUR, moderately_before_any_run),
            Act(EXECUTED, moderately_team),
        ),
    ),
}


@dataclass
class Stage:
    """A scene as it was played to its end, without holds: the target and what is exposed of it."""

    target: Target
    clock: HandClock
    rendered: Rendered
    messages: list[str] = field(default_factory=list)


def play(platform: Platform) -> Stage:
    """Poll a target once for each act of its platform's scene."""
    scene = SCENES[platform]
    world = ManualClock(scene.acts[0].at)
    clock = HandClock(world)
    metrics, snapshot = SelfMetrics(), Snapshot()
    publisher = Publisher(snapshot, metrics, clock)
    store = SqliteStore(None, clock.now().wall)
    runner = Runner(store, publisher, metrics, clock)
    acting = scene.acts[0]

    def answer(request: httpx.Request) -> httpx.Response:
        date = httpx.Headers({"Date": http_date(world())})
        return httpx.Response(200, content=acting.answer(request), headers=date)

    target = build(
        SETTINGS[platform].model_validate({"platform": platform, "timeout": "1s", **scene.settings}),
        store=store,
        budgets=Budgets(clock=clock.monotonic, wall=lambda: clock.now().wall / 1e6),
        metrics=metrics,
        clock=clock,
        transport=httpx.MockTransport(answer),
        sleep=world.advance,
        holds=False,
    )
    messages = []
    for act in scene.acts:
        acting = act
        world.set(act.at)
        report = runner.run(target)
        messages += [report.message, *(failed.message for failed in report.listings_failed)]
    publisher.refresh_own()
    assert snapshot.current is not None
    target.client.close()
    store.close()
    return Stage(target, clock, snapshot.current, [message for message in messages if message])
