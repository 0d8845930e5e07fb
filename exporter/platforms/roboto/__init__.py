"""Roboto: actions, counted from the platform's own statistics over a window.

- ``settings``  what a user configures
- ``records``   what a response says
- ``fetch``     reading (I/O)
- ``observe``   meaning (pure)
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any, ClassVar

from exporter.catalogue.model import PlatformName
from exporter.errors import Unauthorized, UpstreamError
from exporter.http import Auth, Client, HeaderAuth
from exporter.observations import Batch, Windows, WindowTotal
from exporter.platforms.base import Birth, View
from exporter.platforms.roboto import fetch, observe
from exporter.platforms.roboto.settings import RobotoSettings
from exporter.times import Clock, Micros


class RobotoPlatform:
    """One Roboto organisation."""

    name: ClassVar[PlatformName] = "roboto"
    births: ClassVar[tuple[Birth, ...]] = observe.BIRTHS
    states: ClassVar[tuple[str, ...]] = observe.STATES
    listings_per_workload: ClassVar[bool] = False

    def __init__(self, settings: RobotoSettings) -> None:
        self._settings = settings

    def auth(self) -> Auth:
        """Return the token as a header."""
        return HeaderAuth(self._settings.secret.read)

    def classify(self, status: int, body: bytes) -> type[UpstreamError] | None:
        """Tell the API gateway's 403, a token it does not know, from Roboto's own, which has an ``error``."""
        if status != 403:
            return None
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            return None
        gateway = isinstance(answer, dict) and "error" not in answer and bool({"Message", "message"} & answer.keys())
        return Unauthorized if gateway else None

    def fetch(self, client: Client, view: View, clock: Clock) -> Generator[Batch[Any, Any], None, None]:
        """Read the statistics over ``[anchor, now)``, and what a move of the anchor needs when one is due."""
        return fetch.fetch(self._settings, client, view, clock)

    def observe(self, batch: Batch[Any, Any], now: Micros) -> Windows[WindowTotal]:
        """Say what the statistics mean; they hold no times, so ``now`` does not matter."""
        del now
        if not isinstance(batch, Windows):
            raise TypeError(f"Roboto tells no {type(batch).__name__}")
        return observe.observe(batch, self._settings.selects)


__all__ = ["RobotoPlatform", "RobotoSettings"]
