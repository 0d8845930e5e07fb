"""Reading Roboto's statistics: windows, pages, moves, splits, the own organisation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from exporter.counting.states import SourceState
from exporter.errors import (
    Forbidden,
    InvalidResponse,
    ServerFailed,
    TooLarge,
    Unauthorized,
    UpstreamError,
)
from exporter.observations import Windows, WindowTotal
from exporter.platforms.base import View
from exporter.platforms.roboto import RobotoPlatform
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros
from tests.platforms.support import NOW, ROBOTO_URL, StillClock, Upstream, client_of, reply, roboto, view

OWN = "og_k3v9x2"


def item(name: str, completed: object = 1, failed: object = 0, queued: object = 0, org: str = OWN) -> dict[str, object]:
    """An item of the list."""
    return {
        "action_name": name,
        "action_org_id": org,
        "completed_count": completed,
        "fail_count": failed,
        "queued_count": queued,
    }


def stats(*items: object, token: object = None) -> httpx.Response:
    """An answer."""
    return reply({"data": {"items": list(items), "next_token": token}})


def poll(
    answer: Callable[[httpx.Request], httpx.Response],
    known: View | None = None,
    platform: RobotoPlatform | None = None,
    clock: StillClock | None = None,
) -> tuple[Windows[WindowTotal], Upstream]:
    """Read once; gives what is observed."""
    platform = platform or roboto()
    upstream = Upstream(answer)
    client = client_of(platform, upstream, ROBOTO_URL)
    (batch,) = platform.fetch(client, known or view(), clock or StillClock())
    return platform.observe(batch, NOW), upstream


def totals(batch: Windows[WindowTotal]) -> dict[tuple[str, str], int]:
    """The figures of the whole reading."""
    (source,) = batch.sources
    return {(total.item, total.labels[-1]): total.value for total in source.whole.items}


def anchored(at: Micros, tried: Micros | None = None) -> View:
    """A target whose window starts at ``at``."""
    return view(sources={"org-stats": SourceState(at, tried)})


def test_the_first_poll_asks_for_the_time_that_settles() -> None:
    """The window is UTC with its offset, encoded; the version is pinned, the organisation named."""
    batch, upstream = poll(lambda _: stats(item("a")))
    assert upstream.paths == [
        "/v1/actions/invocations/org-stats?start_time=2026-06-01T09%3A00%3A00%2B00%3A00"
        "&end_time=2026-06-02T09%3A00%3A00%2B00%3A00"
    ]
    headers = upstream.requests[0].headers
    assert headers["Authorization"] == "Bearer example-token"
    assert headers["X-Roboto-Api-Version"] == "2026-10-06"
    assert headers["X-Roboto-Org-Id"] == OWN
    assert batch.upstream_now == NOW
    assert (batch.sources[0].whole.start, batch.sources[0].whole.end) == (NOW - DAY, NOW)
    assert batch.sources[0].move is None


def test_later_polls_keep_the_anchor() -> None:
    """To the microsecond."""
    batch, upstream = poll(lambda _: stats(), anchored(NOW - 30 * HOUR - 1))
    assert batch.sources[0].whole.start == NOW - 30 * HOUR - 1
    assert "start_time=2026-06-01T02%3A59%3A59.999999%2B00%3A00" in upstream.paths[0]


def test_the_window_ends_at_the_upstreams_now() -> None:
    """Learnt from the ``Date`` of earlier answers; a second of difference is its resolution."""
    memory: dict[str, Any] = {}
    known = view(memory=memory)
    for skew, end in ((10 * MINUTE, NOW), (-10 * MINUTE, NOW), (SECOND, NOW + SECOND)):
        clock = StillClock(NOW + skew)
        poll(lambda _: stats(), known, clock=clock)
        batch, _ = poll(lambda _: stats(), known, clock=clock)
        assert abs(batch.sources[0].whole.end - end) <= SECOND


def test_a_clock_before_the_anchor_fails_the_poll() -> None:
    """Nothing can be said about such a window."""
    with pytest.raises(InvalidResponse, match="clock"):
        poll(lambda _: stats(), anchored(NOW))


# Pages


def paged(*pages: httpx.Response) -> Callable[[httpx.Request], httpx.Response]:
    """Answers one after the other."""
    remaining = iter(pages)
    return lambda _: next(remaining)


def test_pages_are_followed_by_token() -> None:
    """All of them make one reading."""
    batch, upstream = poll(paged(stats(item("a"), token="t/1"), stats(item("b"), token=""), stats(item("c"))))
    assert totals(batch).keys() == {(f"{OWN}/{name}", outcome) for name in "ab" for outcome in ("completed", "failed")}
    assert [request.url.params.get("page_token") for request in upstream.requests] == [None, "t/1"]


def test_a_repeated_token_is_a_circle() -> None:
    """And never the end of the list."""
    with pytest.raises(InvalidResponse, match="followed before"):
        poll(paged(stats(item("a"), token="t"), stats(item("b"), token="t")))


def test_a_list_that_shifted_while_it_was_read_is_read_once_more() -> None:
    """The same action on two pages; a second time it is invalid."""
    shifted = [stats(item("a"), token="t"), stats(item("a"), item("b"))]
    batch, upstream = poll(paged(*shifted, stats(item("a"), token="t"), stats(item("b"))))
    assert len(upstream.requests) == 4
    assert len(totals(batch)) == 4
    with pytest.raises(InvalidResponse, match="on two pages, twice"):
        poll(paged(*shifted, *shifted))


def test_a_token_that_is_no_text_is_invalid() -> None:
    """It cannot be sent, and ignoring it would cut the list short."""
    with pytest.raises(InvalidResponse, match="next_token"):
        poll(lambda _: stats(item("a"), token=7))


def test_the_same_action_twice_on_a_page_counts_as_the_larger() -> None:
    """Field by field."""
    batch, _ = poll(lambda _: stats(item("a", 5, 1), item("a", 3, 2, 9)))
    assert totals(batch) == {(f"{OWN}/a", "completed"): 5, (f"{OWN}/a", "failed"): 2}
    assert [level.value for level in batch.levels or ()] == [9]


# Numbers and records


@pytest.mark.parametrize("bad", [None, 3.5, -1, True, "x", 2**53 + 1])
def test_a_count_that_is_none_fails_the_poll(bad: object) -> None:
    """A null is no 0."""
    with pytest.raises(InvalidResponse, match="fail_count"):
        poll(lambda _: stats(item("a"), item("b", failed=bad)))


def test_a_missing_count_fails_the_poll() -> None:
    """As null does."""
    with pytest.raises(InvalidResponse, match="queued_count"):
        poll(lambda _: stats({name: value for name, value in item("a").items() if name != "queued_count"}))


def test_a_count_may_be_a_whole_float_or_digits() -> None:
    """The vendor's SDK takes them too."""
    batch, _ = poll(lambda _: stats(item("a", 3.0, "4")))
    assert list(totals(batch).values()) == [3, 4]


