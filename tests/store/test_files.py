"""What is said when a state cannot be used, and what is left untouched: rules 2 and 29."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import StateCorrupt, StateError, StateLocked, StateNewer
from exporter.store.connection import APPLICATION_ID, SCHEMA_VERSION, set_aside
from exporter.store.sqlite import SqliteStore
from tests.store.conftest import Fail
from tests.store.kit import DONE, LASTED, NOW, commit, counted, everything, knows

ME = "roboto https://example.test org"
WAY_OUT = (
    "move it away, or start empty with --state.reset (counters then begin at 0, which Prometheus takes for a restart)"
)


def a_state(path: Path, batches: int = 1) -> None:
    """Make a state with a target "t", and close it."""
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, everything())
    for number in range(batches):
        commit(store, counted(number))
    store.close()


def opened(path: Path) -> SqliteStore:
    """Open a state and its target, which must go well."""
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    return store


def after_a_kill(path: Path, folder: Path) -> Path:
    """Copy to a new folder what a kill would leave now of a state that is in use; return the state in it."""
    folder.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(path.with_name(path.name + suffix), folder / f"state.db{suffix}")
    return folder / "state.db"


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def sql(path: Path, *statements: str) -> None:
    """Change a state by other means."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


# Making one.


def test_its_files_can_be_read_by_their_owner_only(path: Path) -> None:
    """They hold run ids and names."""
    store = opened(path)
    commit(store, everything())
    assert modes(path.parent) == {
        "state.db": 0o600,
        "state.db-wal": 0o600,
        "state.db-shm": 0o600,
        "state.db.lock": 0o600,
    }
    store.close()
    assert modes(path.parent) == {"state.db": 0o600, "state.db.lock": 0o600}


def test_a_state_is_marked_as_ours(path: Path) -> None:
    a_state(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_every_connection_syncs_each_commit_into_a_write_ahead_log(fail: Fail, path: Path) -> None:
    """Also the one that is made after an error (rule 1)."""
    store = opened(path)
    for _ in range(2):
        pragmas = {
            name: store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        }
        assert pragmas == {"journal_mode": "wal", "synchronous": 2}
        fail("COMMIT")
        with pytest.raises(StateError):
            commit(store, counted(1))
        commit(store, counted(2))
    store.close()


def test_a_file_of_no_length_that_somebody_made_is_a_new_state(path: Path) -> None:
    """As for a container that is given a single file."""
    path.touch()
    a_state(path)
    assert path.stat().st_size


def test_a_start_that_was_killed_before_there_were_tables_is_made_up_for(path: Path) -> None:
    """The file has a page by then, and says of itself only that it has a write-ahead log."""
    sql(path, "PRAGMA journal_mode=WAL")
    assert path.stat().st_size
    a_state(path)
    opened(path).close()


# Refusing one, with a sentence that names the file and the way out.


def cut(length: Callable[[int], int]) -> Callable[[Path], None]:
    """Cut the file to a length, given its own."""

    def spoil(path: Path) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: length(len(data))])

    return spoil


def write(data: bytes) -> Callable[[Path], None]:
    """Put something else in its place."""

    def spoil(path: Path) -> None:
        path.write_bytes(data)

    return spoil


