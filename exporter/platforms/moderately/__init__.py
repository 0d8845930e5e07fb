"""Moderately AI: agents, whose executions are counted one by one from the listing of a team.

- ``settings``  what a user configures
- ``records``   what a response says
- ``api``, ``names``, ``listing``, ``totals``, ``fetch``   reading (I/O)
- ``observe``   meaning (pure)
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

from exporter.catalogue.model import PlatformName
from exporter.errors import UpstreamError
from exporter.http import Auth, Client, HeaderAuth
from exporter.observations import Batch, ListingFailed, Observed, Page, Roster
from exporter.platforms.base import Birth, View
from exporter.platforms.moderately import fetch, observe
from exporter.platforms.moderately.settings import ModeratelySettings
from exporter.times import Clock, Micros


class ModeratelyPlatform:
    """One Moderately AI team."""

    name: ClassVar[PlatformName] = "moderately"
    births: ClassVar[tuple[Birth, ...]] = observe.BIRTHS
    states: ClassVar[tuple[str, ...]] = observe.STATES
    listings_per_workload: ClassVar[bool] = False

    def __init__(self, settings: ModeratelySettings) -> None:
        self._settings = settings

    def auth(self) -> Auth:
        """Return the key as a bearer token."""
        return HeaderAuth(self._settings.secret.read)

    def classify(self, status: int, body: bytes) -> type[UpstreamError] | None:
        """The statuses mean what they say."""
        del status, body
        return None

    def fetch(self, client: Client, view: View, clock: Clock) -> Generator[Batch[Any, Any], None, None]:
        """Read the agents when they are due, then the executions."""
        return fetch.fetch(self._settings, client, view, clock)

    def observe(self, batch: Batch[Any, Any], now: Micros) -> Observed:
        """Say what a batch means."""
        match batch:
            case Roster():
                return observe.observe_roster(batch, self._settings.selects)
            case Page():
                return observe.observe_page(batch, self._settings.selects, now)
            case ListingFailed():
                return batch
            case _:
                raise TypeError(f"Moderately tells no {type(batch).__name__}")


__all__ = ["ModeratelyPlatform", "ModeratelySettings"]
