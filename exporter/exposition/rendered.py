"""The bodies of one publication: those that clients ask for are ready, others are made when one asks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from threading import Lock
from typing import Final, NamedTuple, Self

from exporter.exposition.negotiation import Format
from exporter.times import Micros


class Form(NamedTuple):
    """One of the four forms of a body."""

    format: Format
    gzip: bool


Body = bytes | memoryview
"""Bytes that are ready. A memoryview's place is used for another body once nobody has it."""

USUAL: Final = Form("openmetrics", True)
"""What every Prometheus asks for; ready before anybody asked."""


class Rendered:
    """Bodies, all of the same content. ``at`` is when it was published. Safe to use from many threads."""

    def __init__(self, make: Callable[[Form], Body], at: Micros, wanted: Collection[Form] = ()) -> None:
        """Make the bodies that are ``wanted`` now, and keep what makes the others."""
        self.at = at
        self.asked: set[Form] = set()
        """The forms that clients have asked for."""
        self._make = make
        self._bodies: dict[Form, Body] = {form: make(form) for form in wanted}
        self._lock = Lock()

    @classmethod
    def of(cls, text: bytes, openmetrics: bytes, text_gzip: bytes, openmetrics_gzip: bytes, at: Micros = 0) -> Self:
        """Return bodies that somebody else made."""
        made = cls(lambda _form: b"", at)  # never called: all are there
        made._bodies = {
            Form("text", False): text,
            Form("openmetrics", False): openmetrics,
            Form("text", True): text_gzip,
            Form("openmetrics", True): openmetrics_gzip,
        }
        return made

    def ready(self, form: Format, *, gzip: bool) -> Body | None:
        """Return what a client asks for if it is ready; never waits. The next publications will have it ready."""
        wanted = Form(form, gzip)
        self.asked.add(wanted)
        return self._bodies.get(wanted)

    def body(self, form: Format, *, gzip: bool) -> Body:
        """Return a body, made now if it must be: not on an event loop. Many who ask at once wait for one making."""
        wanted = Form(form, gzip)
        with self._lock:
            found = self._bodies.get(wanted)
            if found is None:
                found = self._bodies[wanted] = self._make(wanted)
            return found

    @property
    def text(self) -> bytes:
        """Text 0.0.4, plain."""
        return bytes(self.body("text", gzip=False))

    @property
    def openmetrics(self) -> bytes:
        """OpenMetrics, plain."""
        return bytes(self.body("openmetrics", gzip=False))

    @property
    def text_gzip(self) -> bytes:
        """Text 0.0.4 as gzip."""
        return bytes(self.body("text", gzip=True))

    @property
    def openmetrics_gzip(self) -> bytes:
        """OpenMetrics as gzip."""
        return bytes(self.body("openmetrics", gzip=True))
