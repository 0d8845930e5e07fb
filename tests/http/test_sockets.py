"""Real sockets on loopback: what drips, breaks, is refused or never answers must not hold a thread."""

from __future__ import annotations

import gzip
import os
import socket
import struct
import threading
import time

import pytest

from exporter.errors import ConnectFailed, InvalidResponse, TimedOut, TooLarge, UpstreamError
from exporter.http import Client, NoAuth, Settings
from tests.http.support import Script, dripping, full_queue, look_up, read_request, replying, server, silent

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
FAST = Settings(timeout=0.4, max_response_bytes=10_000)


def failure_of(base_url: str, settings: Settings = FAST) -> UpstreamError:
    """The error of one request without retries."""
    client = Client(base_url, NoAuth(), settings=settings)
    try:
        client.begin(20, retries=0)
        with pytest.raises(UpstreamError) as caught:
            client.get("/x")
        return caught.value
    finally:
        client.close()


@pytest.mark.parametrize(
    "script",
    [
        silent,
        dripping(OK, b"X-Drip: 1\r\n"),
        dripping(b"", b"H"),
        dripping(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        dripping(OK + b"Content-Length: 9000\r\n\r\n", b" "),
        dripping(CHUNKED, b"1\r\n \r\n"),
        dripping(CHUNKED + b"1", b";a=b"),
    ],
    ids=["silence", "headers", "status-line", "early-hints", "body", "chunks", "chunk-extension"],
)
def test_what_drips_is_cut_off_at_the_deadline(script: Script) -> None:
    """Every byte comes well within a read timeout, and yet the request ends in time."""
    with server(script) as base_url:
        started = time.monotonic()
        error = failure_of(base_url)
        took = time.monotonic() - started
    assert type(error) is TimedOut
    assert 0.3 < took < 1.5


def reset(connection: socket.socket, ended: threading.Event) -> None:
    read_request(connection)
    connection.sendall(OK + b"Content-Length: 100\r\n\r\n{")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (reset, ConnectFailed, "connection reset by peer"),
        (replying(OK + b"Content-Length: 100\r\n\r\n{"), ConnectFailed, "closed before the answer was complete"),
        (replying(CHUNKED + b"5\r\n{"), ConnectFailed, "closed before the answer was complete"),
        (replying(b""), ConnectFailed, "closed before the answer was complete"),
        (replying(b"SSH-2.0-OpenSSH\r\n\r\n"), InvalidResponse, "found no valid HTTP"),
        (replying(OK + b"X: " + b"y" * 300_000 + b"\r\n\r\n"), InvalidResponse, "found no valid HTTP"),
        (replying(OK + b"X: y\r\n" * 50_000 + b"\r\n"), InvalidResponse, "found no valid HTTP"),
        (replying(OK + b"Content-Length: 10001\r\n\r\n"), TooLarge, "found 10001 bytes announced"),
        (replying(OK + b"\r\n" + b" " * 20_000), TooLarge, "found more than 10000 bytes, allowed are"),
        (replying(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(5_000_000))), TooLarge, "unpacked"),
        (replying(OK + b"Content-Encoding: gzip\r\n\r\nno gzip"), InvalidResponse, "broken compressed body"),
    ],
)
def test_broken_answers(script: Script, kind: type[UpstreamError], words: str) -> None:
    """Each has its kind and its words."""
    with server(script) as base_url:
        error = failure_of(base_url, Settings(timeout=5, max_response_bytes=10_000))
    assert type(error) is kind
    assert words in str(error)


