"""What is sent, what comes back, and what never leaves the client."""

from __future__ import annotations

from collections.abc import Callable

import httpcore
import httpx
import pytest

from exporter import __version__
from exporter.errors import (
    ConnectFailed,
    InvalidResponse,
    NotFound,
    TooLarge,
    Unauthorized,
    UpstreamError,
)
from exporter.http import Settings
from tests.http.support import BASE, TOKEN, Recorder, Upstream, answer, client_of


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
