"""From an older schema to this version's, with a copy of the file from before.

A migration is a list of statements that make schema N + 1 out of N. All that are due run in one transaction, so that
a kill in between leaves the old schema.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Final

from exporter.errors import StateError
from exporter.times import Micros, to_datetime

MIGRATIONS: Mapping[int, Sequence[str]] = {
    1: (
        "CREATE TABLE ended_page (target INTEGER NOT NULL, day INTEGER NOT NULL, ids BLOB NOT NULL)",
        "ALTER TABLE target ADD COLUMN doubted_at BIGINT",
        "ALTER TABLE listing ADD COLUMN newest_id TEXT",
    ),
}
"""Statements by the schema that they are for. There is one for each schema before this version's."""

PAGES_AT_ONCE: Final = 1024
"""Pages copied between two looks at what writers did."""


def upgrade(connection: sqlite3.Connection, path: Path | None, found: int, wanted: int, now: Micros) -> None:
    """Bring a state from schema ``found`` to ``wanted``.

    Raises sqlite3.Error, and StateError when it cannot be copied.
    """
    if path is not None:
        copy(connection, path, _copy_path(path, found, now))
    connection.execute("BEGIN IMMEDIATE")
    try:
        for version in range(found, wanted):
            for statement in MIGRATIONS[version]:
                connection.execute(statement)
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (str(wanted),))
        connection.execute("COMMIT")
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise


def copies(path: Path) -> list[Path]:
    """Return the copies of a state that were made before migrations, the newest last."""
    return sorted(path.parent.glob(f"{path.name}.schema-*"), key=lambda copied: copied.name.rpartition("-")[2])


def copy(connection: sqlite3.Connection, path: Path, to: Path) -> None:
    """Copy an open state to a new file, whole or not at all, readable by its owner only.

    Others may go on writing meanwhile. Raises StateError, and never writes over a file.
    """
    part = to.with_name(f"{to.name}.part")
    try:
        if to.exists():
            raise StateError(f"{to}: exists already; a copy is never written over a file")
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(part, isolation_level=None)) as made:
            connection.backup(made, pages=PAGES_AT_ONCE)
            made.execute("PRAGMA journal_mode=DELETE")  # one file, without journals beside it
        part.rename(to)
    except FileNotFoundError:
        raise StateError(f"{to.parent}: no such directory") from None
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StateError(f"{path}: cannot be copied to {to} ({reason})") from None
    finally:
        part.unlink(missing_ok=True)


def _copy_path(path: Path, found: int, now: Micros) -> Path:
    stamp = to_datetime(now).astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return path.with_name(f"{path.name}.schema-{found}-{stamp}")
