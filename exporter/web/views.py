"""What the status page shows, as the application tells it. Times are wall-clock microseconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from exporter.catalogue.model import PlatformName
from exporter.errors import Reason
from exporter.times import Micros

TargetState = Literal["starting", "up", "down"]
"""Of a target: no poll has finished since the start; the last finished poll was good; it was not."""


@dataclass(frozen=True, slots=True)
class ErrorView:
    """The newest error of a target; ``message`` holds neither secrets nor payloads."""

    reason: Reason
    message: str
    at: Micros


@dataclass(frozen=True, slots=True)
class TargetView:
    """One target.

    ``last_poll`` is when its last poll ended, ``data`` the time up to which what it publishes is whole
    (``automation_exporter_target_data_timestamp_seconds``). ``degraded`` names what is wrong although it is up.
    ``error`` is its newest error, also when later polls were good.
    """

    name: str
    platform: PlatformName
    state: TargetState
    last_poll: Micros | None = None
    next_poll: Micros | None = None
    data: Micros | None = None
    degraded: tuple[str, ...] = ()
    error: ErrorView | None = None


@dataclass(frozen=True, slots=True)
class StatusView:
    """The whole service. ``reload_error`` says why the newest configuration was not taken, if it was not."""

    version: str
    now: Micros
    started: Micros
    targets: tuple[TargetView, ...]
    reload_error: str | None = None
