"""Stopping: whatever a thread waits for, abort brings it back within a second."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

from exporter.errors import ConnectFailed, UpstreamError
from exporter.http import Client, NoAuth, Settings
from tests.http.support import Script, dripping, look_up, replying, server, silent

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "script",
    [silent, dripping(OK + b"Content-Length: 100000\r\n\r\n", b" ")],
    ids=["headers", "body"],
)
@pytest.mark.parametrize("end", [Client.abort, Client.close], ids=["abort", "close"])
def test_abort_wakes_a_blocked_read(script: Script, end: Callable[[Client], None]) -> None:
    """SIGTERM during a request: the thread is back within a second, with no retry."""
    reached = threading.Event()

    def watched(connection: socket.socket, ended: threading.Event) -> None:
        reached.set()
        script(connection, ended)

    with server(watched) as base_url:
        client = Client(base_url, NoAuth(), settings=Settings(timeout=30))
        client.begin(60)
        error, took = ended_by(client, reached, end)
        client.close()
    assert type(error) is ConnectFailed
    assert "stopped, the program is ending" in str(error)
    assert took < 1


def test_abort_wakes_a_connect() -> None:
    """The handshake is never answered; the thread must not wait for the timeout."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(address)
            client = Client(f"http://127.0.0.1:{address[1]}", NoAuth(), settings=Settings(timeout=30))
            client.begin(60)
            error, took = ended_by(client, None, Client.abort)
            client.close()
        finally:
            for filler in fillers:
                filler.close()
    assert "stopped, the program is ending" in str(error)
    assert took < 1


def test_abort_wakes_a_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor for a resolver."""
    ended = threading.Event()
    reached = threading.Event()
    look_up(monkeypatch, lambda: [reached.set(), ended.wait(10)])  # type: ignore[func-returns-value]
    client = Client("http://slow.example", NoAuth(), settings=Settings(timeout=30))
    client.begin(60)
    error, took = ended_by(client, reached, Client.abort)
    ended.set()
    client.close()
    assert "stopped, the program is ending" in str(error)
    assert took < 1


def test_abort_wakes_a_wait_before_a_retry() -> None:
    """The upstream asked for 20 s."""
    told = replying(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n")
    waiting = threading.Event()

    class Told:
        def on_request(self, status: int | str, seconds: float) -> None:
            return

        def on_wait(self, seconds: float) -> None:
            waiting.set()

    with server(told) as base_url:
        client = Client(base_url, NoAuth(), settings=Settings(timeout=30), observer=Told())
        client.begin(60)
        error, took = ended_by(client, waiting, Client.abort)
        client.close()
    assert "stopped, the program is ending" in str(error)
    assert took < 1


def ended_by(
    client: Client, reached: threading.Event | None, end: Callable[[Client], None]
) -> tuple[BaseException | None, float]:
    """Run a request on a thread, end it when ``reached``; the error and the seconds until it came."""
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            client.get("/x")
        except UpstreamError as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    if reached is None:
        thread.join(0.2)  # nothing tells when a connect blocks; too early an end is tested as well
    else:
        assert reached.wait(10)
    started = time.monotonic()
    end(client)
    thread.join(10)
    return (caught[0] if caught else None), time.monotonic() - started
