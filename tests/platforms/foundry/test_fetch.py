"""Reading Foundry: the roster, the runs of each routine, what goes wrong and for whom."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from exporter.counting.states import ListingState
from exporter.errors import (
    ConnectFailed,
    Forbidden,
    InvalidResponse,
    RateLimited,
    ServerFailed,
    Unauthorized,
    UpstreamError,
)
from exporter.http import Client
from exporter.observations import ListingFailed, Page, Roster
from exporter.platforms.base import View
from exporter.platforms.foundry import FoundryPlatform
from exporter.times import DAY, HOUR, MINUTE, SECOND
from tests.platforms.support import FOUNDRY_URL, NOW, StillClock, Upstream, client_of, foundry, open_run, reply, view

SECONDS = NOW // SECOND
CALM = ListingState(
    horizon=NOW - 2 * HOUR, last_whole=NOW - MINUTE, last_sweep=NOW - MINUTE, last_deep=NOW - MINUTE, newest=NOW - HOUR
)

Runs = Callable[[str, httpx.Request], httpx.Response]


def run(name: str, ago: int = 60) -> dict[str, object]:
    """A run that ended so many seconds ago."""
    return {
        "id": name,
        "status": "FINISHED",
        "phase": "completed",
        "started_at": SECONDS - ago,
        "ended_at": SECONDS - ago,
    }


def data(*items: object, link: object = None) -> httpx.Response:
    """An answer."""
    return reply({"data": list(items), "next_link": link})


def one_run(routine: str, request: httpx.Request) -> httpx.Response:
    """Every routine ran once."""
    return data(run(f"run of {routine}"))


def project(*names: str, runs: Runs = one_run) -> Upstream:
    """A project with these routines."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/routines"):
            return data(*({"name": name, "enabled": True} for name in names))
        routine = request.url.path.split("/")[-2] if "%2F" not in str(request.url) else "a/b"
        return runs(routine, request)

    return Upstream(answer)


def read(
    upstream: Upstream,
    known: View | None = None,
    platform: FoundryPlatform | None = None,
    client: Client | None = None,
) -> tuple[list[Any], UpstreamError | None]:
    """Read once; gives the batches and the error that ended it."""
    platform = platform or foundry()
    batches = []
    try:
        for batch in platform.fetch(client or client_of(platform, upstream), known or view(), StillClock()):
            batches.append(batch)
    except UpstreamError as error:
        return batches, error
    return batches, None


def pages(batches: list[Any]) -> dict[str, list[str]]:
    """The ids read, by listing."""
    found: dict[str, list[str]] = {}
    for batch in batches:
        if isinstance(batch, Page):
            found.setdefault(batch.listing, []).extend(item.run.id for item in batch.items)
    return found


def failures(batches: list[Any]) -> dict[str, str]:
    """The reasons of failure, by listing."""
    return {batch.listing: batch.reason for batch in batches if isinstance(batch, ListingFailed)}


# Requests


def test_the_requests() -> None:
    """Version, order, limit and preview header on each; names encoded, slash included."""
    upstream = project("a/b", "Täglich zusammen")
    batches, error = read(upstream)
    assert error is None
    assert isinstance(batches[0], Roster)
    assert sorted(upstream.paths) == [
        "/api/projects/ops/routines/T%C3%A4glich%20zusammen/runs?limit=100&order=desc&api-version=v1",
        "/api/projects/ops/routines/a%2Fb/runs?limit=100&order=desc&api-version=v1",
        "/api/projects/ops/routines?limit=100&api-version=v1",
    ]
    assert {request.headers.get("Foundry-Features") for request in upstream.requests} == {"Routines=V2Preview"}
    assert {request.headers["Authorization"] for request in upstream.requests} == {"Bearer example-token"}
    assert {request.method for request in upstream.requests} == {"GET"}


@pytest.mark.parametrize(("features", "header"), [("off", None), ("Routines=V3Preview", "Routines=V3Preview")])
def test_the_preview_header_can_be_changed_or_left_out(features: str, header: str | None) -> None:
    """By the key ``features``."""
    upstream = project("a")
    read(upstream, platform=foundry(features=features))
    assert {request.headers.get("Foundry-Features") for request in upstream.requests} == {header}


