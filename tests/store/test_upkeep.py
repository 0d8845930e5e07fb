"""Looking at states, checking, copying, renaming, forgetting."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.counting.ledger import Changes
from exporter.counting.memory import MemoryLedger
from exporter.errors import StateCorrupt, StateError, StateLocked
from exporter.store import upkeep
from exporter.store.connection import SCHEMA_VERSION
from exporter.store.reading import load
from exporter.store.sqlite import SqliteStore
from exporter.store.upkeep import back_up, describe, forget, rename_target, verify
from exporter.times import DAY, HOUR, MINUTE
from tests.store.kit import NOTHING, NOW, commit, counted, durable, everything, knows

ME = "roboto https://example.test org"


@pytest.fixture
def running(path: Path) -> Iterator[SqliteStore]:
    """A state with the targets "t" and "u" that a service has open."""
    store = SqliteStore(path, NOW)
    for name in ("t", "u"):
        store.open_target(name, ME, NOW, holds=False)
        commit(store, everything(), name)
    yield store
    store.close()


@pytest.fixture
def closed(running: SqliteStore, path: Path) -> Path:
    """The same after the service has ended."""
    running.close()
    return path


def held(path: Path, name: str = "t") -> dict[str, object]:
    """What a state holds of a target."""
    store = SqliteStore(path, NOW)
    try:
        return durable(store.open_target(name, ME, NOW, holds=False))
    finally:
        store.close()


def test_what_a_state_holds(closed: Path) -> None:
    """Held counts are counted, an id under two days is one."""
    facts = describe(closed)
    assert (facts.schema, facts.created_at, facts.copies) == (SCHEMA_VERSION, NOW, ())
    assert (facts.size, facts.journal) == (closed.stat().st_size, 0)
    first, second = facts.targets
    assert first._replace(name="u") == second
    assert first.name == "t"
    assert first.identity == ME
    assert (first.used_at, first.baseline_at, first.data_at) == (NOW, NOW, NOW - HOUR)
    assert (first.workloads, first.series, first.open_runs, first.ids) == (2, 3, 1, 2)
    assert first.runs == 2**53 + 3


def test_a_target_before_its_first_poll(path: Path) -> None:
    """There is nothing to tell but that it is there."""
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    store.close()
    (target,) = describe(path).targets
    assert (target.baseline_at, target.data_at, target.runs, target.series) == (None, None, 0, 0)


def test_looking_checking_and_copying_work_beside_the_service(running: SqliteStore, path: Path, tmp_path: Path) -> None:
    """They see what is committed, and hold nobody up."""
    commit(running, counted(7))
    assert describe(path).targets[0].ids == 3  # that of a batch whose ids are not in their place yet too
    commit(running, Changes())
    assert describe(path).targets[0].ids == 3
    assert verify(path) == []
    back_up(path, tmp_path / "copy.db")
    commit(running, counted(8))
    series = {**everything().series, **counted(7).series}
    assert held(tmp_path / "copy.db") == {**durable(running.ledger("u")), "series": series}


def test_what_is_told_is_of_one_commit(running: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many the service makes while it is read."""
    before = describe(path).targets
    loads = iter((counted(7), counted(8)))

    def commits_beside(connection: sqlite3.Connection, number: int, ledger: MemoryLedger) -> None:
        load(connection, number, ledger)
        commit(running, next(loads), "u")

    with monkeypatch.context() as patched:
        patched.setattr(upkeep, "load", commits_beside)
        assert describe(path).targets == before
    assert describe(path).targets != before


def test_what_is_in_the_journal_is_room_taken_too(running: SqliteStore, path: Path) -> None:
    """Beside a service most of a young state is there."""
    facts = describe(path)
    assert facts.size == path.stat().st_size
    assert facts.journal == path.with_name("state.db-wal").stat().st_size > 0
    assert running.size_bytes() > facts.size + facts.journal  # the index of the journal besides