def overwrite(path: Path) -> None:
    """Pages in the middle are garbage, the header is good."""
    data = bytearray(path.read_bytes())
    data[8192 : len(data) - 4096] = b"\xa5" * (len(data) - 4096 - 8192)
    path.write_bytes(data)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(cut(lambda length: length // 2), id="cut to half"),
        pytest.param(cut(lambda length: length - 1), id="cut by a byte"),
        pytest.param(cut(lambda length: length - 4096), id="cut by a page"),
        pytest.param(cut(lambda length: 100), id="nothing but a header"),
        pytest.param(cut(lambda length: 0), id="cut to nothing"),
        pytest.param(overwrite, id="overwritten"),
        pytest.param(write(b"\x00" * 8192), id="zeros"),
        pytest.param(write(b"this is no database" * 1000), id="text"),
        pytest.param(write(b"{}"), id="a few bytes"),
    ],
)
def test_a_damaged_file_is_refused_and_left_as_it_is(path: Path, spoil: Callable[[Path], None]) -> None:
    a_state(path, batches=200)
    spoil(path)
    data = path.read_bytes()
    for _ in range(2):
        with pytest.raises(StateCorrupt) as refused:
            SqliteStore(path, NOW)
        assert str(refused.value).startswith(f"{path}: is damaged or is no state file (")
        assert str(refused.value).endswith(WAY_OUT)
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE series SET shown = 'x'",
        "UPDATE series SET shown = '[1,2,3]'",
        "UPDATE series SET labels = '{'",
        "UPDATE workload SET info = '[[1'",
        "UPDATE workload SET triggers = '[[\"a\", [1,2,3,4,5]]]'",
        "UPDATE open_run SET days = '['",
    ],
)
def test_a_row_that_cannot_be_read_is_damage(path: Path, statement: str) -> None:
    a_state(path)
    sql(path, statement)
    store = SqliteStore(path, NOW)
    with pytest.raises(StateCorrupt) as refused:
        store.open_target("t", ME, NOW, holds=False)
    assert str(refused.value).startswith(f"{path}: is damaged or is no state file (a row cannot be read: ")
    store.close()


@pytest.mark.parametrize("key", ["schema", "created_at"])
def test_a_state_that_does_not_say_what_it_is_is_damaged(path: Path, key: str) -> None:
    a_state(path)
    sql(path, f"UPDATE meta SET value = 'soon' WHERE key = '{key}'")  # noqa: S608
    with pytest.raises(StateCorrupt, match="is damaged or is no state file"):
        SqliteStore(path, NOW)


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(["CREATE TABLE theirs (a)"], id="tables"),
        pytest.param(["CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)"], id="a table that we have too"),
        pytest.param(["PRAGMA application_id = 7", "PRAGMA user_version = 1"], id="an empty one, marked as theirs"),
    ],
)
def test_a_database_of_another_program_is_refused_and_left_as_it_is(path: Path, statements: list[str]) -> None:
    sql(path, *statements)
    data = path.read_bytes()
    with pytest.raises(StateCorrupt) as refused:
        SqliteStore(path, NOW)
    assert str(refused.value) == (
        f"{path}: is a database of another program; set another `state`, this file is left as it is"
    )
    assert path.read_bytes() == data


def test_an_error_of_the_disk_is_no_damage(fail: Fail, path: Path) -> None:
    """Nobody is told to move a state away that is good."""
    a_state(path)
    fail("PRAGMA journal_mode")
    with pytest.raises(StateError) as refused:
        SqliteStore(path, NOW)
    assert (type(refused.value), str(refused.value)) == (StateError, f"{path}: disk I/O error")
    opened(path).close()


def test_a_newer_state_is_refused_and_left_as_it_is(path: Path) -> None:
    """Rule 29."""
    a_state(path)
    sql(path, f"UPDATE meta SET value = '{SCHEMA_VERSION + 1}' WHERE key = 'schema'")  # noqa: S608
    data = path.read_bytes()
    with pytest.raises(StateNewer) as refused:
        SqliteStore(path, NOW)
    assert str(refused.value) == (
        f"{path}: was written by a newer version (schema {SCHEMA_VERSION + 1}, this version knows {SCHEMA_VERSION}); "
        "install the newer version again, or start empty with --state.reset"
    )
    assert path.read_bytes() == data


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateError) as refused:
        SqliteStore(tmp_path / "no" / "state.db", NOW)
    assert str(refused.value) == f"{tmp_path / 'no'}: no such directory; create it, or set another `state`"


def test_a_folder_in_place_of_the_file_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StateError) as refused:
        SqliteStore(path, NOW)
    assert str(refused.value) == (
        f"{path}: cannot be opened for writing (Is a directory); the state file and its directory must be writable "
        "by this user"
    )


NOBODY = 65534