def test_a_missing_preview_header_is_explained() -> None:
    """Foundry says so in a code of its own."""
    _, error = read(Upstream(lambda _: reply({"error": {"code": "preview_feature_required"}}, 403)))
    assert isinstance(error, Forbidden)
    assert "set features" in str(error)


@pytest.mark.parametrize(
    ("link", "asked"),
    [
        (f"{FOUNDRY_URL}/routines/a/runs?after=eyJ%2Bc%3D&api-version=v1", "after=eyJ%2Bc%3D&api-version=v1"),
        (f"{FOUNDRY_URL}/routines/a/runs?after=x", "after=x&api-version=v1"),
        ("?after=x&api-version=v1", "after=x&api-version=v1"),
        ("/api/projects/ops/routines/a/runs?after=x&api-version=v1", "after=x&api-version=v1"),
    ],
)
def test_next_links(link: str, asked: str) -> None:
    """Absolute or relative; the version is added where it is missing."""
    second = data(run("r2"))
    upstream = project(
        "a", runs=lambda _, request: second if "after" in request.url.params else data(run("r1"), link=link)
    )
    batches, error = read(upstream)
    assert error is None
    assert pages(batches) == {"a": ["r1", "r2"]}
    assert upstream.paths[-1] == f"/api/projects/ops/routines/a/runs?{asked}"


@pytest.mark.parametrize("end", [None, "", False])
def test_the_end_of_a_listing(end: object) -> None:
    """Null, empty or absent."""
    batches, error = read(project("a", runs=lambda *_: data(run("r1"), link=end)))
    assert (error, batches[-1].step.complete) == (None, True)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://elsewhere.example/routines/a/runs?after=x", "another host"),
        ("http://contoso-ai.services.ai.azure.com/x", "another host"),
        ("https://contoso-ai.services.ai.azure.com:8443/x", "another host"),
        (7, "next_link"),
        (["x"], "next_link"),
    ],
)
def test_links_that_are_not_followed(link: object, words: str) -> None:
    """The token is never sent to another origin."""
    upstream = project("a", runs=lambda *_: data(run("r1"), link=link))
    batches, error = read(upstream)
    assert error is None
    assert (len(upstream.requests), pages(batches)) == (2, {})
    (failed,) = [batch for batch in batches if isinstance(batch, ListingFailed)]
    assert failed.reason == "invalid_response"
    assert words in failed.message


def test_a_link_that_loops_is_followed_once() -> None:
    """The runs are told, the listing has failed."""
    upstream = project("a", runs=lambda *_: data(run("r1"), link="?after=same&api-version=v1"))
    batches, error = read(upstream)
    assert error is None
    assert (len(upstream.requests), failures(batches)) == (3, {"a": "invalid_response"})


def test_tokens_of_early_previews() -> None:
    """Taken for ``after``; when that only brings the same page again, it is an error."""
    first = reply({"value": [run("r1")], "nextPageToken": "t2"})
    second = reply({"value": [run("r2")]})
    upstream = project("a", runs=lambda _, request: second if request.url.params.get("after") == "t2" else first)
    batches, _ = read(upstream)
    assert pages(batches) == {"a": ["r1", "r2"]}
    batches, _ = read(project("a", runs=lambda *_: first))
    assert failures(batches) == {"a": "invalid_response"}


# The roster


