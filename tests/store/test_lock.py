"""One writer: rule 2."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.errors import StateCorrupt, StateError, StateLocked
from exporter.store.lock import StateLock, network_file_system
from exporter.store.sqlite import SqliteStore
from tests.store.kit import DONE, NOW, commit, counted, knows

ME = "roboto https://example.test org"

HOLDS = """
import sys, time
from pathlib import Path
from exporter.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]), 0)
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the state open until it is ended."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        yield holder
    finally:
        holder.kill()
        holder.communicate(timeout=60)


def test_a_second_process_is_refused_and_told_who_was_first(path: Path) -> None:
    with another_process(path) as holder:
        with pytest.raises(StateLocked) as refused:
            SqliteStore(path, NOW)
        assert str(refused.value) == (
            f"{path}: process {holder.pid} has this state open; two exporters must not share one, "
            "give each its own state (or stop the other)"
        )


def test_it_is_refused_before_it_has_read_anything(path: Path) -> None:
    """The file may be damaged for all it knows."""
    lock = StateLock(path)
    path.write_bytes(b"no database")
    with pytest.raises(StateLocked):
        SqliteStore(path, NOW)
    lock.release()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_a_process_lets_the_next_one_in(path: Path, how: signal.Signals) -> None:
    with another_process(path) as holder:
        holder.send_signal(how)
        holder.wait(60)
        SqliteStore(path, NOW).close()


def test_a_state_that_was_closed_can_be_opened_again(path: Path) -> None:
    for _ in range(3):
        store = SqliteStore(path, NOW)
        store.open_target("t", ME, NOW, holds=False)
        commit(store, counted(1))
        store.close()


@pytest.mark.parametrize("link", ["symbolic", "folder"])
def test_two_names_of_one_file_are_one_state(path: Path, tmp_path: Path, link: str) -> None:
    other = tmp_path / "other.db"
    store = SqliteStore(path, NOW)
    if link == "symbolic":
        other.symlink_to(path)
    else:
        folder = tmp_path / "folder"
        folder.symlink_to(tmp_path)
        other = folder / path.name
    with pytest.raises(StateLocked):
        SqliteStore(other, NOW)
    store.close()


