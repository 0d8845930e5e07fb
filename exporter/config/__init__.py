"""The configuration: one YAML file, read once and whole, every mistake told at once.

``load`` gives ``Settings`` or raises ConfigError; ``check`` also says what is allowed but unwise. Settings are
pydantic models: those of targets stand with their platforms, those of the file in ``model``.
"""

from __future__ import annotations

from exporter.config.advice import advice
from exporter.config.loading import load, load_text
from exporter.config.model import PLATFORMS, Match, Objective, Settings, WorkloadRule
from exporter.config.state import default_state, parse_state

__all__ = [
    "PLATFORMS",
    "Match",
    "Objective",
    "Settings",
    "WorkloadRule",
    "advice",
    "default_state",
    "load",
    "load_text",
    "parse_state",
]
