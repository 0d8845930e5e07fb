"""``/metrics``: the snapshot's bytes, in the form that the client asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from starlette.types import Receive, Scope, Send

from exporter.exposition import Negotiated, Rendered, negotiate
from exporter.web.headers import SECURITY_HEADERS

_NOTHING_YET: Final = b"There is no snapshot yet: the program is still starting.\n"
_LONGEST_ACCEPT: Final = 2048
"""Bytes of Accept or Accept-Encoding beyond which it counts as absent; Prometheus 3 sends about 300."""


class Metrics:
    """Sends the current snapshot; renders nothing, compresses nothing and waits for nobody."""

    def __init__(self, current: Callable[[], Rendered | None]) -> None:
        """Take what returns the snapshot, or None as long as there is none."""
        self._current = current

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer a GET or HEAD."""
        rendered = self._current()
        if rendered is None:
            status, body = 503, _NOTHING_YET
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
        else:
            wanted = _negotiated(_value(scope, b"accept"), _value(scope, b"accept-encoding"))
            status, body = 200, rendered.body(wanted.format, gzip=wanted.gzip)
            headers = [(b"content-type", wanted.content_type.encode("ascii"))]
            if wanted.gzip:
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
