"""What all faces have in common: a platform's wire protocol over the world.

A face is a pure function of (world, time, request). It knows its own envelopes well enough to name the parts
that faults bend: where the rows are, which of their fields are times, statuses, names and counts.
"""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

from exporter.simulator.messages import Json, Request, Response
from exporter.simulator.model import Part, Platform
from exporter.simulator.quota import Quota
from exporter.simulator.world import World

CANARY = "canary-payload"
"""Stands in every field that may hold customers' data. Wherever it turns up behind a poll, payload has leaked."""

ErrorKind = Literal["unauthorized", "forbidden", "not_found", "rate_limited", "server_error", "unavailable"]
STATUS_OF: dict[ErrorKind, int] = {
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "rate_limited": 429,
    "server_error": 500,
    "unavailable": 503,
}


class Face(ABC):
    """One platform's HTTP interface."""

    platform: ClassVar[Platform]
    prefix: ClassVar[str]
    """Where the face is mounted, such as ``/roboto``."""
    windowed: ClassVar[bool] = False
    """Whether it tells sums over windows, and not runs."""
    id_fields: ClassVar[Sequence[str]] = ()
    name_fields: ClassVar[Sequence[str]] = ()
    time_fields: ClassVar[Sequence[str]] = ()
    status_fields: ClassVar[Sequence[str]] = ()
    start_field: ClassVar[str] = ""
    end_fields: ClassVar[Sequence[str]] = ()
    """Where a run says when it ended: one field, or one for each outcome, of which the first is that of completed runs
    and the second that of failed ones."""
    count_fields: ClassVar[Sequence[str]] = ()

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked_until: int | None = None
        """Where the window ended that was asked for last, if it need not end after the answer's time."""

    @abstractmethod
    def authorized(self, request: Request, now: int) -> bool:
        """Whether the request carries credentials that are good at ``now``."""

    @abstractmethod
    def answer(self, request: Request, now: int) -> Response:
        """The answer to an authorized request."""

    @abstractmethod
    def error(self, status: int, message: str = "") -> Response:
        """An error in the vendor's own envelope."""

    @abstractmethod
    def rows(self, payload: Json) -> list[Json] | None:
        """The list of records inside a payload, itself and not a copy, or nothing when there is none."""

    @abstractmethod
    def drop_rows(self, payload: Json) -> None:
        """Take the list of records out of a payload."""

    @abstractmethod
    def link(self, payload: Json) -> str | None:
        """What leads to the next page (a token or a URL), if the payload has it."""

    @abstractmethod
    def set_link(self, payload: Json, link: str | None) -> None:
        """Write (or take away) what leads to the next page."""

    def begins(self, request: Request) -> Sequence[Part]:
        """Of which parts a reader's baseline begins with the first good answer to such a request."""
        return ("others",) if request.method == "GET" else ()

    def quota_headers(self, quota: Quota) -> dict[str, str]:
        """Headers that announce a quota; nothing where the vendor has none."""
        del quota
        return {}


def encode_cursor(*values: int | str) -> str:
    """An opaque page token."""
    return base64.urlsafe_b64encode(json.dumps(values).encode("ascii")).decode("ascii")


def decode_cursor(token: str) -> list[int | str] | None:
    """What was put into a page token, or nothing when it is not one of ours."""
    try:
        values = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        return None
    return values if isinstance(values, list) else None


def bearer(request: Request) -> str:
    """The token of the ``Authorization: Bearer`` header, or an empty string."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
