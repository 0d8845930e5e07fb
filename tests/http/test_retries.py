"""Retries and waits, on a fake upstream and fake time: inside the poll's time, never a storm."""

from __future__ import annotations

import random
from collections.abc import Iterator

import httpcore
import httpx
import pytest

from exporter.errors import (
    Forbidden,
    InvalidResponse,
    NotFound,
    RateLimited,
    ServerFailed,
    TimedOut,
    TooLarge,
    UpstreamError,
)
from exporter.http import Budget, Client, NoAuth, Settings
from tests.http.support import BASE, WALL, FakeTime, Recorder, Upstream, answer, client_of


@pytest.mark.parametrize("failure", [408, 429, 500, 502, 503, 504, httpcore.ReadError(), httpx.ReadTimeout("")])
def test_what_may_pass_is_tried_again(failure: int | Exception) -> None:
    """Two failures, then an answer: the caller sees the answer only."""
    bad = answer(failure) if isinstance(failure, int) else failure
    upstream = Upstream([bad, bad, answer(200, b"[1]")])
    assert client_of(upstream).get("/x").json() == [1]
    assert len(upstream.requests) == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidResponse),
        (403, Forbidden),
        (404, NotFound),
        (501, ServerFailed),
        (507, TooLarge),
        (301, InvalidResponse),
    ],
)
def test_what_stays_is_asked_once(status: int, kind: type[UpstreamError]) -> None:
    """No retry can mend these."""
    upstream = Upstream([answer(status)])
    with pytest.raises(kind) as caught:
        client_of(upstream).get("/x")
    assert caught.value.status == status
    assert len(upstream.requests) == 1


def test_retries_end() -> None:
    """Four tries in all, waits with full jitter below 1, 2 and 4 s, then the error."""
    upstream = Upstream([answer(500)])
    recorder = Recorder()
    with pytest.raises(ServerFailed, match=r"GET https://api.example.com:443/v1/x: found HTTP 500, expected HTTP 200"):
        client_of(upstream, observer=recorder).get("/x", params={"q": "hidden"})
    assert recorder.requests == [500] * 4
    assert len(upstream.time.slept) == 3
    assert all(0 <= wait <= ceiling for wait, ceiling in zip(upstream.time.slept, (1, 2, 4), strict=True))
    assert recorder.waits == upstream.time.slept


def test_jitter_is_full() -> None:
    """Over many first retries the waits fill the whole second."""
    waits = []
    for seed in range(200):
        upstream = Upstream([answer(500), answer(200)])
        client_of(upstream, rng=random.Random(seed)).get("/x")
        waits += upstream.time.slept
    assert min(waits) < 0.05
    assert max(waits) > 0.95


@pytest.mark.parametrize("retries", [0, 1])
def test_a_poll_may_have_fewer_retries(retries: int) -> None:
    """A probe has none."""
    upstream = Upstream([answer(500)])
    client = client_of(upstream)
    client.begin(30, retries=retries)
    with pytest.raises(ServerFailed):
        client.get("/x")
    assert len(upstream.requests) == 1 + retries


def test_the_retries_of_a_poll_are_bounded() -> None:
    """A hundred routines on an upstream in trouble: a hundred requests and five retries; a new poll starts anew."""
    upstream = Upstream([answer(500)])
    client = client_of(upstream, settings=Settings(retries_per_poll=5))
    for _ in range(100):
        with pytest.raises(ServerFailed):
            client.get("/x")
    assert len(upstream.requests) == 105
    client.begin(30)
    with pytest.raises(ServerFailed):
        client.get("/x")
    assert len(upstream.requests) == 109


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Thu, 15 Jan 2026 10:00:09 GMT"}, 9.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "2500"}, 2.5),
        ({"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1768471212"}, 12.0),
    ],
)
def test_the_wait_that_was_asked_for_is_kept(headers: dict[str, str], wait: float) -> None:
    """Seconds, date, milliseconds, and the quota's end when a 429 says nothing else."""
    upstream = Upstream([answer(429, headers=headers), answer(200)])
    client_of(upstream).get("/x")
    assert sum(upstream.time.slept) == pytest.approx(wait)


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (503, ServerFailed)])
def test_a_wait_that_does_not_fit_is_told_at_once(status: int, kind: type[UpstreamError]) -> None:
    """No thread waits for what the poll cannot reach; the budget remembers for everyone."""
    upstream = Upstream([answer(status, headers={"Retry-After": "120"})])
    client = client_of(upstream)
    with pytest.raises(kind) as caught:
        client.get("/x")
    assert caught.value.retry_after == 120
    assert upstream.time.slept == []
    assert client.budget.backoff_seconds == pytest.approx(120)
    with pytest.raises(RateLimited, match=r"GET .*/v1/y: no request allowed for 120 s: the upstream asked for a pause"):
        client.get("/y")
    assert len(upstream.requests) == 1


