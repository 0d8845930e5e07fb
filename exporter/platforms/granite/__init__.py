"""Granite: workflows, counted from the platform's own analytics over a window.

- ``settings``   what a user configures
- ``records``    what a response says
- ``reading``, ``turns``, ``fetch``          reading (I/O in ``fetch`` only)
- ``names``, ``figures``, ``window``, ``observe``   meaning (pure)
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

from exporter.catalogue.model import PlatformName
from exporter.errors import UpstreamError
from exporter.http import Auth, Client, HeaderAuth
from exporter.observations import Batch, Windows, WindowTotal
from exporter.platforms.base import Birth, View
from exporter.platforms.granite import fetch, observe
from exporter.platforms.granite.settings import GraniteSettings
from exporter.times import Clock, Micros


class GranitePlatform:
    """One Granite organisation, perhaps through filters."""

    name: ClassVar[PlatformName] = "granite"
    births: ClassVar[tuple[Birth, ...]] = observe.BIRTHS
    states: ClassVar[tuple[str, ...]] = ()
    listings_per_workload: ClassVar[bool] = False

    def __init__(self, settings: GraniteSettings) -> None:
        self._settings = settings

    def auth(self) -> Auth:
        """Return the key as the header that is configured."""
        return HeaderAuth(self._settings.secret.read, header=self._settings.header_name, prefix="")

    def classify(self, status: int, body: bytes) -> type[UpstreamError] | None:
        """The statuses mean what they say."""
        del status, body
        return None

    def fetch(self, client: Client, view: View, clock: Clock) -> Generator[Batch[Any, Any], None, None]:
        """Read the anchored window, and what is due besides."""
        return fetch.fetch(self._settings, client, view, clock)

    def observe(self, batch: Batch[Any, Any], now: Micros) -> Windows[WindowTotal]:
        """Say what the answers mean."""
        if not isinstance(batch, Windows):
            raise TypeError(f"Granite tells no {type(batch).__name__}")
        return observe.observe(batch, self._settings, now)


__all__ = ["GranitePlatform", "GraniteSettings"]
