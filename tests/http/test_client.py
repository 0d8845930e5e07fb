"""The client's decisions, on a fake upstream and fake time: retries, waits, credentials, limits."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import httpcore
import httpx
import pytest

from exporter import __version__
from exporter.errors import (
    ConnectFailed,
    Forbidden,
    InvalidResponse,
    NotFound,
    RateLimited,
    ServerFailed,
    TimedOut,
    TooLarge,
    Unauthorized,
    UpstreamError,
)
from exporter.http import Budget, Client, HeaderAuth, NoAuth, Settings
from tests.http.support import BASE, TOKEN, WALL, FakeTime, Recorder, Upstream, answer, client_of


def test_a_reply() -> None:
    """Status, headers, body, the upstream's time; its repr shows none of the payload."""
    upstream = Upstream([answer(200, b'{"a": 1}', headers={"Date": "Thu, 15 Jan 2026 10:00:00 GMT"})])
    reply = client_of(upstream).get("/x", params={"q": "hidden-value"})
    assert (reply.status, reply.json(), reply.date) == (200, {"a": 1}, 1_768_471_200_000_000)
    assert reply.url == f"{BASE}/x?q=hidden-value"
    assert "hidden-value" not in repr(reply)


def test_what_is_sent() -> None:
    """Version in the User-Agent, only encodings we unpack, the credentials, the caller's own headers."""
    upstream = Upstream([answer(200)])
    client_of(upstream).get("/x", headers={"Accept": "text/plain", "X-Version": "7"})
    sent = upstream.requests[0].headers
    assert sent["user-agent"] == f"automation-exporter/{__version__}"
    assert sent["accept-encoding"] == "gzip, deflate"
    assert sent["authorization"] == f"Bearer {TOKEN}"
    assert (sent["accept"], sent["x-version"]) == ("text/plain", "7")
    assert "cookie" not in sent


def test_post_sends_json() -> None:
    """Compact, ASCII, with its type."""
    upstream = Upstream([answer(200)])
    client_of(upstream).post("/query", json={"a": ["ü", 1]})
    request = upstream.requests[0]
    assert (request.method, request.content) == ("POST", b'{"a":["\\u00fc",1]}')
    assert request.headers["content-type"] == "application/json"


def test_no_cookies_are_kept() -> None:
    """An upstream cannot make us carry anything."""
    upstream = Upstream([answer(200, headers={"Set-Cookie": "a=b; Path=/"})])
    client = client_of(upstream)
    client.get("/x")
    client.get("/x")
    assert "cookie" not in upstream.requests[1].headers


def test_a_link_to_another_host_is_never_asked() -> None:
    """Refused before anything is sent."""
    upstream = Upstream([answer(200, b'{"next_link": "https://evil.example/2"}')])
    client = client_of(upstream)
    reply = client.get("/x")
    with pytest.raises(InvalidResponse, match=r"points to another host: found https://evil.example:443, allowed"):
        client.get(reply.json()["next_link"])
    with pytest.raises(InvalidResponse, match="another host"):
        client.link(reply, "https://evil.example/2")
    assert len(upstream.requests) == 1
    assert client.link(reply, "?after=2") == f"{BASE}/x?after=2"
    assert client.origin == "https://api.example.com:443"


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


class Reads:
    """A source of the token that counts."""

    count = 0

    def __call__(self) -> str:
        self.count += 1
        return TOKEN


def test_a_new_credential_is_tried_once() -> None:
    """401, read again, done."""
    upstream = Upstream([answer(401), answer(200)])
    secrets = iter(["example-old", "example-new"])
    client_of(upstream, auth=HeaderAuth(lambda: next(secrets))).get("/x")
    sent = [request.headers["authorization"] for request in upstream.requests]
    assert sent == ["Bearer example-old", "Bearer example-new"]


def test_wrong_credentials_are_read_again_once_a_poll() -> None:
    """Two requests for the first call, one for each further; the next poll reads again."""
    upstream = Upstream([answer(401)])
    reads = Reads()
    client = client_of(upstream, auth=HeaderAuth(reads))
    for _ in range(3):
        with pytest.raises(Unauthorized, match="check the token or key"):
            client.get("/x")
    assert (len(upstream.requests), reads.count) == (4, 2)
    client.begin(30)
    with pytest.raises(Unauthorized):
        client.get("/x")
    assert (len(upstream.requests), reads.count) == (6, 3)


