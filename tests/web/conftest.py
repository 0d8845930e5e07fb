"""What the tests of the web share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.configuration.files import Certificates


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates that nobody changes."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Certificates of the test's own, in its folder."""
    return Certificates(tmp_path)
