"""The chaos command itself: kills, restarts, faults of every kind, and nothing lost and nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.chaos.__main__ import main

pytestmark = pytest.mark.real


def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
    """Run the command; what it says is in the failure."""
    code = main([*arguments, f"--folder={tmp_path / 'lives'}"])
    said = capsys.readouterr()
    assert code == 0, f"{said.out}\n{said.err}"


def test_twenty_kills_and_every_kind_of_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two lives of ten kills; the exit code says that all totals are exact."""
    run(tmp_path, capsys, "--lives=2", "--kills=10", "--parallel=2", "--seed=1")


@pytest.mark.nightly
def test_a_hundred_and_sixty_kills_in_worlds_of_every_speed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Anchors move, ids are pruned, windows are rounded."""
    run(tmp_path, capsys, "--lives=8", "--kills=20", "--parallel=2", "--seed=2")
