"""Kills and full disks, in real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.errors import StateError
from exporter.store.sqlite import SqliteStore
from exporter.store.upkeep import back_up
from tests.disks import fill, small_disk
from tests.store.kit import DONE, NOW, TODAY, commit, counted

ME = "roboto https://example.test org"

COUNTS = """
import sys
from pathlib import Path
from exporter.store.sqlite import SqliteStore
from exporter.store.upkeep import back_up
from tests.disks import fill, small_disk
from tests.store.kit import DONE, NOW, commit, counted
store = SqliteStore(Path(sys.argv[1]), NOW)
ledger = store.open_target("t", sys.argv[2], NOW, holds=False)
start = ledger.series[DONE].shown[0] if ledger.series else 0
for number in range(start + 1, start + 11):
    commit(store, counted(number))
"""


def count_in_another_process(path: Path, kill_at: str) -> int:
    """Count on, in a process that is killed at a named point; return its status."""
    environment = {**os.environ, "AUTOMATION_EXPORTER_KILL_AT": kill_at}
    return subprocess.run(
        [sys.executable, "-c", COUNTS, str(path), ME], env=environment, timeout=120, check=False
    ).returncode


@pytest.mark.parametrize(
    ("points", "counts"),
    [
        (["before_commit:1"], [0]),
        (["after_commit:1"], [1]),
        (["before_commit:4", "after_commit:4", "before_commit:1"], [3, 7, 7]),
    ],
)
def test_a_kill_leaves_what_was_committed_and_nothing_else(path: Path, points: list[str], counts: list[int]) -> None:
    for point, count in zip(points, counts, strict=True):
        assert count_in_another_process(path, point) == -signal.SIGKILL
        store = SqliteStore(path, NOW)
        ledger = store.open_target("t", ME, NOW, holds=False)
        assert (ledger.series[DONE].shown[0] if ledger.series else 0) == count
        runs = [f"run {number}" for number in range(1, 20)]
        assert ledger.remembered({TODAY: runs}) == {f"run {number}" for number in range(1, count + 1)}
        store.close()


def test_a_process_that_is_not_killed_counts_to_the_end(path: Path) -> None:
    assert count_in_another_process(path, "") == 0
    store = SqliteStore(path, NOW)
    assert store.open_target("t", ME, NOW, holds=False).series[DONE].shown == (10,)
    store.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte."""
    with small_disk(tmp_path / "disk") as folder:
        yield folder


def test_a_full_disk_loses_nothing_and_room_is_enough_to_go_on(small: Path) -> None:
    path = small / "state.db"
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, counted(1))
    ballast = fill(small)
    committed = 1
    with pytest.raises(StateError, match=r"full|disk I/O error"):  # noqa: PT012 (the journal may have had room left)
        for number in range(2, 100):
            commit(store, counted(number))
            committed = number
    for _ in range(3):
        with pytest.raises(StateError):
            commit(store, counted(1000))
        assert store.ledger("t").series[DONE].shown == (committed,)
    ballast.unlink()
    commit(store, counted(committed + 1))
    assert store.ledger("t").series[DONE].shown == (committed + 1,)
    assert not store.ledger("t").remembered({TODAY: ["run 1000"]})
    store.close()
    again = SqliteStore(path, NOW)
    assert again.open_target("t", ME, NOW, holds=False).series[DONE].shown == (committed + 1,)
    again.close()


def test_a_copy_to_a_full_disk_leaves_nothing_behind(small: Path, tmp_path: Path) -> None:
    """Half a copy would be taken for a whole one."""
    path = tmp_path / "state.db"
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, counted(1))
    store.close()
    ballast = fill(small)
    with pytest.raises(StateError, match=rf"^{path}: cannot be copied to {small}/copy.db \(.*full.*\)$"):
        back_up(path, small / "copy.db")
    assert [file.name for file in small.iterdir()] == [ballast.name]
    ballast.unlink()
    back_up(path, small / "copy.db")


def test_a_state_cannot_be_begun_on_a_full_disk(small: Path) -> None:
    ballast = fill(small)
    path = small / "state.db"
    with pytest.raises(StateError) as refused:
        SqliteStore(path, NOW)
    assert str(path) in str(refused.value)
    ballast.unlink()
    SqliteStore(path, NOW).close()
