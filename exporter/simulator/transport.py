"""The simulator as an httpx transport: the same answers without a socket, on any clock.

What a connection does wrong becomes the exception that httpx would raise. Waiting takes no real time: an answer
that is slower than the request's read timeout is a ``ReadTimeout`` at once. A total deadline, which no single
read exceeds, needs the real server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx

from exporter.simulator.messages import Request, Response

PIECE = 65_536
"""Bytes of a body that are given at a time."""


class SimulatorTransport(httpx.BaseTransport):
    """Answers for ``hosts``; a request to any other host raises ``ConnectError`` and is kept in ``strays``."""

    def __init__(
        self,
        handle: Callable[[Request], Response],
        hosts: frozenset[str] = frozenset({"127.0.0.1", "localhost", "::1"}),
    ) -> None:
        self._handle = handle
        self._hosts = hosts
        self.strays: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if request.url.host not in self._hosts:
            self.strays.append(request)
            raise httpx.ConnectError("nobody listens there", request=request)
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        origin = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
        headers = {name.lower(): value for name, value in request.headers.items()}
        response = self._handle(Request(request.method, path, query, headers, request.read(), origin))
        timeouts = request.extensions.get("timeout", {})
        timeout, connect = timeouts.get("read"), timeouts.get("connect")
        match response.delivery:
            case "refuse":
                raise httpx.ConnectError("connection refused", request=request)
            case "swallow" if connect is not None and response.delay >= connect:
                raise httpx.ConnectTimeout("no connection in time", request=request)
            case "hang" | "drip_headers" if timeout is not None and response.delay >= timeout:
                raise httpx.ReadTimeout("no answer in time", request=request)
            case "reset":
                reset = httpx.ReadError("connection reset by peer", request=request)
                return self._answer(request, response, reset)
            case "drip_body" if timeout is not None and response.delay >= timeout:
                slow = httpx.ReadTimeout("the rest did not come in time", request=request)
                return self._answer(request, response, slow)
            case _:
                return self._answer(request, response, None)

    def _answer(
        self, request: httpx.Request, response: Response, broken: httpx.TransportError | None
    ) -> httpx.Response:
        content = response.content()
        headers = {"Content-Type": "application/json", **response.headers, "Content-Length": str(len(content))}
        stream = _Body(content, broken)
        return httpx.Response(response.status, headers=headers, stream=stream, request=request)


class _Body(httpx.SyncByteStream):
    """A body in pieces, as a socket gives it; with ``broken`` it ends in that error half way."""

    def __init__(self, content: bytes, broken: httpx.TransportError | None) -> None:
        self._content = content if broken is None else content[: len(content) // 2]
        self._broken = broken

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), PIECE):
            yield self._content[start : start + PIECE]
        if self._broken is not None:
            raise self._broken
