"""The configuration: one YAML file, read once and whole, every mistake told at once.

``load`` gives ``Settings`` or raises ConfigError; ``advice`` says what is possible but unwise. Settings are pydantic
models: those of targets stand with their platforms, those of the file in ``model``.

written.py     YAML to plain values with their lines (``variables``: what ``${NAME}`` stands for)
part.py        one target, expectation or the defaults: values, and where each was written
vendors.py     what the vendors' own environment variables fill in
loading.py     all of it together: every part checked by its model, every mistake noted
shard.py       which of the targets are this process's
messages.py    pydantic's errors in words, by the ``shape`` of the models; ``problems``: how they are shown
"""

from __future__ import annotations

from exporter.config.advice import advice
from exporter.config.loading import load, load_text
from exporter.config.model import PLATFORMS, Match, Objective, Settings, WorkloadRule, expectation
from exporter.config.shard import EVERYTHING, Shard, parse_shard
from exporter.config.state import default_state, parse_state

__all__ = [
    "EVERYTHING",
    "PLATFORMS",
    "Match",
    "Objective",
    "Settings",
    "Shard",
    "WorkloadRule",
    "advice",
    "default_state",
    "expectation",
    "load",
    "load_text",
    "parse_shard",
    "parse_state",
]
