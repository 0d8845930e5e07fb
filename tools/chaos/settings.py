"""The exporter's configuration in a life: paces of hours and days, so short that a life of minutes meets them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from exporter.simulated import demo_target
from exporter.simulator import Credentials
from exporter.simulator.foundry import FoundryFace
from exporter.simulator.granite import GraniteFace
from exporter.simulator.moderately import ModeratelyFace
from exporter.simulator.roboto import RobotoFace
from tools.chaos.plan import Life


class Patience(NamedTuple):
    """How long the exporter waits for its upstream. A poll may take 2 s, or half of the interval if that is more."""

    interval: float
    timeout: float


USUAL: Final = Patience(1.0, 1.5)
"""While it is killed: faults that hold an answer back for ever must not fill a life."""
MOST_IN_MS: Final = 10_000
"""Seconds from which on a duration is written in seconds: the configuration takes no more digits."""


def target_name(platform: str) -> str:
    """The name of a platform's target."""
    return f"chaos-{platform}"


def settings(life: Life, platforms: Sequence[str], base: str, state: str, patience: Patience) -> dict[str, Any]:
    """Return the configuration for a simulator at ``base``."""

    def world(seconds: float) -> str:
        return f"{max(60, round(seconds * life.speed))}s"

    def real(seconds: float) -> str:
        return f"{round(seconds * 1000)}ms" if seconds < MOST_IN_MS else f"{round(seconds)}s"

    def pause(seconds: float) -> str:
        return real(seconds * life.speed)

    prefixes: dict[str, str] = {
        face.platform: face.prefix for face in (RobotoFace, FoundryFace, GraniteFace, ModeratelyFace)
    }
    targets = [
        {**demo_target(name, base + prefixes[name], Credentials()), "name": target_name(name)}  # type: ignore[arg-type]
        for name in platforms
    ]
    pace = {
        "interval": real(patience.interval),
        "timeout": real(patience.timeout),
        "zero_hold": "1s",
        "requests_per_minute": 100_000,
        "max_response_bytes": "1MiB",
        "overlap": pause(4),
        "deep_interval": pause(1.5),
        "sweep_interval": pause(3),
        "settle": world(20),
        "max_window": world(25 if life.short_windows else 900),
        "open_run_max_age": world(60 if life.short_memory else 900),
        "memory": world(70 if life.short_memory else 910),
        "stale_after": pause(30 * max(1.0, patience.interval)),
        "forget_after": world(3000),
    }
    return {"targets": targets, "defaults": pace, "state": state}
