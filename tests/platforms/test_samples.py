"""Every sample response of the wire contracts, as it is read and what it means."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import httpx
import pytest

from exporter.counting.states import WorkloadState
from exporter.errors import UpstreamError
from exporter.observations import Roster
from exporter.times import DAY
from tests.conftest import Golden
from tests.platforms.support import (
    GRANITE_URL,
    MODERATELY_URL,
    NOW,
    ROBOTO_URL,
    SAMPLES,
    StillClock,
    client_of,
    foundry,
    granite,
    moderately,
    reply,
    roboto,
    sample,
    shown,
    view,
)

ROUTINE = {"data": [{"name": "daily-summary", "triggers": {"weekday-morning": {"type": "schedule"}}}]}


def names(folder: str, *kinds: str) -> list[str]:
    """Return the samples of these kinds."""
    found = sorted(path.stem for path in (SAMPLES / folder).glob("*.json"))
    return [name for name in found if name.startswith(kinds)]


def test_roboto(golden: Golden) -> None:
    """Statistics: totals, levels and workloads, or why the answer cannot be used."""
    text = []
    for name in names("roboto", "org_stats", "sdk_rejects", "error"):
        status = int(name.split("_")[1]) if name.startswith("error") else 200
        text.append(f"# {name}\n{read_roboto(sample(f'roboto/{name}'), status)}")
    golden("roboto.txt")("".join(text))


def read_roboto(content: bytes, status: int) -> str:
    """Return what a poll of this answer observes."""
    platform = roboto()
    client = client_of(platform, lambda _: reply(content, status), ROBOTO_URL)
    try:
        return "".join(shown(platform.observe(batch, 0)) for batch in platform.fetch(client, view(), StillClock()))
    except UpstreamError as error:
        return f"{error.reason}: {error}\n"


def test_foundry_routines(golden: Golden) -> None:
    """The roster."""
    golden("foundry_routines.txt")(read_foundry(sample("foundry/routines_list"), {"data": []}))


def test_foundry_runs(golden: Golden) -> None:
    """Runs, or why the answer cannot be used. The page of ``runs_page1`` links to ``runs_page2_awkward``."""
    text = []
    for name in names("foundry", "runs", "legacy", "error"):
        status = int(name.split("_")[1]) if name.startswith("error_4") else 500 if name.startswith("error") else 200
        text.append(f"# {name}\n{read_foundry(ROUTINE, sample(f'foundry/{name}'), status)}")
    golden("foundry_runs.txt")("".join(text))


def read_foundry(routines: object, runs: object, status: int = 200) -> str:
    """Return what a poll of these answers observes."""
    platform = foundry()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/routines"):
            return reply(routines)
        if "after" in request.url.params:
            return reply(sample("foundry/runs_page2_awkward"))
        return reply(runs, status)

    text = []
    try:
        for batch in platform.fetch(client_of(platform, answer), view(), StillClock()):
            if routines is not ROUTINE or not isinstance(batch, Roster):
                text.append(shown(platform.observe(batch, batch.upstream_now or 0)))
    except UpstreamError as error:
        text.append(f"{error.reason}: {error}\n")
    return "".join(text)


def test_granite(golden: Golden) -> None:
    """Figures, levels, times and examples, each of three questions answered with the sample; or why it is no use."""
    text = []
    for name in names("granite", "batch", "error"):
        status = int(name.split("_")[1]) if name.startswith("error") else 200
        text.append(f"# {name}\n{read_granite(sample(f'granite/{name}'), status)}")
    golden("granite.txt")("".join(text))


def read_granite(content: bytes, status: int) -> str:
    """Return what a poll of this answer observes."""
    platform = granite()
    client = client_of(platform, lambda _: reply(content, status), GRANITE_URL)
    try:
        return "".join(shown(platform.observe(batch, NOW)) for batch in platform.fetch(client, view(), StillClock()))
    except UpstreamError as error:
        return f"{error.reason}: {error}\n"


def test_moderately(golden: Golden) -> None:
    """Agents and the executions of three pages, an empty listing, and errors."""
    text = [f"# agents, agent_executions_page1 to 3\n{read_moderately(moderately_page)}"]
    for name in ["agent_executions_empty", *names("moderately", "error")]:
        status = int(name.split("_")[1]) if name.startswith("error") else 200
        answer = partial(moderately_answer, name, status)
        text.append(f"# {name}\n{read_moderately(answer)}")
    golden("moderately.txt")("".join(text))


def moderately_answer(name: str, status: int, request: httpx.Request) -> httpx.Response:
    """A sample, whatever is asked for."""
    del request
    return reply(sample(f"moderately/{name}"), status)


def moderately_page(request: httpx.Request) -> httpx.Response:
    """A page of the listing by its number."""
    name = {"1": "page1", "2": "page2_awkward", "3": "page3_unknown_status"}[request.url.params["page"]]
    return reply(sample(f"moderately/agent_executions_{name}"))


def read_moderately(listing: Callable[[httpx.Request], httpx.Response]) -> str:
    """Return what a poll of the sample agents and this listing observes."""
    platform = moderately()

    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/agents":
                return reply(sample("moderately/agents"))
            case "/agent-configuration-versions":
                return reply(sample("moderately/agent_configuration_versions"))
        if "statuses" in request.url.params:
            return reply(sample("moderately/agent_executions_empty"))
        return listing(request)

    text = []
    client = client_of(platform, answer, MODERATELY_URL)
    gone = {"version/gone": WorkloadState(label="_unnamed", slot="_unnamed", first_seen=NOW)}
    try:
        for batch in platform.fetch(client, view(floor=NOW - 365 * DAY, workloads=gone), StillClock()):
            text.append(shown(platform.observe(batch, NOW)))
    except UpstreamError as error:
        text.append(f"{error.reason}: {error}\n")
    return "".join(text)


@pytest.mark.parametrize("folder", ["roboto", "foundry", "granite", "moderately"])
def test_no_sample_is_left_out(folder: str) -> None:
    """Those of tokens are used by the tests of auth, those of requests by the tests of fetch, those of what is never
    asked for by the tests of accounting."""
    kinds = (
        "org_stats",
        "sdk_rejects",
        "error",
        "routines",
        "runs",
        "legacy",
        "entra",
        "imds",
        "batch",
        "agent",
        "request",
        "invocations",
        "trigger",
        "pipeline",
    )
    assert names(folder, *kinds) == sorted(path.stem for path in (SAMPLES / folder).glob("*.json"))
