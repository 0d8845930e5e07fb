"""The configuration file is looked at: what it says counts, not when it was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.app.watch import FileWatch


def test_a_change_is_seen_once(tmp_path: Path) -> None:
    """A file that is written again with the same text has not changed."""
    file = tmp_path / "config.yaml"
    file.write_text("a")
    watch = FileWatch(file)
    file.write_text("a")
    assert not watch.changed()
    file.write_text("b")
    assert watch.changed()
    assert not watch.changed()


def test_a_file_that_is_being_replaced_is_waited_for(tmp_path: Path) -> None:
    """It may be gone for a moment, also at the start."""
    file = tmp_path / "config.yaml"
    watch = FileWatch(file)
    assert not watch.changed()
    file.write_text("a")
    assert watch.changed()
    file.unlink()
    assert not watch.changed()
    file.write_text("a")
    assert not watch.changed()


def gone(file: Path) -> None:
    """Take it away."""
    file.unlink()


def a_folder(file: Path) -> None:
    """Put a folder in its place, as a container runtime does with a file that it cannot mount."""
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("lost", [gone, a_folder])
@pytest.mark.parametrize("text", ["a", "b"])
def test_a_file_that_stays_away_is_told_once_and_again_when_it_is_back(
    tmp_path: Path, lost: Callable[[Path], None], text: str
) -> None:
    """Back it is told even if it says the same, each time that it was lost."""
    file = tmp_path / "config.yaml"
    file.write_text("a")
    watch = FileWatch(file)
    for _ in range(2):
        lost(file)
        assert [watch.changed() for _ in range(6)] == [False, False, True, False, False, False]
        if file.is_dir():
            file.rmdir()
        file.write_text(text)
        assert [watch.changed() for _ in range(2)] == [True, False]


def test_looks_that_find_no_file_are_counted_in_a_row_only(tmp_path: Path) -> None:
    """It may be replaced again and again."""
    file = tmp_path / "config.yaml"
    file.write_text("a")
    watch = FileWatch(file)
    for _ in range(3):
        file.unlink()
        assert not watch.changed()
        assert not watch.changed()
        file.write_text("a")
        assert not watch.changed()


def test_a_mounted_configmap_changes_by_a_link(tmp_path: Path) -> None:
    """The file is a link into a folder that is a link: only the latter is replaced."""
    for number in (1, 2):
        (tmp_path / f"..{number}").mkdir()
        (tmp_path / f"..{number}" / "config.yaml").write_text(f"version: {number}")
    data = tmp_path / "..data"
    data.symlink_to("..1")
    (tmp_path / "config.yaml").symlink_to("..data/config.yaml")
    watch = FileWatch(tmp_path / "config.yaml")
    (tmp_path / "..new").symlink_to("..2")
    (tmp_path / "..new").replace(data)
    assert watch.changed()
