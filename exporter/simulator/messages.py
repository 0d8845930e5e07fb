"""Requests and responses as plain values, between the wire (server or transport) and the faces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

Json = Any
"""A decoded JSON value. The simulator writes such values and lets faults bend them, so no narrower type fits."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a face sees it.

    ``path`` is relative to where the face is mounted and still percent-encoded; ``base`` is the URL of the
    mount as the client wrote it, so that links in an answer lead back to where the request came from.
    Header names are in lower case.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The query, decoded; of a repeated name the last."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def segments(self) -> list[str]:
        """The path's segments, each decoded on its own, so that an encoded slash stays inside its segment."""
        return [unquote(part) for part in self.path.strip("/").split("/")] if self.path.strip("/") else []

    @property
    def url(self) -> str:
        """The whole URL of the request."""
        return f"{self.base}{self.path}" + (f"?{self.query}" if self.query else "")


Delivery = Literal["whole", "drip_headers", "drip_body", "reset", "hang", "refuse", "swallow"]


@dataclass(slots=True)
class Response:
    """One response, and how its bytes are brought to the client.

    ``payload`` is written as JSON unless ``body`` is set. ``delivery`` is "whole", or one of the ways in which a
    connection goes wrong: bytes in drips (``delay`` seconds apart), a reset in the middle of the body, no
    answer at all for ``delay`` seconds, or a connection that is refused or, for ``delay`` seconds, not taken.
    """

    status: int = 200
    payload: Json = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delivery: Delivery = "whole"
    delay: float = 0.0

    def content(self) -> bytes:
        """The body's bytes."""
        if self.body is not None:
            return self.body
        if self.payload is None:
            return b""
        # ASCII escapes keep a lone surrogate writable, as the vendors' JSON writers do.
        return json.dumps(self.payload, separators=(",", ":")).encode("ascii")


def parse_json(body: bytes) -> Json:
    """The decoded body, or nothing when it is not JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None
