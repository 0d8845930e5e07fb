"""What a request gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from exporter.errors import InvalidResponse
from exporter.http.body import parse_json
from exporter.http.urls import shown


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer. Its repr shows the status only: the rest is payload.

    ``date`` is the upstream's ``Date`` header in integer microseconds since the epoch, None when missing or
    unreadable. ``url`` is the address that was asked, query included: the base of relative links.
    """

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    date: int | None = None
    url: str = field(default="", repr=False)

    def json(self) -> Any:
        """The body as JSON: see ``body.parse_json``. Raises InvalidResponse, which says where it came from."""
        try:
            return parse_json(self.body)
        except InvalidResponse as error:
            where = f"{shown(httpx.URL(self.url))}: " if self.url else ""
            raise InvalidResponse(f"{where}{error}", status=self.status) from None