AS_NOBODY = """
import os, sys
from pathlib import Path
from exporter.store.sqlite import SqliteStore
SqliteStore(None, 0).close()  # what is imported late is imported now
if os.getuid() == 0:
    os.setuid({nobody})
try:
    SqliteStore(Path(sys.argv[1]), 0)
except Exception as error:
    print(type(error).__name__, error, sep=": ")
else:
    print("opened")
"""


def as_nobody(path: Path) -> str:
    """Open a state as a user without rights; return the type of the error and what it says."""
    for folder in [path.parent, *path.parent.parents][:4]:  # pytest-xdist adds a folder
        folder.chmod(folder.stat().st_mode | 0o555)
    script = AS_NOBODY.format(nobody=NOBODY)
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def test_a_folder_that_may_not_be_written_is_named(path: Path) -> None:
    path.parent.chmod(0o555)
    assert as_nobody(path) == (
        f"StateError: {path}.lock: cannot be opened for writing (Permission denied); "
        "the directory of the state must be writable by this user"
    )


def test_a_file_that_may_not_be_written_is_named(path: Path) -> None:
    a_state(path)
    path.chmod(0o444)
    path.with_name("state.db.lock").chmod(0o666)
    path.parent.chmod(0o777)
    assert as_nobody(path) == (
        f"StateError: {path}: cannot be opened for writing (Permission denied); the state file and its directory "
        "must be writable by this user"
    )


@pytest.mark.parametrize("name", ["state.db", "state.db.lock"])
@pytest.mark.parametrize(
    ("number", "blames_rights"), [(errno.EMFILE, False), (errno.ENOSPC, False), (errno.EROFS, True)]
)
def test_rights_are_blamed_only_where_they_are_at_fault(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int, blames_rights: bool
) -> None:
    """No descriptor or no room is left: whoever looks at modes then looks in the wrong place."""
    ordinary = os.open

    def refuse(file: Any, *arguments: Any, **more: Any) -> int:
        if Path(file).name == name:
            raise OSError(number, os.strerror(number))
        return ordinary(file, *arguments, **more)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StateError) as refused:
        SqliteStore(path, NOW)
    said = f"{path.with_name(name)}: cannot be opened for writing ({os.strerror(number)})"
    assert str(refused.value).startswith(said)
    assert (str(refused.value) != said) is blames_rights


# While it is in use.


def break_off(store: SqliteStore, fail: Fail) -> None:
    """Have the store start again from what is on disk."""
    fail("COMMIT")
    with pytest.raises(StateError, match="disk I/O error"):
        commit(store, counted(99))


after_an_error = pytest.mark.parametrize("after_an_error", [False, True])


@after_an_error
def test_a_state_that_was_removed_while_in_use_is_not_begun_anew_in_silence(
    fail: Fail, path: Path, after_an_error: bool
) -> None:
    """Whoever has it open could write into it for ever, and all of that would be lost at the next start."""
    a_state(path)
    store = opened(path)
    if after_an_error:
        break_off(store, fail)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    for _ in range(2):
        with pytest.raises(StateError) as refused:
            commit(store, counted(1))
        assert str(refused.value) == (
            f"{path}: was removed while in use; put it back, or start again to begin with an empty one"
        )
    assert not path.exists()
    assert store.ledger("t").series[LASTED] == everything().series[LASTED]
    assert store.created_at() == NOW
    store.close()


