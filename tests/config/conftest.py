"""What the tests of the configuration share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from exporter.config import Settings, load_text

Load = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path) -> Load:
    """Load a text, with an environment of its own: ``read(text, NAME="value")``."""

    def load(text: str, **environ: str) -> Settings:
        variables: Mapping[str, str] = environ
        return load_text(text, variables, name="config.yaml", folder=tmp_path)

    return load