def test_an_item_without_a_name_is_left_out_and_told_of() -> None:
    """The others are read."""
    nameless = {name: value for name, value in item("x").items() if name != "action_name"}
    batch, _ = poll(lambda _: stats(nameless, None, item("a")))
    assert [workload.label for workload in batch.workloads] == ["a"]
    assert [skipped.reason for skipped in batch.skipped] == ["no_id", "bad_record"]


def test_odd_names() -> None:
    """Empty, ours, with a lone surrogate, of another owner."""
    body = json.dumps({"data": {"items": [item(""), item("_other"), item("a\ud800"), item("a", org="og_x")]}})
    batch, _ = poll(lambda _: reply(body.encode()))
    assert [workload.label for workload in batch.workloads] == ["_unnamed", "_other_", "a\ufffd", "og_x/a"]


def test_only_selected_workloads_are_told() -> None:
    """By the name that people see."""
    platform = roboto(include=["a*", "og_x/*"], exclude=["*b"])
    batch, _ = poll(
        lambda _: stats(item("a", queued=1), item("ab"), item("c"), item("d", org="og_x")), platform=platform
    )
    assert [workload.label for workload in batch.workloads] == ["a", "og_x/d"]
    assert {identity for identity, _ in totals(batch)} - batch.left_out == {f"{OWN}/a", "og_x/d"}
    assert batch.left_out == {f"{OWN}/ab", f"{OWN}/c"}
    assert [level.workload for level in batch.levels or ()] == [f"{OWN}/a", "og_x/d"]


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"data": {"items": None}}, [], {"error": {}}])
def test_a_body_without_its_list_fails_the_poll(body: object) -> None:
    """It is never an empty list."""
    with pytest.raises(InvalidResponse):
        poll(lambda _: reply(body))


# The own organisation


def with_caller(*orgs: str) -> Callable[[httpx.Request], httpx.Response]:
    """An upstream whose user belongs to these organisations."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/caller"):
            return reply({"data": [{"org_id": org, "name": "x"} for org in orgs]})
        return stats(item("a", org="og_only"), item("b"))

    return answer


def test_the_organisation_is_asked_for_once_when_it_is_not_configured() -> None:
    """And then named in each request."""
    known = view(memory={})
    batch, upstream = poll(with_caller("og_only"), known, roboto(org_id=None))
    assert upstream.paths[0] == "/v1/orgs/caller"
    assert "X-Roboto-Org-Id" not in upstream.requests[0].headers
    assert upstream.requests[1].headers["X-Roboto-Org-Id"] == "og_only"
    assert [workload.label for workload in batch.workloads] == ["a", f"{OWN}/b"]
    _, upstream = poll(with_caller("og_only"), known, roboto(org_id=None))
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("orgs", "named"), [(("og_b", "og_a"), r"2 organisations \(og_a, og_b\)"), ((), r"0 organisations \(none\)")]
)
def test_several_organisations_are_an_error_that_names_them(orgs: tuple[str, ...], named: str) -> None:
    """Which one to read is the user's to say."""
    with pytest.raises(Forbidden, match=named + ": set org_id"):
        poll(with_caller(*orgs), platform=roboto(org_id=None))


# Moves of the anchor


