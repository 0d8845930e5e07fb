"""Addresses of registries and paths of one machine are found; words that resemble them are not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import tracked


@pytest.mark.parametrize(
    "line",
    [
        "index-url = https://py" + "pi.org/simple",
        "resolved https://registry.npm" + "js.org/left-pad",
        "deb http://deb." + "debian.org/debian bookworm main",
        "wheel = files.python" + "hosted.org/x.whl",
        "cd /ro" + "ot/project",
        'path = "/ho' + 'me/someone/project"',
        "see /wo" + "rk/main",
    ],
)
def test_offence(line: str) -> None:
    """Found, with its line number."""
    assert [number for number, _ in tracked.offences(f"good\n{line}\n")] == [2]


@pytest.mark.parametrize(
    "line",
    [
        "https://example.com/homepage/",
        "/var/lib/automation-exporter/state.db",
        "network/main and artwork/main",
        "~/ro" + "ot/x and ${HOME}/wo" + "rk/x",
        "a Debian package from PyPI",
    ],
)
def test_no_offence(line: str) -> None:
    """Ordinary text passes."""
    assert list(tracked.offences(line)) == []


def test_untracked_files_count_and_ignored_ones_do_not(tmp_path: Path) -> None:
    """The check finds an offence before it is committed."""
    subprocess.run(("git", "init", "--quiet", str(tmp_path)), check=True)
    (tmp_path / ".gitignore").write_text("cache/\n")
    (tmp_path / "new.txt").write_text("x")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "x").write_text("x")
    assert tracked.tracked_files(tmp_path) == [tmp_path / ".gitignore", tmp_path / "new.txt"]
