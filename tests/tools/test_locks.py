"""Locks know what they were compiled from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import locks

PYPROJECT = """
[build-system]
requires = ["builder"]
[project]
name = "example"
description = "An example"
requires-python = ">=3.11"
dependencies = ["one>=1"]
[project.scripts]
example = "example:main"
[dependency-groups]
test = ["two"]
[tool.linter]
strict = true
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("one>=1", "one>=2", False),
        ('"two"', '"two", "three"', False),
        ("example:main", "example:other", False),
        (">=3.11", ">=3.12", False),
        ("builder", "other-builder", False),
        ("An example", "A fine example", True),
        ("strict = true", "strict = false", True),
    ],
)
def test_fingerprint_covers_what_an_environment_holds(old: str, new: str, same: bool) -> None:
    """Dependencies, groups and scripts change it; descriptions and tool settings do not."""
    assert (locks.fingerprint(PYPROJECT) == locks.fingerprint(PYPROJECT.replace(old, new))) is same


def test_locks_are_outdated_when_missing_or_compiled_from_something_else(tmp_path: Path) -> None:
    """Each stale lock is named."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "requirements").mkdir()
    for name in ("dev.txt", "run.txt"):
        (tmp_path / "requirements" / name).write_text(locks.header(PYPROJECT) + "one==1\n")
    assert locks.outdated(tmp_path) == ["build.txt"]
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.replace("one>=1", "one>=2"))
    assert locks.outdated(tmp_path) == ["dev.txt", "run.txt", "build.txt"]


@pytest.mark.parametrize("name", locks.LOCKS)
def test_every_pin_has_hashes_and_no_address(name: str) -> None:
    """What pip's hash mode asks for, and nothing that ties the file to one registry."""
    text = (locks.ROOT / locks.FOLDER / name).read_text()
    pins = re.findall(r"^[a-z].*?(?=^[a-z]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert pins
    for pin in pins:
        assert re.match(r"[a-z0-9-]+==\S+", pin), pin
        assert "--hash=sha256:" in pin, pin
    assert "://" not in text