def test_a_file_system_without_locks_is_no_other_process(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StateError) as refused:
        StateLock(path)
    assert type(refused.value) is StateError
    assert str(refused.value) == f"{path}.lock: cannot be locked (No locks available); put the state on a local disk"


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOLCK])
def test_a_lock_that_is_refused_leaves_no_file_open(path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """It is asked for with every batch, once its file was removed."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(fcntl, "flock", refuse)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(StateError):
            StateLock(path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_full_disk_does_not_keep_the_lock_from_being_held(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        lock = StateLock(path)
    with pytest.raises(StateLocked, match="another process has this state open"):
        StateLock(path)
    lock.release()


def test_a_full_disk_does_not_take_away_that_there_was_a_state(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a state that was emptied would be begun anew in silence once there is room."""
    SqliteStore(path, NOW).close()

    def full(*arguments: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        SqliteStore(path, NOW).close()
    path.write_bytes(b"")
    with pytest.raises(StateCorrupt, match="it is empty, and was not"):
        SqliteStore(path, NOW)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_lock_file_that_root_makes_belongs_to_who_has_the_state(path: Path) -> None:
    """Or the service, which is not root, could not start any more."""
    SqliteStore(path, NOW).close()
    path.with_name("state.db.lock").unlink()
    os.chown(path, 65534, 65533)
    SqliteStore(path, NOW).close()
    made = path.with_name("state.db.lock").stat()
    assert (made.st_uid, made.st_gid) == (65534, 65533)


def test_the_lock_file_stays(path: Path) -> None:
    """It tells that there was a state."""
    store = SqliteStore(path, NOW)
    store.close()
    assert path.with_name("state.db.lock").exists()


@pytest.mark.parametrize("found", ["text", "directory", "database"])
def test_what_is_refused_is_left_without_a_lock_file(path: Path, found: str) -> None:
    """A mistyped name, such as that of the configuration, must leave nothing beside it."""
    if found == "text":
        path.write_text("targets: []\n" * 100)
    elif found == "directory":
        path.mkdir()
    else:
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE x (y)")
    before = sorted(path.parent.iterdir())
    with pytest.raises(StateError):
        SqliteStore(path, NOW)
    assert sorted(path.parent.iterdir()) == before


def test_a_lock_file_that_was_there_stays_when_the_state_is_refused(path: Path) -> None:
    """It tells that there was a state."""
    SqliteStore(path, NOW).close()
    path.write_bytes(b"")
    for _ in range(2):
        with pytest.raises(StateError, match="it is empty, and was not"):
            SqliteStore(path, NOW)


def test_a_lock_file_that_is_withdrawn_under_another_holds_nobody(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened before it was withdrawn and locked after, it would be a lock that nobody else meets."""
    first, lock = StateLock(path), fcntl.flock

    def withdrawn_before(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        first.withdraw()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", withdrawn_before)
    second = StateLock(path)
    with pytest.raises(StateLocked):
        StateLock(path)
    second.release()


def test_a_lock_file_that_is_removed_while_in_use_is_taken_anew(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """At the next commit, so that who comes after that is refused."""
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    lock = path.with_name("state.db.lock")
    for number in range(2):
        lock.unlink()
        commit(store, counted(number))
        assert lock.read_text() == f"{os.getpid()}\nbegun\n"
        with pytest.raises(StateLocked, match=f"process {os.getpid()} has this state open"):
            SqliteStore(path, NOW)
    assert "the lock file of the state was removed; it was made anew" in caplog.text
    store.close()
    store = SqliteStore(path, NOW)
    assert store.open_target("t", ME, NOW, holds=False).series[DONE].shown == (1,)
    store.close()


def test_who_lost_the_state_writes_it_no_more_and_goes_on_where_the_other_ended(path: Path) -> None:
    """Two that count into one state would each undo what the other counted."""
    first = SqliteStore(path, NOW)
    first.open_target("t", ME, NOW, holds=False)
    commit(first, counted(1))
    path.with_name("state.db.lock").unlink()
    second = SqliteStore(path, NOW)
    second.open_target("t", ME, NOW, holds=False)
    for _ in range(2):
        with pytest.raises(StateLocked, match="has this state open; two exporters must not share one"):
            commit(first, counted(2))
    commit(second, counted(3))
    second.close()
    with first.transaction("t") as transaction:
        assert transaction.ledger.series[DONE].shown == (3,)
    assert knows(first, ["run 1", "run 2", "run 3"]) == {"run 1", "run 3"}
    first.close()


def test_a_lock_file_that_somebody_removed_can_be_withdrawn(path: Path) -> None:
    """What is told then is why the state could not be used."""
    lock = StateLock(path)
    lock.path.unlink()
    lock.withdraw()
    StateLock(path).release()


def test_states_in_memory_need_no_lock() -> None:
    stores = [SqliteStore(None, NOW) for _ in range(2)]
    for store in stores:
        store.close()


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
proc /proc proc rw 0 0
files:/export /mnt/nfs nfs4 rw 0 0
/dev/sdb1 /mnt/nfs/local xfs rw 0 0
//host/share /mnt/with\\040space cifs rw 0 0
//host/share /mnt/donn\u00e9es cifs rw 0 0
me@host: /mnt/ssh fuse.sshfs rw 0 0
host:/old /mnt/twice nfs rw 0 0
tmpfs /mnt/twice tmpfs rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/state.db", None),
        ("/mnt/nfs/state.db", "nfs4"),
        ("/mnt/nfs/deep/er/state.db", "nfs4"),
        ("/mnt/nfs/local/state.db", None),
        ("/mnt/nfsother/state.db", None),
        ("/mnt/with space/state.db", "cifs"),
        ("/mnt/donn\u00e9es/state.db", "cifs"),
        ("/mnt/ssh", "fuse.sshfs"),
        ("/mnt/twice/state.db", None),
    ],
)
def test_a_network_file_system_is_recognised(path: str, kind: str | None) -> None:
    """By the deepest mount, and of two in one place by the later."""
    assert network_file_system(Path(path), MOUNTS) == kind


def test_nothing_is_known_without_mounts() -> None:
    assert network_file_system(Path("/var/lib/state.db"), "") is None
