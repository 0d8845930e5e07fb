"""Real servers on loopback, and clients that speak raw bytes to them."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import parse_headers
from typing import IO, Any

from starlette.types import ASGIApp

from exporter.exposition import Content, Rendered, Slices
from exporter.web.address import Address
from exporter.web.app import Sources, Verdict, application
from exporter.web.protocol import Limits
from exporter.web.selection import RunFilter
from exporter.web.server import Server
from exporter.web.views import RunsView, StatusView

DEADLINE = 10.0
"""Seconds after which a test gives up; nothing takes so long when it works."""


@contextmanager
def serving(app: ASGIApp, limits: Limits | None = None, **options: Any) -> Iterator[Server]:
    """Serve on a free port of loopback; ``options`` as of ``Server``."""
    server = Server(app, Address("127.0.0.1", 0), limits, **options)
    server.start()
    try:
        yield server
    finally:
        assert server.stop(grace=0.0)


@contextmanager
def connected(server: Server, *, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    """Connect to a server; a small ``receive_buffer`` (bytes) makes a reader that stalls early."""
    with socket.socket() as client:
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(DEADLINE)
        client.connect(server.address)
        yield client


@dataclass(frozen=True)
class Answer:
    """One response; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def read_answer(stream: IO[bytes], method: str = "GET") -> Answer:
    """Read one response to a request of this method, and not a byte more."""
    status = int(stream.readline().split()[1])
    headers = {name.lower(): value for name, value in parse_headers(stream).items()}
    expected = 0 if method == "HEAD" else int(headers["content-length"])
    body = stream.read(expected)
    assert len(body) == expected
    return Answer(status, headers, body)


def request(server: Server, method: str, path: str, **headers: str) -> Answer:
    """Make one request on a connection of its own; ``_`` in header names become ``-``."""
    lines = [f"{method} {path} HTTP/1.1", "Host: exporter.test", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    with connected(server) as client:
        client.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        with client.makefile("rb") as stream:
            answer = read_answer(stream, method)
            assert stream.read() == b""
            return answer


def is_closed(client: socket.socket) -> bool:
    """Whether the peer has closed, waiting for it for a while; everything it still sent is dropped."""
    try:
        while client.recv(65_536):
            pass
    except (ConnectionResetError, ssl.SSLError):  # over TLS an end without a farewell is an error
        return True
    except TimeoutError:
        return False
    return True


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true before the deadline."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def rendered(text: bytes = b"# text\n") -> Rendered:
    """Bodies that tell which one they are."""
    return Rendered.of(text, b"# EOF\n", b"text, compressed", b"openmetrics, compressed")


RENDERED = rendered()
WELL = Verdict(True, "All is well.")


@dataclass
class Service:
    """What the endpoints show, to be changed by a test."""

    rendered: Rendered | None = RENDERED
    content: Content | None = None
    targets: frozenset[str] = frozenset()
    healthy: Verdict = WELL
    ready: Verdict = WELL
    view: StatusView = field(default_factory=lambda: StatusView("1.2.3", now=0, started=0, targets=()))
    runs: Callable[[RunFilter], RunsView] = lambda wanted: RunsView(now=0)
    reload: Callable[[], None] | None = None

    def application(self) -> ASGIApp:
        """Return the application that serves this."""
        return application(self.sources())

    def sources(self) -> Sources:
        """Return where its answers come from."""
        return Sources(
            snapshot=lambda: self.rendered,
            slices=Slices(lambda: self.content),
            targets=lambda: self.targets,
            healthy=lambda: self.healthy,
            ready=lambda: self.ready,
            status=lambda: self.view,
            runs=self.runs,
            reload=self.reload,
        )
