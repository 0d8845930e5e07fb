"""What is not in the configuration file: where from, where to, with whose answers and whose clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from exporter.config import EVERYTHING, Settings, Shard
from exporter.platforms.settings import TargetSettings
from exporter.times import Clock, SystemClock
from exporter.web.address import Address
from exporter.web.connections import MOST

if TYPE_CHECKING:
    from exporter.web.configuration import WebConfiguration

Transports = Callable[[TargetSettings], httpx.BaseTransport | None]
"""What carries a target's requests; None for the network."""


def network(settings: TargetSettings) -> None:
    """Every target talks to its upstream over the network."""
    del settings


@dataclass(frozen=True, slots=True)
class Options:
    """How to run the service."""

    listen: Address
    state: Path
    state_reset: bool = False
    """Start with an empty state; the old file is moved aside."""
    openmetrics_created: bool = False
    """Whether OpenMetrics tells when each series was born."""
    read_settings: Callable[[], Settings] | None = None
    """Reads the configuration anew, for reloads; None when there is no file."""
    config_changed: Callable[[], bool] | None = None
    """Says whether the configuration is to be read anew: it changed, is gone or is back. None when nobody looks."""
    web_configuration: WebConfiguration | None = None
    """TLS, users and a rate limit for whoever asks."""
    health_listen: Address | None = None
    """Where to say how things are besides, without TLS and authentication."""
    connections: int = MOST
    """How many may be open at a time."""
    lifecycle: bool = False
    """Whether ``POST /-/reload`` works."""
    shard: Shard = EVERYTHING
    """Which of the targets are polled here."""
    transports: Transports = network
    clock: Clock = field(default_factory=SystemClock)


@dataclass(frozen=True, slots=True)
class Once:
    """How to poll once. Without ``state`` nothing is kept: levels, and counters at 0.

    ``only`` limits it to targets of these names.
    """

    state: Path | None = None
    only: tuple[str, ...] = ()
    transports: Transports = network
    clock: Clock = field(default_factory=SystemClock)
