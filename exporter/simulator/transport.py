"""The simulator as an httpx transport: the same answers without a socket, on any clock.

What a connection does wrong becomes the exception that httpx would raise. Waiting takes no real time: an answer
that is slower than the request's read timeout is a ``ReadTimeout`` at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NoReturn

import httpx

from exporter.simulator.messages import Request, Response


class SimulatorTransport(httpx.BaseTransport):
    """Answers every host, so that a test sees a request to a foreign host as answered by nobody: see ``hosts``.

    ``hosts`` is the set of hosts this transport stands for; a request to any other raises ``ConnectError`` and
    is kept in ``strays``.
    """

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
        timeout = request.extensions.get("timeout", {}).get("read")
        match response.delivery:
            case "refuse":
                raise httpx.ConnectError("connection refused", request=request)
            case "hang" | "drip_headers" if timeout is not None and response.delay >= timeout:
                raise httpx.ReadTimeout("no answer in time", request=request)
            case "reset":
                return self._answer(request, response, _broken_stream(response.content(), request))
            case _:
                return self._answer(request, response, None)

    def _answer(
        self, request: httpx.Request, response: Response, stream: httpx.SyncByteStream | None
    ) -> httpx.Response:
        headers = {"Content-Type": "application/json", **response.headers}
        if stream is not None:
            headers["Content-Length"] = str(len(response.content()))
            return httpx.Response(response.status, headers=headers, stream=stream, request=request)
        return httpx.Response(response.status, headers=headers, stream=_Body(response.content()), request=request)


class _Body(httpx.SyncByteStream):
    """A whole body, streamed, so that clients that read in chunks do."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), 65536):
            yield self._content[start : start + 65536]


class _Broken(httpx.SyncByteStream):
    def __init__(self, content: bytes, request: httpx.Request) -> None:
        self._content = content
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        yield self._content[: len(self._content) // 2]
        self._fail()

    def _fail(self) -> NoReturn:
        raise httpx.ReadError("connection reset by peer", request=self._request)


def _broken_stream(content: bytes, request: httpx.Request) -> httpx.SyncByteStream:
    return _Broken(content, request)
