"""Every sample response of the wire contracts, as it is read and what it means."""

from __future__ import annotations

import httpx
import pytest

from exporter.errors import UpstreamError
from exporter.observations import Roster
from tests.conftest import Golden
from tests.platforms.support import (
    ROBOTO_URL,
    SAMPLES,
    StillClock,
    client_of,
    foundry,
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


@pytest.mark.parametrize("folder", ["roboto", "foundry"])
def test_no_sample_is_left_out(folder: str) -> None:
    """Those of tokens are used by the tests of auth."""
    kinds = ("org_stats", "sdk_rejects", "error", "routines", "runs", "legacy", "entra", "imds")
    assert names(folder, *kinds) == sorted(path.stem for path in (SAMPLES / folder).glob("*.json"))
