"""The reference page is what the models say."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel

from exporter.config import PLATFORMS, Settings, WorkloadRule
from exporter.config.model import Match, Objective
from tools.configuration_page import page

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_page_is_up_to_date() -> None:
    """The committed page is the generated one, whole. If not: ./run docs."""
    assert PAGE.read_text() == page()


def test_every_key_has_a_row_and_a_meaning() -> None:
    """Whatever a user can write is described."""
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", page(), flags=re.MULTILINE))
    models: tuple[type[BaseModel], ...] = (Settings, WorkloadRule, Match, Objective, *PLATFORMS.values())
    for model in models:
        for key in model.model_fields:
            assert rows.get(key), f"{model.__name__}.{key} has no meaning"