def by_window(request: httpx.Request) -> httpx.Response:
    """One run an hour."""
    start, end = hours(request)
    return stats(item("a", round(end - start), queued=1 if start < 0 else 0))


def hours(request: httpx.Request) -> tuple[float, float]:
    """Where a window starts and ends, in hours before ``NOW``."""
    from datetime import datetime  # noqa: PLC0415

    from exporter.times import from_datetime  # noqa: PLC0415

    bounds = (request.url.params[name] for name in ("start_time", "end_time"))
    start, end = ((from_datetime(datetime.fromisoformat(each)) - NOW) / HOUR for each in bounds)
    return start, end


def test_a_move_reads_both_parts_and_the_whole_again() -> None:
    """When the window is twice as long as figures take to settle; cut at midnight, where servers round to."""
    batch, upstream = poll(by_window, anchored(NOW - 48 * HOUR))
    assert [hours(request) for request in upstream.requests] == [(-48, 0), (-48, -33), (-33, 0), (-48, 0)]
    move = batch.sources[0].move
    assert move is not None
    assert [part.items[0].value for part in (move.closed, move.rest, move.again)] == [15, 33, 48]
    assert (move.rest.start, move.closed.end, move.active) == (NOW - 33 * HOUR, NOW - 33 * HOUR, True)


@pytest.mark.parametrize(
    ("anchor", "tried", "moves"),
    [
        (NOW - 48 * HOUR + 1, None, False),
        (NOW - 48 * HOUR, None, True),
        (NOW - 90 * HOUR, NOW - HOUR + 1, False),
        (NOW - 90 * HOUR, NOW - HOUR, True),
    ],
)
def test_when_a_move_is_tried(anchor: Micros, tried: Micros | None, moves: bool) -> None:
    """At most once per sweep_interval."""
    batch, _ = poll(by_window, anchored(anchor, tried))
    assert (batch.sources[0].move is not None) is moves


def test_runs_of_workloads_that_are_not_read_hold_no_move() -> None:
    """Only what is counted matters."""
    batch, _ = poll(by_window, anchored(NOW - 48 * HOUR), roboto(exclude=["a"]))
    move = batch.sources[0].move
    assert move is not None
    assert not move.active


def test_a_move_that_fails_costs_no_reading() -> None:
    """What was read is counted, then the error is raised."""
    platform = roboto()
    answers = iter([stats(item("a")), reply({}, 500)])
    client = client_of(platform, lambda _: next(answers), ROBOTO_URL)
    batches = platform.fetch(client, anchored(NOW - 48 * HOUR), StillClock())
    assert next(batches).sources[0].move is None  # type: ignore[union-attr]
    with pytest.raises(ServerFailed):
        next(batches)


# Answers that are too large


def test_a_window_that_is_too_large_is_read_in_halves() -> None:
    """As often as needed; figures of the same action are added up."""

    def answer(request: httpx.Request) -> httpx.Response:
        start, end = hours(request)
        if end - start > 10:
            return reply({}, 507)
        return stats(item("a", round(end - start), 1, 2) if end - start > 1 else item("a", 0))

    batch, upstream = poll(answer)
    assert totals(batch) == {(f"{OWN}/a", "completed"): 24, (f"{OWN}/a", "failed"): 4}
    assert [level.value for level in batch.levels or ()] == [8]
    asked = sorted(hours(request) for request in upstream.requests)
    assert [(start, end) for start, end in asked if end - start > 1] == [
        (-24, -18), (-24, -12), (-24, 0), (-18, -12), (-12, -6), (-12, 0), (-6, 0),
    ]  # fmt: skip
    assert [start for start, end in asked if end - start < 1] == [-18, -12, -6]


@pytest.mark.parametrize("figures", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_halves_that_overlap_are_not_added_up(figures: tuple[int, int, int]) -> None:
    """A server that rounds the bounds of windows to whole days tells the runs of one day in both halves."""

    def answer(request: httpx.Request) -> httpx.Response:
        start, end = hours(request)
        return reply({}, 507) if end - start > 20 else stats(item("a", *figures))

    with pytest.raises(InvalidResponse, match="found runs in a window of a microsecond, expected none"):
        poll(answer)


def test_a_window_is_not_split_for_ever() -> None:
    """Below two minutes it is an error."""
    with pytest.raises(TooLarge):
        poll(lambda _: reply({}, 507))


# Errors


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (403, {"Message": "User is not authorized to access this resource with an explicit deny"}, Unauthorized),
        (403, {"message": "Forbidden"}, Unauthorized),
        (403, {"error": {"error_code": "RobotoLimitExceededException", "message": "x"}}, Forbidden),
        (403, b"<html>Forbidden</html>", Forbidden),
        (403, [], Forbidden),
        (401, {"message": "Unauthorized"}, Unauthorized),
        (404, {"Message": "x"}, UpstreamError),
    ],
)
def test_a_403_of_the_gateway_is_a_token_it_does_not_know(
    status: int, body: object, error: type[UpstreamError]
) -> None:
    """A 403 of Roboto itself is one of permissions."""
    with pytest.raises(error):
        poll(lambda _: reply(body, status))