def test_403_reads_the_credentials_again_for_the_next_request() -> None:
    """But does not try at once: the role is missing, not the token."""
    upstream = Upstream([answer(403), answer(200)])
    reads = Reads()
    client = client_of(upstream, auth=HeaderAuth(reads))
    with pytest.raises(Forbidden):
        client.get("/x")
    assert len(upstream.requests) == 1
    client.get("/x")
    assert reads.count == 2


@pytest.mark.parametrize("secret", ["example\ntoken", "example-tökén", "example\x00token"])
def test_a_credential_that_no_header_can_carry(secret: str) -> None:
    """Refused before it is sent, and not shown."""
    upstream = Upstream([answer(200)])
    with pytest.raises(Unauthorized, match="no HTTP header can carry") as caught:
        client_of(upstream, auth=HeaderAuth(lambda: secret)).get("/x")
    assert secret not in str(caught.value)
    assert upstream.requests == []


def test_a_platform_may_read_a_status_differently() -> None:
    """Roboto's gateway says 403 for a bad token: the hook sees status and body, and its word counts first."""
    upstream = Upstream([answer(403, b'{"Message": "... explicit deny"}')])

    def classify(status: int, body: bytes) -> type[UpstreamError] | None:
        return Unauthorized if status == 403 and b"explicit deny" in body else None

    with pytest.raises(Unauthorized, match="found HTTP 403, expected valid credentials"):
        client_of(upstream, classify=classify).get("/x", expect={403})


def test_expected_statuses_are_replies() -> None:
    """A 404 may be an answer."""
    upstream = Upstream([answer(404, b'{"gone": true}')])
    assert client_of(upstream).get("/x", expect=frozenset({404})).json() == {"gone": True}


def test_an_error_body_is_never_repeated() -> None:
    """Only its code."""
    upstream = Upstream([answer(400, b'{"error": {"code": "BadRequest", "message": "hidden-value"}}')])
    with pytest.raises(InvalidResponse) as caught:
        client_of(upstream).get("/x")
    assert str(caught.value) == (
        "GET https://api.example.com:443/v1/x: found HTTP 400 (code BadRequest), expected HTTP 200"
    )


def test_a_huge_error_body_changes_nothing() -> None:
    """The status says enough."""
    upstream = Upstream([answer(404, b"x" * 1_000_000)])
    with pytest.raises(NotFound):
        client_of(upstream).get("/x")


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        (
            lambda: answer(200, b"x" * 1001),
            TooLarge,
            "found 1001 bytes announced, allowed are max_response_bytes = 1000",
        ),
        (
            lambda: answer(200, b"x", headers={"Content-Encoding": "br"}),
            InvalidResponse,
            "Content-Encoding that was not asked for",
        ),
    ],
)
def test_bodies_that_are_refused(response: Callable[[], httpx.Response], kind: type[UpstreamError], words: str) -> None:
    """The message says where it came from."""
    upstream = Upstream([response()])
    with pytest.raises(kind, match=words) as caught:
        client_of(upstream, settings=Settings(max_response_bytes=1000)).get("/x")
    assert str(caught.value).startswith("GET https://api.example.com:443/v1/x: found ")
    assert len(upstream.requests) == 1


def test_json_errors_say_where() -> None:
    """The address without its query."""
    upstream = Upstream([answer(200, b"<html>hidden-value")])
    with pytest.raises(InvalidResponse) as caught:
        client_of(upstream).get("/x", params={"q": "hidden-value"}).json()
    assert str(caught.value) == "https://api.example.com:443/v1/x: found HTML (first tag <html>), expected JSON"


def test_the_observer_hears_reasons_when_there_was_no_status() -> None:
    """For upstream_requests_total{code}."""
    recorder = Recorder()
    upstream = Upstream([httpcore.ConnectTimeout(), httpcore.ReadError(), answer(200)])
    client_of(upstream, observer=recorder).get("/x")
    assert recorder.requests == ["timeout", "connection", 200]


def test_a_mistake_of_ours_is_not_caught() -> None:
    """It has to count as "internal", not as the upstream's failure."""
    upstream = Upstream([httpx.StreamConsumed()])
    recorder = Recorder()
    with pytest.raises(httpx.StreamConsumed):
        client_of(upstream, observer=recorder).get("/x")
    assert recorder.requests == ["internal"]


def test_after_abort_nothing_is_sent() -> None:
    """Waits end, new requests fail at once, and the client says why."""
    upstream = Upstream([answer(500)])
    client = client_of(upstream)
    client.abort()
    with pytest.raises(ConnectFailed, match="stopped, the program is ending"):
        client.get("/x")
    assert client.aborted
    assert upstream.requests == []


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
