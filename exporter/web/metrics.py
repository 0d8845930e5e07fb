"""``/metrics``: the snapshot's bytes, in the form that the client asked for.

With ``target``, ``platform`` or ``process`` in the query it is a slice of them, joined on a thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from exporter.exposition import Body, Negotiated, Rendered, Slices, negotiate
from exporter.web.headers import SECURITY_HEADERS
from exporter.web.selection import BadQueryError, NoSuchTargetError, Targets, choice_of

_NOTHING_YET: Final = b"There is no snapshot yet: the program is still starting.\n"
_LONGEST_ACCEPT: Final = 2048
"""Bytes of Accept or Accept-Encoding beyond which it counts as absent; Prometheus 3 sends about 300."""


class Metrics:
    """Sends the current snapshot: bytes that are ready, unless a form is asked for that nobody asked for lately."""

    def __init__(self, current: Callable[[], Rendered | None], slices: Slices, targets: Callable[[], Targets]) -> None:
        """Take what returns the snapshot, or None as long as there is none; its slices; and what can be asked for."""
        self._current = current
        self._slices = slices
        self._targets = targets

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer a GET or HEAD."""
        wanted = _negotiated(_value(scope, b"accept"), _value(scope, b"accept-encoding"))
        body: Body | None
        try:
            choice = choice_of(scope["query_string"], self._targets) if scope["query_string"] else None
        except (BadQueryError, NoSuchTargetError) as error:
            await _send(send, 400 if isinstance(error, BadQueryError) else 404, f"{error}\n".encode())
            return
        if choice is None:
            rendered = self._current()
            body = None if rendered is None else rendered.ready(wanted.format, gzip=wanted.gzip)
            if body is None and rendered is not None:  # nobody asked for this form for a while
                body = await run_in_threadpool(rendered.body, wanted.format, gzip=wanted.gzip)
        else:
            body = await run_in_threadpool(self._slices.body, choice, wanted.format, gzip=wanted.gzip)
        if body is None:
            await _send(send, 503, _NOTHING_YET)
        else:
            await _send(send, 200, body, wanted)


async def _send(send: Send, status: int, body: Body, wanted: Negotiated | None = None) -> None:
    content_type = "text/plain; charset=utf-8" if wanted is None else wanted.content_type
    headers = [(b"content-type", content_type.encode("ascii"))]
    if wanted is not None and wanted.gzip:
        headers.append((b"content-encoding", b"gzip"))
    headers += [(b"content-length", b"%d" % len(body)), (b"vary", b"accept, accept-encoding"), *SECURITY_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=64)
def _negotiated(accept: str | None, accept_encoding: str | None) -> Negotiated:
    return negotiate(accept, accept_encoding)


def _value(scope: Scope, wanted: bytes) -> str | None:
    """Return a header's value, its lines joined by commas; None when it is absent or too long to be meant."""
    lines = [value for name, value in scope["headers"] if name == wanted]
    joined = b", ".join(lines)
    return joined.decode("latin-1") if lines and len(joined) <= _LONGEST_ACCEPT else None
