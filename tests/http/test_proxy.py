"""A target's own proxy: taken before the environment's, switched off, and silent about its credentials."""

from __future__ import annotations

import base64
import copy
import socket
import threading

import httpx
import pytest

from exporter.errors import ConnectFailed
from exporter.http import Client, HeaderAuth, Proxy, Settings
from exporter.http.proxy import DIRECT, Choice, proxy_for
from exporter.redaction import redact
from tests.http.support import TOKEN, read_request, server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
WORD = "hidden-value/with@signs"
WRITTEN = "hidden-value%2Fwith%40signs"


@pytest.mark.parametrize(
    ("text", "shown", "auth"),
    [
        ("http://proxy.example", "http://proxy.example:80", None),
        ("https://Proxy.example/", "https://proxy.example:443", None),
        ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128", None),
        (f"http://user:{WRITTEN}@proxy.example:3128", "http://proxy.example:3128", (b"user", WORD.encode())),
        (f"http://{WRITTEN}@proxy.example", "http://proxy.example:80", (WORD.encode(), b"")),
        ("http://user:@proxy.example", "http://proxy.example:80", (b"user", b"")),
    ],
)
def test_what_is_read(text: str, shown: str, auth: tuple[bytes, bytes] | None) -> None:
    """Address and credentials, percent-encoding undone; written again it says the same."""
    proxy = Proxy(text)
    assert (proxy.shown, proxy.raw_auth) == (shown, auth)
    assert Proxy(proxy.url) == proxy


@pytest.mark.parametrize(
    "text",
    [
        "proxy.example:3128",
        "socks5://user:hidden-value@proxy.example",
        "socks5://user:hidden-value@proxy.example:1080",
        "ftp://127.0.0.1:1",
        "//user:hidden-value@proxy.example:3128",
        "http://user:hidden-value@proxy.example:0",
        "http://user:hidden-value@",
        "http://user:hidden-value@pro xy",
        "http://user:hidden-value@proxy.example:port",
        "http://user:hidden-value@proxy.example/path",
        "http://proxy.example?hidden-value",
        "http://[hidden-value",
        "",
    ],
)
def test_what_is_none(text: str) -> None:
    """Refused in words that repeat nothing."""
    with pytest.raises(ValueError, match=r"^(is|has|names) ") as caught:
        Proxy(text)
    assert "hidden-value" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_nothing_shows_its_credentials() -> None:
    """By no way into a text; and what a library writes is blanked."""
    proxy = Proxy(f"http://user:{WRITTEN}@proxy.example:3128")
    settings = Settings(proxy=proxy)
    encoded = base64.b64encode(f"user:{WORD}".encode()).decode()
    for text in (repr(proxy), str(proxy), f"{proxy}", repr(settings), repr([copy.copy(proxy)])):
        assert "hidden-value" not in text
        assert "proxy.example:3128" in text
    for text in (proxy.url, WORD, encoded, f"Proxy-Authorization: Basic {encoded}"):
        assert "hidden-value" not in redact(text)
        assert encoded not in redact(text)


def test_two_are_equal_when_their_credentials_are() -> None:
    """So that a reload sees a new password."""
    assert Proxy("http://user:example-one@proxy.example") == Proxy("http://user:example-one@proxy.example:80/")
    assert Proxy("http://user:example-one@proxy.example") != Proxy("http://user:example-two@proxy.example")
    assert Proxy("http://proxy.example") != "http://proxy.example:80"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, "http://environment.example:80"),
        (DIRECT, None),
        (Proxy("http://own.example:3128"), "http://own.example:3128"),
    ],
)
def test_a_targets_own_comes_before_the_environments(
    monkeypatch: pytest.MonkeyPatch, choice: Choice, expected: str | None
) -> None:
    """``off`` is none at all."""
    monkeypatch.setenv("ALL_PROXY", "http://environment.example")
    monkeypatch.setenv("NO_PROXY", "")
    found = proxy_for(httpx.URL("https://api.example.com/"), choice)
    assert (found.shown if found else None) == expected


def test_requests_go_through_it() -> None:
    """With its credentials; the upstream's own follow only inside the request."""
    seen: list[bytes] = []

    def script(connection: socket.socket, ended: threading.Event) -> None:
        seen.append(read_request(connection))
        connection.sendall(OK)

    with server(script) as base_url:
        proxy = Proxy(base_url.replace("://", f"://user:{WRITTEN}@"))
        client = Client("http://api.example.com", HeaderAuth(lambda: TOKEN), settings=Settings(proxy=proxy))
        assert client.get("/x").json() == {}
        client.close()
    assert seen[0].startswith(b"GET http://api.example.com/x HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic " + base64.b64encode(f"user:{WORD}".encode()) in seen[0]


def test_a_proxy_that_is_not_there_holds_nobody() -> None:
    """The deadline is the request's, and the message says where it failed: not at the upstream."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = Settings(proxy=Proxy(f"http://user:hidden-value@127.0.0.1:{port}"), retries=0)
    client = Client("https://api.example.com", HeaderAuth(lambda: TOKEN), settings=settings)
    with pytest.raises(ConnectFailed, match=rf"^GET .+: proxy 127\.0\.0\.1:{port}: connection refused$") as caught:
        client.get("/x")
    client.close()
    assert "hidden-value" not in str(caught.value)


def test_what_fails_behind_a_proxy_is_not_the_proxys_fault() -> None:
    """It was reached, and cut the connection off while it was asked for the upstream's answer."""

    def script(connection: socket.socket, ended: threading.Event) -> None:
        del ended
        read_request(connection)

    with server(script) as base_url:
        settings = Settings(proxy=Proxy(base_url), retries=0)
        client = Client("http://api.example.com", HeaderAuth(lambda: TOKEN), settings=settings)
        with pytest.raises(ConnectFailed, match="closed before the answer was complete") as caught:
            client.get("/x")
        client.close()
    assert "proxy" not in str(caught.value)