def test_a_state_behind_a_link_is_seen_as_it_is(running: SqliteStore, path: Path, tmp_path: Path) -> None:
    """Its journal is beside the file, not beside the link."""
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    assert describe(link)._replace(path=path) == describe(path)
    running.close()
    behind = SqliteStore(link, NOW)
    commit_to_a_target(behind)
    assert behind.size_bytes() > path.stat().st_size + path.with_name("state.db-wal").stat().st_size > 0
    behind.close()


def commit_to_a_target(store: SqliteStore) -> None:
    """Write something."""
    store.open_target("t", ME, NOW, holds=False)
    commit(store, counted(7))


def test_a_copy_is_one_file_for_its_owner_only(closed: Path, tmp_path: Path) -> None:
    """Ids of ended runs included."""
    copy = tmp_path / "backup" / "copy.db"
    copy.parent.mkdir()
    back_up(closed, copy)
    assert [file.name for file in copy.parent.iterdir()] == ["copy.db"]
    assert copy.stat().st_mode & 0o777 == 0o600
    store = SqliteStore(copy, NOW)
    store.open_target("t", ME, NOW, holds=False)
    assert knows(store, ["run 3", "run 4", "run 5"]) == {"run 3", "run 4"}
    store.close()


def test_a_copy_is_never_written_over_a_file(closed: Path, tmp_path: Path) -> None:
    """Not over the state itself either."""
    for to in (closed, tmp_path):
        with pytest.raises(StateError, match="exists already; a copy is never written over a file"):
            back_up(closed, to)
    with pytest.raises(StateError, match="no such directory"):
        back_up(closed, tmp_path / "nowhere" / "copy.db")
    assert verify(closed) == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM target WHERE name = 'u'", "listing: 2 rows belong to no target"),
        ("UPDATE series SET shown = '[-1]' WHERE shown = '[1]'", "target t: 1 series are below 0"),
        ("UPDATE ended_page SET ids = 'x'", "target t: {path}: is damaged or is no state file (a row cannot be read"),
        ("UPDATE workload SET info = '[[1'", "target t: {path}: is damaged or is no state file (a row cannot be read"),
    ],
)
def test_what_is_wrong_is_told(closed: Path, statement: str, problem: str) -> None:
    """Rows without owner, rows that cannot be read, numbers that cannot be."""
    with sqlite3.connect(closed) as database:
        database.execute(statement)
    assert any(told.startswith(problem.format(path=closed)) for told in verify(closed))


def test_pages_that_are_damaged_are_told(closed: Path) -> None:
    """Whatever the database can still say of them."""
    data = bytearray(closed.read_bytes())
    data[8192 : len(data) - 4096] = b"\xa5" * (len(data) - 4096 - 8192)
    closed.write_bytes(data)
    with pytest.raises(StateCorrupt):
        describe(closed)
    with pytest.raises(StateCorrupt):
        verify(closed)


def test_a_renamed_target_keeps_everything(closed: Path) -> None:
    """Only its name is another one."""
    before = held(closed)
    rename_target(closed, "t", "new", NOW)
    assert held(closed, "new") == before
    assert held(closed) == NOTHING


