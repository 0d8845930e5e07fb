"""The hostile upstream: a server that knows each platform's protocol, so that its malice gets past the first look.

It answers each request of a platform with the next attack of the deck. What the attack needs of a good answer comes
from a simulator of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.simulator import Platform, Simulator
from exporter.simulator.face import Face
from exporter.simulator.messages import Request
from tests.http.support import server

Headers = Sequence[tuple[str, str]]


@dataclass
class Visit:
    """One request, and the ways to answer it."""

    connection: socket.socket
    ended: threading.Event
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base: str
    """The address of the platform as the client knows it."""
    stranger: str
    """Another origin, where nothing must ever arrive."""
    face: Face
    answer: Callable[[Request], Any]

    @property
    def credential(self) -> str:
        """The secret that the client sent."""
        return (self.headers.get("authorization") or self.headers.get("x-granite-api-key", "")).removeprefix("Bearer ")

    def payload(self) -> Any:
        """What a good upstream would have said."""
        return self.answer(Request(self.method, self.path, self.query, self.headers, self.body, self.base))

    def raw(self, *pieces: bytes) -> None:
        """Send these bytes."""
        for piece in pieces:
            self.connection.sendall(piece)

    def endless(self, piece: bytes, pause: float = 0.0) -> None:
        """Send the same again and again until the other side goes away."""
        while not self.ended.is_set():
            if pause and self.ended.wait(pause):
                return
            self.connection.sendall(piece)

    def send(self, body: bytes, headers: Headers = (), status: int = 200) -> None:
        """Send a whole answer."""
        lines = [
            f"HTTP/1.1 {status} x",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        self.raw(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogatepass"), body)

    def json(self, payload: Any, headers: Headers = (), status: int = 200) -> None:
        """Send a value; lone surrogates stay escaped."""
        self.send(json.dumps(payload).encode("ascii"), headers, status)


Attack = Callable[[Visit], None]


@dataclass
class HostileUpstream:
    """The server. ``met`` counts which attack met a request of which platform, ``secrets`` what clients sent."""

    simulator: Simulator
    deck: Mapping[str, Attack]
    base_url: str = ""
    stranger: str = ""
    met: Counter[tuple[Platform, str]] = field(default_factory=Counter)
    secrets: set[str] = field(default_factory=set)
    strays: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        faces = enumerate(self.simulator.faces)
        names = list(self.deck)
        # Each platform begins elsewhere in the deck, so that different things happen at the same time.
        self._next = {face.platform: itertools.cycle(names[7 * n :] + names[: 7 * n]) for n, face in faces}

    def endpoints(self) -> dict[Platform, str]:
        """What to configure."""
        return self.simulator.endpoints(self.base_url)

    def all_met(self, times: int = 1) -> bool:
        """Whether every attack met every platform so often."""
        with self._lock:
            return all(self.met[face.platform, name] >= times for face in self.simulator.faces for name in self.deck)

    @contextlib.contextmanager
    def serving(self) -> Iterator[HostileUpstream]:
        """Listen, and somewhere else too, where somebody waits to be sent a token."""
        with server(self._hear) as self.stranger, server(self._serve) as self.base_url:
            yield self

    def _hear(self, connection: socket.socket, ended: threading.Event) -> None:
        del ended
        self.strays.append(connection.recv(65536))

    def _serve(self, connection: socket.socket, ended: threading.Event) -> None:
        head, body = _request(connection)
        if not head:
            return
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        path, _, query = target.partition("?")
        face = next((face for face in self.simulator.faces if path.startswith(face.prefix + "/")), None)
        if face is None:
            return
        visit = Visit(
            connection,
            ended,
            method,
            path.removeprefix(face.prefix),
            query,
            headers,
            body,
            self.base_url + face.prefix,
            self.stranger,
            face,
            lambda request: self._good(face, request),
        )
        with self._lock:
            name = next(self._next[face.platform])
            self.secrets.add(visit.credential)
        try:
            self.deck[name](visit)
        finally:
            with self._lock:
                self.met[face.platform, name] += 1

    def _good(self, face: Face, request: Request) -> Any:
        with self._lock:
            return face.answer(request, self.simulator.clock()).payload


def _request(connection: socket.socket) -> tuple[str, bytes]:
    """Read one request: its head, and the body that it announces."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return "", b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    announced = [line for line in text.lower().split("\r\n") if line.startswith("content-length:")]
    length = int(announced[0].partition(":")[2]) if announced else 0
    while len(body) < length:
        body += connection.recv(65536)
    return text, body
