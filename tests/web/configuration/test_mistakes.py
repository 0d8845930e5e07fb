"""Each mistake is a file with its exact messages: ``mistakes/NAME.yml`` and ``mistakes/NAME.txt``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from exporter.errors import ConfigError
from exporter.web.configuration import read
from tests.web.configuration.files import Certificates

FOLDER = Path(__file__).parent / "mistakes"
CASES = sorted(FOLDER.glob("*.yml"))


def messages(case: Path, folder: Path) -> str:
    """Return what is said about a file beside certificates, one problem a line."""
    copy = folder / case.name
    shutil.copy(case, copy)
    with pytest.raises(ConfigError) as error:
        read(copy)
    return "\n".join(error.value.problems).replace(f"{folder}/", "") + "\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_mistake_has_its_message(case: Path, made: Certificates, request: pytest.FixtureRequest) -> None:
    """All of a file's at once, in order of lines; nothing that may be a secret stands in them."""
    expected = case.with_suffix(".txt")
    found = messages(case, made.folder)
    if request.config.getoption("--update"):
        expected.write_text(found)
    assert found == expected.read_text()
    assert "not-to-be-shown" not in found
    assert "QOauhQNbBCuQDKes6eFzPe" not in found


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"web\.yml: cannot be read: No such file or directory"):
        read(tmp_path / "web.yml")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        read(tmp_path / "web.yml")


def test_a_file_that_is_nested_without_end(tmp_path: Path) -> None:
    """A mistake like any other, also while serving."""
    (tmp_path / "web.yml").write_text("[" * 20_000)
    with pytest.raises(ConfigError, match="is nested too deeply"):
        read(tmp_path / "web.yml")