def test_a_forgotten_target_leaves_nothing(closed: Path) -> None:
    """Others stay."""
    before = held(closed, "u")
    forget(closed, ["t"], NOW)
    assert [target.name for target in describe(closed).targets] == ["u"]
    assert verify(closed) == []
    assert held(closed, "u") == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: rename_target(path, "x", "y", NOW), "there is no target x, only t, u"),
        (lambda path: rename_target(path, "t", "u", NOW), "there is a target u already; forget one of the two first"),
        (lambda path: forget(path, ["t", "x"], NOW), "there is no target x, only t, u"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_changes(
    closed: Path, change: Callable[[Path], None], message: str
) -> None:
    """With the names that there are."""
    before = describe(closed).targets
    with pytest.raises(StateError) as refused:
        change(closed)
    assert str(refused.value) == f"{closed}: {message}"
    assert describe(closed).targets == before


def test_changes_need_the_file_for_themselves(running: SqliteStore, path: Path) -> None:
    """The service would go on with what it has in memory."""
    changes: tuple[Callable[[], None], ...] = (
        lambda: rename_target(path, "t", "x", NOW),
        lambda: forget(path, ["t"], NOW),
    )
    for change in changes:
        with pytest.raises(StateLocked) as refused:
            change()
        assert str(refused.value) == (
            f"{path}: process {os.getpid()} has this state open; "
            "stop the service that runs on it first, and start it afterwards"
        )


@pytest.mark.parametrize("action", [describe, verify, lambda path: forget(path, ["t"], NOW)])
def test_no_file_is_made_by_looking_for_it(path: Path, action: Callable[[Path], object]) -> None:
    """A mistyped name would else be an empty state."""
    with pytest.raises(StateError, match="there is no such file"):
        action(path)
    assert not path.exists()


@pytest.mark.parametrize("action", [describe, verify, lambda path: forget(path, ["t"], NOW)])
def test_a_directory_is_no_state(tmp_path: Path, action: Callable[[Path], object]) -> None:
    """It is not said to be absent."""
    with pytest.raises(StateError) as refused:
        action(tmp_path)
    assert str(refused.value) == f"{tmp_path}: is a directory; name the state file in it as the first argument"


def test_what_is_no_state_is_said(path: Path) -> None:
    """A database of somebody else, a text, a state of another version."""
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE x (y)")
    with pytest.raises(StateError, match="is no state file of this program"):
        describe(path)
    path.write_text("no database at all, but long enough to be one" * 100)
    with pytest.raises(StateCorrupt):
        describe(path)


@pytest.mark.parametrize(
    ("schema", "upgrades"), [("1", True), (f"{SCHEMA_VERSION + 1}", False), ("10", False), ("", False), ("soon", False)]
)
def test_another_schema_is_said(closed: Path, schema: str, upgrades: bool) -> None:
    """Reading a newer one could mislead; an older one is brought up by a start."""
    with sqlite3.connect(closed) as database:
        database.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (schema,))
    with pytest.raises(StateError) as refused:
        describe(closed)
    assert str(refused.value) == (
        f"{closed}: has schema {schema}, this version knows {SCHEMA_VERSION}; use the version that wrote it"
        f"{', or start the service once, which upgrades it' if upgrades else ''}"
    )


# A target that is renamed in the configuration.


def test_totals_are_carried_over_once(closed: Path) -> None:
    """Under the new name from then on, whether the old one is still told or not."""
    before = held(closed)
    for previous in ("t", "t", None):
        store = SqliteStore(closed, NOW)
        assert durable(store.open_target("new", ME, NOW, holds=False, previous=previous)) == before
        assert store.target_names() == ["new", "u"]
        store.close()


def test_a_name_with_totals_of_its_own_keeps_them(closed: Path) -> None:
    """What was counted is never replaced."""
    forget(closed, ["t"], NOW)
    store = SqliteStore(closed, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, counted(5))
    assert durable(store.open_target("t", ME, NOW, holds=False, previous="u"))["series"] == counted(5).series
    assert store.target_names() == ["t", "u"]
    store.close()


def test_a_target_that_is_polled_is_not_taken_away(running: SqliteStore) -> None:
    """Until a reload has taken it out."""
    assert durable(running.open_target("new", ME, NOW, holds=False, previous="t")) == NOTHING
    running.close_target("u")
    running.open_target("newer", ME, NOW, holds=False, previous="u")
    assert running.target_names() == ["new", "newer", "t"]


def test_carried_over_to_another_upstream_only_totals_stay(closed: Path) -> None:
    """As whenever the upstream changes (rule 28)."""
    store = SqliteStore(closed, NOW + DAY)
    ledger = store.open_target("new", "roboto https://example.test another", NOW + MINUTE, holds=False, previous="t")
    assert dict(ledger.series) == everything().series
    assert not ledger.listings
    store.close()
