"""What all tests share: golden files."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # a busy machine proves nothing against the program

Golden = Callable[[str], Callable[[str], None]]
"""``golden(name)(text)``: the text is what ``golden/<name>`` beside the test module holds."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update``."""
    parser.addoption("--update", action="store_true", help="write golden files anew instead of comparing with them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare texts with files; a difference is shown line by line, ``--update`` writes them."""
    folder = request.path.parent / "golden"
    update: bool = request.config.getoption("--update")

    def named(name: str) -> Callable[[str], None]:
        path = folder / name

        def compare(text: str) -> None:
            if update:
                folder.mkdir(exist_ok=True)
                path.write_bytes(text.encode())
            difference = _difference(path, text)
            if difference:
                module = request.path.relative_to(request.config.rootpath)
                pytest.fail(f"{difference}\nIf this is right: ./run test {module} --update", pytrace=False)

        return compare

    return named


def _difference(path: Path, text: str) -> str:
    # Bytes, so that no line ending is translated on the way.
    expected = path.read_bytes().decode() if path.exists() else ""
    lines = difflib.unified_diff(
        expected.splitlines(keepends=True), text.splitlines(keepends=True), str(path.name), "this run"
    )
    return "".join(lines) if expected != text else ""
