"""Opening a state file: checks, pragmas, schema, and what is said when it cannot be used."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Final

from exporter.errors import StateCorrupt, StateError, StateNewer
from exporter.store.lock import StateLock, not_writable
from exporter.store.migrations import copies, upgrade
from exporter.times import Micros

APPLICATION_ID: Final = 0x41455850
"""Written into the file's header: "AEXP"."""

SCHEMA_VERSION: Final = 2

BUSY_SECONDS: Final = 10.0


def connect(path: Path | None, now: Micros) -> sqlite3.Connection:
    """Open the state, creating it where there is none; None keeps it in memory.

    Raises StateCorrupt, StateNewer or StateError with the file's name and the way out.
    """
    if path is not None:
        _create(path)
    try:
        connection = sqlite3.connect(
            ":memory:" if path is None else path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise StateError(f"{path}: cannot be opened ({error})") from None
    try:
        _check(connection, path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        _schema(connection, path, now)
    except sqlite3.DatabaseError as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError) and not _damaged(error):
            raise StateError(f"{path}: {error}") from None
        raise damaged(path, str(error)) from None
    except StateError:
        connection.close()
        raise
    return connection


def damaged(path: Path | None, how: str) -> StateCorrupt:
    """Say that a file cannot be read, and what to do about it."""
    return StateCorrupt(
        f"{path}: is damaged or is no state file ({how}); move it away, or start empty with --state.reset "
        "(counters then begin at 0, which Prometheus takes for a restart)"
    )


def _damaged(error: sqlite3.Error) -> bool:
    return any(word in str(error) for word in ("malformed", "not a database", "corrupt"))


def _create(path: Path) -> None:
    """Create the file with a mode that only its owner can read: it holds run ids and names."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except FileNotFoundError:
        raise StateError(f"{path.parent}: no such directory; create it, or set another `state`") from None
    except OSError as error:
        raise not_writable(path, error, "the state file and its directory") from None


def _check(connection: sqlite3.Connection, path: Path | None) -> None:
    if path is None or path.stat().st_size == 0:
        return
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application not in (0, APPLICATION_ID) or (tables and not application):
        raise StateCorrupt(f"{path}: is a database of another program; set another `state`, this file is left as it is")
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    wal = journal(path)
    if path.stat().st_size % page and not (wal.exists() and wal.stat().st_size):
        raise sqlite3.DatabaseError("malformed: it ends within a page")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"malformed: {verdict}")


def _schema(connection: sqlite3.Connection, path: Path | None, now: Micros) -> None:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()
    if not tables:
        script = resources.files("exporter.store").joinpath("schema.sql").read_text("utf-8")
        connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA application_id = {APPLICATION_ID};")
        facts = [("schema", str(SCHEMA_VERSION)), ("created_at", str(now))]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", facts)
        connection.execute("COMMIT")
        return
    found = read_meta(connection, "schema")
    if not found.isdigit():
        raise sqlite3.DatabaseError(f"malformed: schema version {found!r}")
    if int(found) > SCHEMA_VERSION:
        raise StateNewer(
            f"{path}: was written by a newer version (schema {found}, this version knows {SCHEMA_VERSION}); "
            f"install the newer version again, or start empty with --state.reset{_copy_from_before(path)}"
        )
    if int(found) < SCHEMA_VERSION:
        upgrade(connection, path, int(found), SCHEMA_VERSION, now)


def _copy_from_before(path: Path | None) -> str:
    """Name the copy that was made when the state was upgraded, if it is still there."""
    if path is None or not (made := copies(path)):
        return ""
    return f"; {made[-1]} is a copy from before the upgrade, without what was counted since"


def journal(path: Path, suffix: str = "-wal") -> Path:
    """Return where SQLite keeps a journal: beside the file itself, not beside a link to it."""
    real = path.resolve()
    return real.with_name(real.name + suffix)


def read_meta(connection: sqlite3.Connection, key: str) -> str:
    """Return one fact about the file, "" when it is not there."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return "" if row is None else str(row[0])


def read_created_at(connection: sqlite3.Connection, path: Path | None) -> Micros:
    """Return when the state was begun (wall time)."""
    text = read_meta(connection, "created_at")
    if not text.isdigit():
        raise damaged(path, "when it was begun cannot be read")
    return int(text)


def set_aside(path: Path, now: datetime) -> list[Path]:
    """Move a state file and its journals aside (``--state.reset``); return where they are now.

    Raises StateLocked when a process has it open, whose counts would go on into the file that was moved.
    """
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    moved = []
    lock = StateLock(path)
    try:
        for suffix in ("", "-wal", "-shm"):
            old = journal(path, suffix)
            if old.exists():
                moved.append(old.rename(journal(path, f".reset-{stamp}{suffix}")))
    except OSError as error:
        raise StateError(f"{path}: cannot be moved aside ({error.strerror})") from None
    finally:
        lock.release()
    return moved