def test_the_roster_is_paged_and_named_once() -> None:
    """A routine that moved to the next page meanwhile is the same routine."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/runs"):
            return data()
        if "after" in request.url.params:
            return data({"name": "b"}, {"name": "c"})
        return data({"name": "a"}, {"name": "b"}, {"enabled": True}, None, link="?after=x&api-version=v1")

    batches, error = read(Upstream(answer))
    assert error is None
    assert [routine.name for routine in batches[0].items] == ["a", "b", "c"]
    assert [skipped.reason for skipped in batches[0].skipped] == ["no_id", "bad_record"]
    assert batches[0].upstream_now == NOW


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply({"items": []}), InvalidResponse),
        (reply({"data": None}), InvalidResponse),
        (reply(b"<html>hello</html>"), InvalidResponse),
        (reply(b'{"data": [{"na'), InvalidResponse),
        (data({"name": "a"}, link="?after=x&api-version=v1"), InvalidResponse),
        (reply({}, 401), Unauthorized),
        (reply({}, 403), Forbidden),
        (reply({}, 500), ServerFailed),
    ],
)
def test_without_a_roster_nothing_is_read(answer: httpx.Response, error: type[UpstreamError]) -> None:
    """A list that cannot be read whole is no list."""
    batches, found = read(Upstream(lambda _: httpx.Response(answer.status_code, content=answer.content)))
    assert batches == []
    assert type(found) is error


def test_only_selected_routines_are_read() -> None:
    """The others are not even listed."""
    upstream = project("a-test", "a", "b")
    batches, _ = read(upstream, platform=foundry(include=["a*"], exclude=["*-test"]))
    assert [routine.name for routine in batches[0].items] == ["a"]
    assert len(upstream.requests) == 2


def test_a_deleted_routine_with_open_runs_is_read_until_it_is_gone() -> None:
    """Its runs may end yet; a 404 says that nobody will ever know."""
    upstream = project("a", runs=lambda routine, _: data() if routine == "a" else reply({}, 404))
    known = view(open_runs={"r1": open_run("deleted", NOW - HOUR)}, listings={"deleted": CALM})
    batches, _ = read(upstream, known)
    assert failures(batches) == {}
    past = CALM._replace(last_whole=NOW - HOUR)
    batches, _ = read(upstream, view(open_runs=known.open_runs, listings={"deleted": past}))
    (failed,) = [batch for batch in batches if isinstance(batch, ListingFailed)]
    assert (failed.listing, failed.reason, failed.gone) == ("deleted", "not_found", True)


# Whose error it is


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply({}, 500), "server_error"),
        (reply({}, 404), "not_found"),
        (reply({}, 403), "forbidden"),
        (reply({}, 400), "invalid_response"),
        (reply({"items": []}), "invalid_response"),
        (reply(b"<html>"), "invalid_response"),
    ],
)
def test_one_routines_error_does_not_stop_the_others(answer: httpx.Response, reason: str) -> None:
    """It fails alone."""

    def runs(routine: str, request: httpx.Request) -> httpx.Response:
        if routine == "b":
            return httpx.Response(answer.status_code, content=answer.content)
        return one_run(routine, request)

    batches, error = read(project("a", "b", "c", "d", "e", "f", runs=runs))
    assert error is None
    assert failures(batches) == {"b": reason}
    assert sorted(pages(batches)) == ["a", "c", "d", "e", "f"]


def refused(_: str, request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    ("runs", "error", "most"),
    [
        (lambda *_: reply({}, 401), Unauthorized, 8),
        (lambda *_: reply({}, 429), RateLimited, 4),
        (refused, ConnectFailed, 8),
    ],
)
def test_an_error_of_the_target_stops_its_requests(runs: Runs, error: type[UpstreamError], most: int) -> None:
    """Those under way end, no further ones begin, and the error is raised."""
    names = [f"r{number:02}" for number in range(40)]
    upstream = project(*names, runs=runs)
    batches, found = read(upstream)
    assert type(found) is error
    assert isinstance(batches[0], Roster)
    assert 1 <= len(failures(batches)) <= most
    assert len(upstream.requests) <= 1 + 2 * most


def test_a_routine_that_does_not_answer_in_time_fails_alone() -> None:
    """While the poll has time left, that is the upstream's matter and not our budget's."""

    def runs(routine: str, request: httpx.Request) -> httpx.Response:
        if routine == "r00":
            raise httpx.ReadTimeout("too slow", request=request)
        return one_run(routine, request)

    names = [f"r{number:02}" for number in range(20)]
    batches, error = read(project(*names, runs=runs))
    assert error is None
    assert failures(batches) == {"r00": "timeout"}
    assert sorted(pages(batches)) == names[1:]


def test_a_single_lost_connection_is_one_routines_error() -> None:
    """The next one that can be reached shows that the upstream is there."""

    def runs(routine: str, request: httpx.Request) -> httpx.Response:
        return refused(routine, request) if routine == "r00" else one_run(routine, request)

    batches, error = read(project(*[f"r{number:02}" for number in range(40)], runs=runs))
    assert error is None
    assert failures(batches) == {"r00": "connection"}
    assert len(pages(batches)) == 39


# The budget


def test_listings_that_the_budget_does_not_reach_are_not_mentioned() -> None:
    """They are the longest unread at the next poll."""
    names = [f"r{number:02}" for number in range(20)]
    upstream = project(*names)
    platform = foundry()
    client = client_of(platform, upstream, seconds=1.0, per_minute=8, monotonic=lambda: 0.0)
    batches, error = read(upstream, client=client)
    assert error is None
    assert failures(batches) == {}
    assert len(pages(batches)) == 7
    assert len(upstream.requests) == 8


def test_a_budget_for_no_listing_at_all_is_an_error() -> None:
    """Somebody should know."""
    upstream = project("a")
    platform = foundry()
    client = client_of(platform, upstream, seconds=1.0, per_minute=1, monotonic=lambda: 0.0)
    batches, error = read(upstream, client=client)
    assert len(batches) == 1
    assert isinstance(error, RateLimited)


def test_a_walk_that_the_budget_breaks_off_is_resumed() -> None:
    """What was read stands; the listing has failed, and with it the poll."""

    def runs(routine: str, request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("after", "0"))
        return data(run(f"r{number}", ago=number), link=f"?after={number + 1}&api-version=v1")

    upstream = project("a", runs=runs)
    platform = foundry()
    client = client_of(platform, upstream, seconds=1.0, per_minute=4, monotonic=lambda: 0.0)
    batches, error = read(upstream, view(floor=NOW - 8 * DAY, listings={"a": CALM}), client=client)
    assert isinstance(error, RateLimited)
    assert failures(batches) == {"a": "rate_limited"}
    assert pages(batches) == {"a": ["r0", "r1", "r2"]}


def test_sweeps_take_a_quarter_of_the_budget() -> None:
    """Thirty routines with endless histories: each gets its page below the top, together they get a quarter."""

    def runs(routine: str, request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("after", "0"))
        return data(run(f"{routine} {number}", ago=number), link=f"?after={number + 1}&api-version=v1")

    names = [f"r{number:02}" for number in range(10)]
    upstream = project(*names, runs=runs)
    platform = foundry()
    client = client_of(platform, upstream, per_minute=101, monotonic=lambda: 0.0)
    batches, error = read(upstream, client=client)
    assert error is None
    assert sorted(pages(batches)) == names
    # 25 pages of slices, one more for each walk that was at its page when they were spent, and each first page
    assert 1 + 10 + 25 <= len(upstream.requests) <= 1 + 10 + 25 + 10
    last = {batch.listing: batch.step for batch in batches if isinstance(batch, Page)}
    assert all((step.whole, step.complete) == (True, False) for step in last.values())


# Order and threads


def test_at_most_four_requests_at_a_time() -> None:
    """And four when there is enough to read."""
    lock, gate = threading.Lock(), threading.Barrier(4)
    running, most = 0, 0

    def runs(routine: str, request: httpx.Request) -> httpx.Response:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(timeout=10)
        with lock:
            running -= 1
        return data()

    read(project(*[f"r{number}" for number in range(8)], runs=runs))
    assert most == 4


def test_a_poll_that_is_closed_leaves_no_thread() -> None:
    """As when the state cannot be written."""
    platform = foundry()
    upstream = project(*[f"r{number}" for number in range(50)])
    batches = platform.fetch(client_of(platform, upstream), view(), StillClock())
    next(batches)
    next(batches)
    batches.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("listing-")] == []
    assert len(upstream.requests) < 51


def test_a_client_that_was_aborted_fails_no_listing() -> None:
    """We are stopping: that says nothing about the upstream."""
    platform = foundry()
    clients: list[Client] = []

    def runs(routine: str, request: httpx.Request) -> httpx.Response:
        clients[0].abort()
        return one_run(routine, request)

    upstream = project("a", "b", runs=runs)
    clients.append(client_of(platform, upstream))
    batches, error = read(upstream, client=clients[0])
    assert isinstance(error, ConnectFailed)
    assert len(batches) == 1