def test_a_state_that_was_moved_away_and_is_back_is_gone_on_with(path: Path) -> None:
    """Nothing is lost of what was committed before, and nothing counted meanwhile."""
    a_state(path)
    store = opened(path)
    commit(store, counted(4))
    away = path.with_name("away.db")
    path.rename(away)
    for _ in range(2):
        with pytest.raises(StateError, match="was removed while in use; put it back"):
            commit(store, counted(5))
    away.rename(path)
    assert store.ledger("t").series[DONE].shown == (4,)
    commit(store, counted(6))
    store.close()
    store = opened(path)
    assert store.ledger("t").series[DONE].shown == (6,)
    assert knows(store, ["run 4", "run 5", "run 6"]) == {"run 4", "run 6"}
    store.close()


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("replaced", [False, True])
def test_a_journal_that_was_removed_while_in_use_loses_nothing(
    path: Path, tmp_path: Path, linked: bool, replaced: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """What was only in it, and what comes after, is found by who looks after a kill."""
    named = tmp_path / "link.db" if linked else path
    if linked:
        named.symlink_to(path)
    store = opened(named)
    for number in range(3):
        commit(store, counted(number))
        journal = path.with_name(f"{path.name}-wal")
        journal.unlink()
        if replaced:
            journal.write_bytes(b"")
    commit(store, counted(3))
    assert [record.getMessage() for record in caplog.records] == [
        "the journal of the state was removed; a new one is begun"
    ] * 3
    found = opened(after_a_kill(path, tmp_path / "killed"))
    assert found.ledger("t").series[DONE].shown == (3,)
    assert knows(found, [f"run {number}" for number in range(4)]) == {f"run {number}" for number in range(4)}
    found.close()
    assert store.ledger("t").series[DONE].shown == (3,)
    store.close()


def test_a_state_that_is_replaced_within_a_batch_is_noticed_by_the_next(path: Path, tmp_path: Path) -> None:
    """What that batch wrote is lost with the file, and all that followed would be."""
    other = tmp_path / "other.db"
    a_state(other)
    a_state(path)
    store = opened(path)
    with store.transaction("t") as transaction:
        transaction.apply(counted(1))
        other.replace(path)
    with pytest.raises(StateError, match="was replaced while in use"):
        commit(store, counted(2))
    store.close()


def test_a_journal_that_was_removed_before_the_first_batch_loses_nothing(path: Path, tmp_path: Path) -> None:
    """It came when the target was opened."""
    store = opened(path)
    path.with_name(f"{path.name}-wal").unlink()
    commit(store, counted(1))
    found = opened(after_a_kill(path, tmp_path / "killed"))
    assert found.ledger("t").series[DONE].shown == (1,)
    found.close()
    store.close()


@after_an_error
@pytest.mark.parametrize("begun", [NOW, NOW + 1], ids=["a copy", "another"])
def test_a_state_that_was_replaced_while_in_use_is_not_written(
    fail: Fail, path: Path, tmp_path: Path, after_an_error: bool, begun: int
) -> None:
    """A copy neither: it is older, and counters would fall."""
    other = tmp_path / "other.db"
    later = SqliteStore(other, begun)
    later.open_target("t", ME, NOW, holds=False)
    commit(later, counted(7))
    later.close()
    a_state(path)
    store = opened(path)
    if after_an_error:
        break_off(store, fail)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    other.replace(path)
    for _ in range(2):
        with pytest.raises(StateError) as refused:
            commit(store, counted(1))
        assert str(refused.value) == f"{path}: was replaced while in use; start again to go on with this one"
    store.close()
    store = opened(path)
    assert store.ledger("t").series[DONE].shown == (7,)
    store.close()


def test_a_state_that_was_damaged_while_in_use_is_refused(fail: Fail, path: Path) -> None:
    a_state(path)
    store = opened(path)
    break_off(store, fail)
    store._connection.close()
    rubbish = b"\xa5" * path.stat().st_size
    path.write_bytes(rubbish)
    with pytest.raises(StateCorrupt):
        commit(store, counted(1))
    assert path.read_bytes() == rubbish
    store.close()


@after_an_error
@pytest.mark.parametrize("suffix", ["", "-wal"])
@pytest.mark.parametrize("old", [False, True])
def test_a_state_that_was_cut_short_while_in_use_is_not_written(
    fail: Fail, path: Path, suffix: str, old: bool, after_an_error: bool
) -> None:
    """Somebody makes room: the database would go on beside the hole, and put what it misses into the file as zeros."""
    if old:
        a_state(path)
    store = opened(path)
    commit(store, counted(4))
    if after_an_error:
        break_off(store, fail)
    cut = path.with_name(path.name + suffix)
    whole = cut.read_bytes()
    cut.write_bytes(b"")
    for _ in range(2):
        with pytest.raises(StateError) as refused:
            commit(store, counted(5))
        assert str(refused.value) == (
            f"{cut}: was cut short while in use; start again to go on with what is left of the state"
        )
    assert not cut.stat().st_size
    assert store.ledger("t").series[DONE].shown == (4,)
    with cut.open("r+b") as file:
        file.write(whole)
    commit(store, counted(6))
    store.close()
    store = opened(path)
    assert knows(store, ["run 4", "run 5", "run 6"]) == {"run 4", "run 6"}
    store.close()


def test_its_size_is_told_whatever_is_in_the_place_of_its_folder(tmp_path: Path) -> None:
    """Nothing else may fail because of it: the size is asked for when all other metrics are made ready."""
    folder = tmp_path / "folder"
    folder.mkdir()
    store = opened(folder / "state.db")
    away = folder.rename(tmp_path / "away")
    folder.write_text("a file")
    assert store.size_bytes() == 0
    folder.unlink()
    folder.symlink_to(folder)
    assert store.size_bytes() == 0
    with pytest.raises(StateError):
        commit(store, counted(1))
    folder.unlink()
    away.rename(folder)
    commit(store, counted(2))
    assert store.size_bytes() > 0
    store.close()


def test_an_error_at_the_start_gives_file_and_lock_back(fail: Fail, path: Path) -> None:
    a_state(path)
    fail("SELECT family, bounds")
    with pytest.raises(StateError, match="disk I/O error"):
        SqliteStore(path, NOW)
    opened(path).close()


# Setting one aside (``--state.reset``).

STAMP = datetime(2026, 9, 21, 12, 30, 5, 7, tzinfo=UTC)


def test_a_reset_moves_the_state_aside_with_its_journals(path: Path) -> None:
    """What was moved is a whole state still."""
    store = opened(path)
    commit(store, everything())
    store._unlock()  # as after a kill: nothing is closed
    moved = set_aside(path, STAMP)
    assert [file.name for file in moved] == [
        f"state.db.reset-20260921T123005.000007Z{suffix}" for suffix in ("", "-wal", "-shm")
    ]
    store._connection.close()
    assert not path.exists()
    fresh = opened(path)
    assert not fresh.ledger("t").series
    fresh.close()
    kept = opened(moved[0])
    assert kept.ledger("t").series == everything().series
    kept.close()


def test_a_reset_behind_a_link_moves_the_file_and_leaves_the_link(path: Path, tmp_path: Path) -> None:
    """The next state lies where the link says that states are."""
    a_state(path)
    link = tmp_path / "link.db"
    link.symlink_to(path)
    (moved,) = set_aside(link, STAMP)
    assert (moved.parent, link.is_symlink(), link.exists()) == (path.parent, True, False)
    opened(link).close()
    assert (link.is_symlink(), path.is_file()) == (True, True)
    kept = opened(moved)
    assert kept.ledger("t").series == {**everything().series, **counted(0).series}
    kept.close()


def test_a_state_behind_a_link_that_was_killed_while_it_grew_is_opened(path: Path, tmp_path: Path) -> None:
    """A file that ends within a page is damaged, but not with its journal beside it: beside the file, not the link."""
    store = opened(path)
    commit(store, counted(1))
    store._unlock()  # as after a kill: nothing is closed
    copied = after_a_kill(path, tmp_path / "copied")
    with copied.open("ab") as file:
        file.write(bytes(100))
    link = tmp_path / "link.db"
    link.symlink_to(copied)
    found = opened(link)
    assert found.ledger("t").series[DONE].shown == (1,)
    found.close()
    store._connection.close()


def test_a_reset_of_nothing_moves_nothing(path: Path) -> None:
    assert set_aside(path, STAMP) == []
    opened(path).close()


def test_a_reset_is_the_way_out_of_damage(path: Path) -> None:
    a_state(path)
    path.write_bytes(b"")
    (moved,) = set_aside(path, STAMP)
    assert moved.read_bytes() == b""
    opened(path).close()


def test_a_state_that_another_process_has_open_is_not_set_aside(path: Path) -> None:
    """Its counts would go on into the file that was moved, and be gone with the next start."""
    store = opened(path)
    with pytest.raises(StateLocked):
        set_aside(path, STAMP)
    commit(store, counted(1))
    assert path.exists()
    store.close()
