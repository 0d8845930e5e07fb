"""What these tests share: time that only moves when it is told to, and servers that misbehave to the byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from exporter.http import Budget, Client, HeaderAuth, Settings

BASE = "https://api.example.com/v1"
TOKEN = "example-token"


class FakeTime:
    """A monotonic clock; sleeping moves it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


WALL = 1_768_471_200.0
"""2026-01-15T10:00:00Z in unix seconds: our clock, where a test needs one."""


@dataclass
class Upstream:
    """Answers from a list, the last one for ever, and remembers what was asked."""

    answers: list[httpx.Response | Exception]
    time: FakeTime = field(default_factory=FakeTime)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Recorder:
    """An observer that keeps what it was told."""

    requests: list[int | str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def on_request(self, status: int | str, seconds: float) -> None:
        assert seconds >= 0
        self.requests.append(status)

    def on_wait(self, seconds: float) -> None:
        self.waits.append(seconds)


def answer(status: int, body: bytes = b"{}", headers: dict[str, str] | None = None) -> httpx.Response:
    """A response."""
    return httpx.Response(status, content=body, headers=headers)


def client_of(upstream: Upstream, *, settings: Settings | None = None, **options: object) -> Client:
    """A client on a fake upstream and fake time, with 30 s for its poll."""
    time = upstream.time
    given: dict[str, object] = {
        "settings": settings or Settings(),
        "budget": Budget(6000, clock=time.clock, wall=lambda: WALL),
        "transport": httpx.MockTransport(upstream),
        "clock": time.clock,
        "wall": lambda: WALL,
        "sleep": time.sleep,
        "auth": HeaderAuth(lambda: TOKEN),
    }
    client = Client(BASE, **(given | options))  # type: ignore[arg-type]
    client.begin(30)
    return client


Script = Callable[[socket.socket, threading.Event], None]


@contextlib.contextmanager
def server(script: Script, *, context: ssl.SSLContext | None = None, family: str = "127.0.0.1") -> Iterator[str]:
    """A loopback server that runs ``script(connection, ended)`` for each connection; gives its base URL.

    The event is set when the test is over: scripts wait on it, never for longer.
    """
    ended = threading.Event()
    listener = socket.create_server((family, 0), family=socket.AF_INET6 if ":" in family else socket.AF_INET)
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        connection.settimeout(10)
        with contextlib.suppress(OSError), connection:
            if context is None:
                script(connection, ended)
            else:
                with context.wrap_socket(connection, server_side=True) as secure:
                    script(secure, ended)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=serve, args=(connection,))
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    host = f"[{family}]" if ":" in family else family
    try:
        yield f"{'http' if context is None else 'https'}://{host}:{listener.getsockname()[1]}"
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [acceptor, *threads]:
            thread.join(10)


@contextlib.contextmanager
def full_queue(port: int = 0) -> Iterator[int]:
    """A loopback port whose queue of connections is full, so that handshakes are dropped, as by a dead host; its
    number is given."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        for _ in range(4):
            filler = opened.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def read_request(connection: socket.socket) -> bytes:
    """The head of one request, up to the blank line."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            break
        data += more
    return data


def replying(raw: bytes) -> Script:
    """Send these bytes, close."""

    def script(connection: socket.socket, ended: threading.Event) -> None:
        read_request(connection)
        connection.sendall(raw)

    return script


def dripping(head: bytes, drop: bytes) -> Script:
    """Send ``head``, then ``drop`` every 20 ms until the other side goes away."""

    def script(connection: socket.socket, ended: threading.Event) -> None:
        read_request(connection)
        connection.sendall(head)
        while not ended.wait(0.02):
            connection.sendall(drop)

    return script


def silent(connection: socket.socket, ended: threading.Event) -> None:
    """Take the request and never answer."""
    read_request(connection)
    ended.wait(10)


def look_up(monkeypatch: pytest.MonkeyPatch, result: Callable[[], object]) -> None:
    """Names resolve to ``result()``; numbers as ever."""
    real = socket.getaddrinfo

    def fake(host: str, port: int, *, type: socket.SocketKind, flags: int) -> object:
        return real(host, port, type=type, flags=flags) if flags else result()

    monkeypatch.setattr(socket, "getaddrinfo", fake)
