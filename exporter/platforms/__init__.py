"""The platforms, one package each; a new one is one line in ``PLATFORMS``.

``labels``, ``parsing``, ``plan``, ``trail``, ``walk`` and ``parallel`` are what platforms share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from exporter.catalogue.model import PlatformName
from exporter.platforms.base import Platform
from exporter.platforms.foundry import FoundryPlatform
from exporter.platforms.granite import GranitePlatform
from exporter.platforms.moderately import ModeratelyPlatform
from exporter.platforms.roboto import RobotoPlatform

PLATFORMS: Final[Mapping[PlatformName, Callable[[Any], Platform]]] = {
    "roboto": RobotoPlatform,
    "foundry": FoundryPlatform,
    "granite": GranitePlatform,
    "moderately": ModeratelyPlatform,
}
"""By name: what makes a platform from a target's settings. Their settings are in ``exporter.config.model``."""

__all__ = ["PLATFORMS", "Platform"]
