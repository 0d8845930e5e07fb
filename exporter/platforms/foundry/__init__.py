"""Microsoft Foundry routines: runs counted one by one from the listing of each routine.

- ``settings``   what a user configures
- ``auth``       tokens
- ``records``    what a response says
- ``api``, ``turns``, ``fetch``              reading (I/O)
- ``schedules``, ``outcome``, ``observe``    meaning (pure)
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

from exporter.catalogue.model import PlatformName
from exporter.errors import UpstreamError
from exporter.http import Auth, Client
from exporter.observations import Batch, ListingFailed, Observed, Page, Roster
from exporter.platforms.base import Birth, View
from exporter.platforms.foundry import fetch, observe
from exporter.platforms.foundry.auth import auth_for
from exporter.platforms.foundry.settings import FoundrySettings
from exporter.times import Clock, Micros


class FoundryPlatform:
    """One Foundry project."""

    name: ClassVar[PlatformName] = "foundry"
    births: ClassVar[tuple[Birth, ...]] = observe.BIRTHS
    states: ClassVar[tuple[str, ...]] = observe.STATES
    listings_per_workload: ClassVar[bool] = True

    def __init__(self, settings: FoundrySettings) -> None:
        self._settings = settings

    def auth(self) -> Auth:
        """Return what gives tokens. Importing azure-identity is put off until the first token is asked for."""
        return auth_for(self._settings)

    def classify(self, status: int, body: bytes) -> type[UpstreamError] | None:
        """The statuses mean what they say."""
        del status, body
        return None

    def fetch(self, client: Client, view: View, clock: Clock) -> Generator[Batch[Any, Any], None, None]:
        """Read the routines, then the runs of those whose turn it is."""
        return fetch.fetch(self._settings, client, view, clock)

    def observe(self, batch: Batch[Any, Any], now: Micros) -> Observed:
        """Say what a batch means."""
        match batch:
            case Roster():
                return observe.observe_roster(batch)
            case Page():
                return observe.observe_page(batch, now)
            case ListingFailed():
                return batch
            case _:
                raise TypeError(f"Foundry tells no {type(batch).__name__}")


__all__ = ["FoundryPlatform", "FoundrySettings"]
