"""From an older schema to this version's and back again: copies, refusals, kills in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from exporter.counting.ledger import Changes
from exporter.errors import StateCorrupt, StateError, StateNewer
from exporter.store import connection, migrations
from exporter.store.connection import SCHEMA_VERSION
from exporter.store.migrations import MIGRATIONS, copies
from exporter.store.sqlite import SqliteStore
from tests.store.kit import NOW, commit, counted, durable, everything, knows

ME = "roboto https://example.test org"

NEXT: Mapping[int, Sequence[str]] = {
    **MIGRATIONS,
    SCHEMA_VERSION: (
        "ALTER TABLE target ADD COLUMN colour TEXT",
        "UPDATE target SET colour = 'blue'",
    ),
    SCHEMA_VERSION + 1: ("CREATE TABLE further (key TEXT PRIMARY KEY)",),
}
"""What later versions might do to today's schema."""


def later(
    monkeypatch: pytest.MonkeyPatch, version: int = SCHEMA_VERSION + 2, steps: Mapping[int, Sequence[str]] = NEXT
) -> None:
    """Be a later version of the program."""
    monkeypatch.setattr(connection, "SCHEMA_VERSION", version)
    monkeypatch.setattr(migrations, "MIGRATIONS", steps)


def a_state(path: Path) -> dict[str, object]:
    """Make a state of today, and return what is in it."""
    store = SqliteStore(path, NOW)
    ledger = store.open_target("t", ME, NOW, holds=False)
    commit(store, everything())
    found = durable(ledger)
    store.close()
    return found


def opened(path: Path) -> dict[str, object]:
    """What a state holds for the program as it is now."""
    store = SqliteStore(path, NOW)
    try:
        return durable(store.open_target("t", ME, NOW, holds=False))
    finally:
        store.close()


def schema_of(path: Path) -> str:
    with sqlite3.connect(path) as found:
        return connection.read_meta(found, "schema")


def test_there_is_a_migration_from_every_schema_before_this_one() -> None:
    """So that no state is left behind."""
    assert list(MIGRATIONS) == list(range(1, connection.SCHEMA_VERSION))


def test_an_older_state_is_brought_up_and_nothing_is_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several schemas at once, and only once."""
    before = a_state(path)
    later(monkeypatch)
    assert opened(path) == before
    assert schema_of(path) == str(SCHEMA_VERSION + 2)
    with sqlite3.connect(path) as found:
        assert found.execute("SELECT colour FROM target").fetchall() == [("blue",)]
        assert found.execute("SELECT * FROM further").fetchall() == []
    assert opened(path) == before
    assert len(copies(path)) == 1


def test_a_state_of_the_first_schema_goes_on(path: Path) -> None:
    """It has no table for ids that are not in their place yet, and knows neither when clocks were apart nor which run
    is at the top."""
    before = a_state(path)
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, Changes())
    store.close()
    with sqlite3.connect(path) as made:
        made.execute("DROP TABLE ended_page")
        made.execute("ALTER TABLE target DROP COLUMN doubted_at")
        made.execute("ALTER TABLE listing DROP COLUMN newest_id")
        made.execute("UPDATE meta SET value = '1' WHERE key = 'schema'")
    listings = {key: state._replace(newest_id=None) for key, state in everything().listings.items() if state}
    assert opened(path) == {**before, "listings": listings}
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, counted(99))
    assert knows(store, ["run 3", "run 4", "run 5", "run 99"]) == {"run 3", "run 4", "run 99"}
    store.close()


def test_a_copy_from_before_stays_beside_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole, of the old schema, readable by the owner only, named by schema and time."""
    before = a_state(path)
    later(monkeypatch)
    opened(path)
    (copied,) = copies(path)
    assert copied.name == f"state.db.schema-{SCHEMA_VERSION}-20260921T141320.000000Z"
    assert copied.stat().st_mode & 0o777 == 0o600
    assert schema_of(copied) == str(SCHEMA_VERSION)
    monkeypatch.undo()
    assert opened(copied) == before


def test_the_way_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older version refuses the newer state, names the copy, leaves both alone, and runs on the copy."""
    before = a_state(path)
    later(monkeypatch)
    opened(path)
    monkeypatch.undo()
    (copied,) = copies(path)
    data = path.read_bytes()
    with pytest.raises(StateNewer) as refused:
        SqliteStore(path, NOW)
    assert str(refused.value) == (
        f"{path}: was written by a newer version (schema {SCHEMA_VERSION + 2}, this version knows {SCHEMA_VERSION}); "
        f"install the newer version again, or start empty with --state.reset; {copied} is a copy from before the "
        "upgrade, without what was counted since"
    )
    assert path.read_bytes() == data
    copied.replace(path)
    assert opened(path) == before


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what went well before it is undone; the older version goes on."""
    before = a_state(path)
    later(monkeypatch, steps={**NEXT, SCHEMA_VERSION + 1: ("ALTER TABLE nowhere ADD COLUMN x",)})
    with pytest.raises(StateError, match="no such table: nowhere"):
        SqliteStore(path, NOW)
    monkeypatch.undo()
    assert schema_of(path) == str(SCHEMA_VERSION)
    assert opened(path) == before


def test_without_a_copy_nothing_is_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk; here a folder stands in the way."""
    before = a_state(path)
    blocked = path.with_name(f"state.db.schema-{SCHEMA_VERSION}-20260921T141320.000000Z")
    blocked.mkdir()
    later(monkeypatch)
    with pytest.raises(StateError, match="exists already"):
        SqliteStore(path, NOW)
    monkeypatch.undo()
    assert opened(path) == before


def test_a_damaged_state_is_not_upgraded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before a copy is made of it."""
    a_state(path)
    path.write_bytes(path.read_bytes()[:-4096])
    later(monkeypatch)
    with pytest.raises(StateCorrupt):
        SqliteStore(path, NOW)
    assert copies(path) == []


def test_counting_goes_on_after_an_upgrade(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written then is written in the new schema."""
    a_state(path)
    later(monkeypatch)
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, counted(99))
    store.close()
    assert schema_of(path) == str(SCHEMA_VERSION + 2)
