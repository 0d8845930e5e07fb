"""Proxies of the environment: honoured, except for loopback; also with TLS inside TLS."""

from __future__ import annotations

import socket
import ssl
import threading

import httpcore
import httpx
import pytest
import trustme

from exporter.errors import ConfigError
from exporter.http import Proxy, is_loopback
from exporter.http.network import Network
from exporter.http.proxy import environment_proxy
from exporter.http.transport import PoolTransport
from tests.http.support import Script, read_request, server

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://api.example.com/", None),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, "https://api.example.com/", "http://proxy.example:3128"),
        ({"https_proxy": "proxy.example:3128"}, "https://api.example.com/", "http://proxy.example:3128"),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, "http://api.example.com/", None),
        ({"ALL_PROXY": "http://proxy.example:3128"}, "http://api.example.com/", "http://proxy.example:3128"),
        ({"ALL_PROXY": "http://p.example", "NO_PROXY": "example.com"}, "https://api.example.com/", None),
        ({"ALL_PROXY": "http://p.example", "NO_PROXY": "*"}, "https://api.example.com/", None),
        ({"HTTPS_PROXY": "proxy.example"}, "https://api.example.com/", "http://proxy.example:80"),
        ({"ALL_PROXY": "http://p.example"}, "http://127.0.0.1:8080/", None),
        ({"ALL_PROXY": "http://p.example"}, "http://[::1]:8080/", None),
        ({"ALL_PROXY": "http://p.example"}, "http://localhost/", None),
        ({"ALL_PROXY": "http://p.example"}, "http://sim.localhost/", None),
    ],
)
def test_the_environments_proxy(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str | None
) -> None:
    """The usual variables, in either case; loopback never goes through one."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = environment_proxy(httpx.URL(url))
    assert (found.url if found else None) == proxy


@pytest.mark.parametrize(
    "value",
    [
        "socks5://user:hidden-value@proxy.example",
        "socks5://user:hidden-value@proxy.example:1",
        "http://[hidden-value",
        "http://",
    ],
)
def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Said at start, without its password."""
    monkeypatch.setenv("ALL_PROXY", value)
    with pytest.raises(ConfigError, match=r"the proxy of the environment (is|names) no") as caught:
        environment_proxy(httpx.URL("https://api.example.com/"))
    assert "hidden-value" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("LOCALHOST", True),
        ("localhost.", True),
        ("a.localhost", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    """Both families and the reserved name."""
    assert is_loopback(host) is expected


def tunnel(inner: ssl.SSLContext, seen: list[bytes]) -> Script:
    """A proxy that is its own upstream: answers CONNECT, then speaks TLS inside the tunnel."""

    def script(connection: socket.socket, ended: threading.Event) -> None:
        seen.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = inner.wrap_bio(incoming, outgoing, server_side=True)

        def until_done(step: object) -> bytes:
            while True:
                try:
                    result = step()  # type: ignore[operator]
                except ssl.SSLWantReadError:
                    connection.sendall(outgoing.read())
                    incoming.write(connection.recv(65536))
                else:
                    connection.sendall(outgoing.read())
                    return result or b""

        until_done(tls.do_handshake)
        seen.append(until_done(lambda: tls.read(65536)))
        until_done(lambda: tls.write(OK))
        ended.wait(10)

    return script


@pytest.mark.parametrize("outer", ["http", "https"])
def test_tls_through_a_proxy(outer: str) -> None:
    """CONNECT with the proxy's own credentials; the upstream's are seen inside the tunnel only."""
    authority = trustme.CA()
    inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.example.com").configure_cert(inner)
    proxy_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(proxy_side)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    seen: list[bytes] = []
    with server(tunnel(inner, seen), context=proxy_side if outer == "https" else None) as base_url:
        network = Network()
        transport = PoolTransport(network, trusting, Proxy(base_url.replace("://", "://user:example-word@")))
        request = httpx.Request("GET", "https://api.example.com/x", headers={"Authorization": "Bearer example-token"})
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), 5.0)
        with network.deadline.within(5):
            response = transport.handle_request(request)
            assert b"".join(response.stream) == b"{}"  # type: ignore[arg-type]
            response.close()
        transport.close()
    connect, asked = seen
    assert connect.startswith(b"CONNECT api.example.com:443 ")
    assert b"Proxy-Authorization: Basic " in connect
    assert b"example-token" not in connect
    assert b"Bearer example-token" in asked
    assert b"Proxy-Authorization" not in asked


def test_a_proxy_that_refuses() -> None:
    """Its answer to CONNECT is no tunnel."""

    def script(connection: socket.socket, ended: threading.Event) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with server(script) as base_url:
        transport = PoolTransport(Network(), ssl.create_default_context(), Proxy(base_url))
        with pytest.raises(httpcore.ProxyError):
            transport.handle_request(httpx.Request("GET", "https://api.example.com/x"))
        transport.close()


def test_plain_http_through_a_proxy() -> None:
    """The absolute form of the address, as proxies want it."""
    seen: list[bytes] = []

    def script(connection: socket.socket, ended: threading.Event) -> None:
        seen.append(read_request(connection))
        connection.sendall(OK)

    with server(script) as base_url:
        transport = PoolTransport(Network(), ssl.create_default_context(), Proxy(base_url))
        response = transport.handle_request(httpx.Request("GET", "http://api.example.com/x"))
        assert response.status_code == 200
        response.close()
        transport.close()
    assert seen[0].startswith(b"GET http://api.example.com/x HTTP/1.1\r\n")