def test_refused() -> None:
    """Nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = failure_of(f"http://127.0.0.1:{port}")
    assert type(error) is ConnectFailed
    assert str(error) == f"GET http://127.0.0.1:{port}/x: connection refused"


def test_no_answer_to_a_connect() -> None:
    """A full backlog drops the handshake like a dead host does."""
    with full_queue() as port:
        error = failure_of(f"http://127.0.0.1:{port}")
    assert type(error) is TimedOut
    assert str(error).endswith("no connection in time")


def test_a_host_without_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver says no."""
    look_up(monkeypatch, lambda: (_ for _ in ()).throw(socket.gaierror(-2, "Name or service not known")))
    error = failure_of("http://nowhere.example")
    assert str(error) == "GET http://nowhere.example:80/x: the host name was not resolved"


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "double..dot.example"])
def test_a_name_that_no_host_may_have(host: str) -> None:
    """Labels have 1 to 63 characters."""
    error = failure_of(f"http://{host}")
    assert type(error) is ConnectFailed
    assert str(error).endswith("the host name was not resolved")


def test_a_family_that_the_machine_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address is told, no socket is to be had."""
    look_up(monkeypatch, lambda: [(99, socket.SOCK_STREAM, 6, "", ("x", 1))])
    error = failure_of("http://odd.example")
    assert type(error) is ConnectFailed
    assert str(error).endswith("address family not supported by protocol")


def test_a_look_up_for_which_there_is_no_thread_is_a_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on processes: the next try may find one."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    error = failure_of("http://nowhere.example")
    assert type(error) is ConnectFailed
    assert str(error).endswith("the host name was not resolved")


def test_a_resolver_that_hangs_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up cannot be interrupted, so nobody waits for it beyond the deadline."""
    ended = threading.Event()
    look_up(monkeypatch, lambda: ended.wait(10))
    try:
        error = failure_of("http://slow.example")
    finally:
        ended.set()
    assert type(error) is TimedOut


def test_the_second_address_is_tried_when_the_first_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """localhost may be ::1 with nobody there."""
    with server(replying(OK + b"Content-Length: 2\r\n\r\n{}")) as base_url:
        port = int(base_url.rsplit(":", 1)[1])
        kind = (socket.SOCK_STREAM, 6, "")
        look_up(
            monkeypatch,
            lambda: [
                (socket.AF_INET6, *kind, ("::1", port, 0, 0)),
                (socket.AF_INET, *kind, ("127.0.0.1", port)),
            ],
        )
        client = Client(f"http://two.example.localhost:{port}", NoAuth())
        assert client.get("/x").json() == {}
        client.close()


@pytest.mark.parametrize("family", ["127.0.0.1", "::1"])
def test_connections_are_used_again(family: str) -> None:
    """Three requests, one connection, in both families."""
    connections: list[int] = []

    def script(connection: socket.socket, ended: threading.Event) -> None:
        connections.append(connection.fileno())
        while read_request(connection):
            connection.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    with server(script, family=family) as base_url:
        client = Client(base_url, NoAuth())
        for _ in range(3):
            assert client.get("/x").json() == {}
        client.close()
    assert len(connections) == 1


def test_an_idle_connection_that_was_closed_is_not_used() -> None:
    """The server closes after each answer without saying so: at worst one retry."""
    with server(replying(OK + b"Content-Length: 2\r\n\r\n{}")) as base_url:
        client = Client(base_url, NoAuth())
        client.begin(20, retries=1)
        for _ in range(3):
            assert client.get("/x").json() == {}
        client.close()


def test_four_requests_at_a_time() -> None:
    """A target's client serves several threads."""
    together = threading.Barrier(4, timeout=5)

    def script(connection: socket.socket, ended: threading.Event) -> None:
        read_request(connection)
        together.wait()
        connection.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    with server(script) as base_url:
        client = Client(base_url, NoAuth())
        replies: list[object] = []
        threads = [threading.Thread(target=lambda: replies.append(client.get("/x").json())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        client.close()
    assert replies == [{}] * 4


def test_no_descriptor_is_left_open() -> None:
    """Fifty failures of several kinds leave nothing behind."""
    before = len(os.listdir("/proc/self/fd"))
    for script in (reset, replying(b""), replying(OK + b"Content-Length: 100\r\n\r\n{")):
        with server(script) as base_url:
            for _ in range(15):
                failure_of(base_url)
    assert len(os.listdir("/proc/self/fd")) <= before