def test_retry_after_zero_is_no_invitation_to_hammer() -> None:
    """The jitter still applies."""
    upstream = Upstream([answer(429, headers={"Retry-After": "0"}), answer(200)])
    client_of(upstream).get("/x")
    assert sum(upstream.time.slept) > 0


def test_a_429_without_hint_slows_everyone_down() -> None:
    """The wait before the retry holds for the whole budget."""
    upstream = Upstream([answer(429)])
    pauses: list[float] = []

    class Watched(Budget):
        def pause(self, seconds: float) -> None:
            pauses.append(seconds)
            super().pause(seconds)

    budget = Watched(6000, clock=upstream.time.clock)
    with pytest.raises(RateLimited, match="found HTTP 429, expected fewer requests"):
        client_of(upstream, budget=budget).get("/x")
    assert len(pauses) == 3


def test_two_targets_with_one_credential_share_the_pause() -> None:
    """What one was told holds for the other."""
    upstream = Upstream([answer(429, headers={"Retry-After": "120"})])
    budget = Budget(clock=upstream.time.clock)
    first, second = client_of(upstream, budget=budget), client_of(upstream, budget=budget)
    for client in (first, second):
        with pytest.raises(RateLimited):
            client.get("/x")
    assert len(upstream.requests) == 1


def test_every_request_passes_the_budget() -> None:
    """Retries too; the wait is told to the observer."""
    upstream = Upstream([answer(500)])
    recorder = Recorder()
    budget = Budget(2, clock=upstream.time.clock)
    client = client_of(upstream, budget=budget, observer=recorder)
    client.begin(1000)
    with pytest.raises(ServerFailed):
        client.get("/x")
    assert len(upstream.requests) == 4
    assert sum(recorder.waits) == pytest.approx(60, abs=8)


def test_announced_quotas_reach_the_budget() -> None:
    """From good answers and bad ones."""
    quota = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "60", "X-RateLimit-Reset": "1768474800"}
    upstream = Upstream([answer(404, headers=quota)])
    client = client_of(upstream)
    with pytest.raises(NotFound):
        client.get("/x")
    budget = client.budget
    assert (budget.quota_limit, budget.quota_remaining, budget.quota_reset) == (100, 60, WALL + 3600)


def test_the_polls_time_bounds_everything() -> None:
    """Each try gets what is left; when nothing is, nothing is sent."""
    timeouts: list[float] = []
    time = FakeTime()

    def slow(request: httpx.Request) -> httpx.Response:
        seconds = request.extensions["timeout"]["read"]
        timeouts.append(seconds)
        time.now += seconds
        raise httpx.ReadTimeout("")

    client = client_of(Upstream([], time), transport=httpx.MockTransport(slow))
    client.begin(20)
    with pytest.raises(TimedOut, match="no complete answer in time"):
        client.get("/x")
    assert timeouts[0] == 15
    assert sum(timeouts) <= 20.001
    time.now += 20
    assert client.time_left == 0.0
    with pytest.raises(TimedOut, match="the poll's time was over before the request could be sent"):
        client.get("/x")


def test_time_is_checked_between_chunks() -> None:
    """An in-process upstream that drips is cut off too."""
    upstream = Upstream([])

    class Dripping(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                upstream.time.now += 1
                yield b" "

    client = client_of(upstream, transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=Dripping())))
    client.begin(100, retries=0)
    with pytest.raises(TimedOut, match=r"GET .*/v1/x: no complete answer in time"):
        client.get("/x")


def test_a_client_without_poll_waits_no_longer_than_its_timeout() -> None:
    """Before the first begin there is no poll to bound it."""
    time = FakeTime()
    budget = Budget(clock=time.clock)
    budget.pause(16)
    client = Client(
        BASE, NoAuth(), budget=budget, transport=httpx.MockTransport(lambda _: answer(200)), clock=time.clock
    )
    assert client.time_left == float("inf")
    with pytest.raises(RateLimited):
        client.get("/x")
