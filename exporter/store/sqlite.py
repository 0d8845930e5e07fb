"""The store in one SQLite file (``exporter.store`` has the contract)."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from exporter import killpoints
from exporter.counting.memory import MemoryLedger
from exporter.errors import StateError
from exporter.store import ids
from exporter.store.connection import connect, damaged, read_created_at
from exporter.store.files import StateFiles
from exporter.store.ledgers import Asked, SqliteTransaction, StoredLedger
from exporter.store.reading import load
from exporter.store.writing import drop, drop_all_but_totals, reset_changed_bounds
from exporter.times import Micros


class SqliteStore:
    """Ledgers in one file, or in memory when ``path`` is None (nothing is kept then).

    ``on_commit`` is told how many seconds each COMMIT of a batch took.
    """

    def __init__(self, path: Path | None, now: Micros, on_commit: Callable[[float], None] | None = None) -> None:
        self.path = path
        self._on_commit = on_commit
        self._now = now
        self._lock = threading.RLock()
        self._ledgers: dict[str, StoredLedger] = {}
        self._broken = False
        self._files = None if path is None else StateFiles(path)
        with ExitStack() as undo:
            if self._files is not None:
                undo.callback(self._files.withdraw)
            self._connection = connect(path, now)
            undo.callback(self._close)
            self._created_at = read_created_at(self._connection, path)
            if self._files is not None:
                self._files.opened()
            with self._guard():
                self._begin()
                reset_changed_bounds(self._connection, now)
                self._connection.execute("COMMIT")
            undo.pop_all()

    def open_target(
        self, name: str, identity: str, now: Micros, *, holds: bool, previous: str | None = None
    ) -> MemoryLedger:
        """Load a target's ledger, or begin one."""
        with self._lock, self._guard():
            self._begin()
            if previous is not None and previous not in self._ledgers:
                self._rename(previous, name)
            row = self._connection.execute("SELECT id, identity FROM target WHERE name = ?", (name,)).fetchone()
            if row is None:
                cursor = self._connection.execute(
                    "INSERT INTO target (name, identity, used_at) VALUES (?, ?, ?) RETURNING id",
                    (name, identity, now),
                )
                number = int(cursor.fetchone()[0])
            else:
                number = int(row[0])
                self._connection.execute(
                    "UPDATE target SET identity = ?, used_at = ? WHERE id = ?", (identity, now, number)
                )
                if row[1] != identity:
                    drop_all_but_totals(self._connection, number)
            self._connection.execute("COMMIT")
            ledger = StoredLedger(self.remembered, number, identity, holds=holds)
            self._load(ledger)
            self._ledgers[name] = ledger
            return ledger

    def target_names(self) -> list[str]:
        """Return the names of all targets that the state knows, open or not."""
        with self._lock:
            return [name for (name,) in self._connection.execute("SELECT name FROM target ORDER BY name")]

    def rename_target(self, old: str, new: str) -> None:
        """Give a target that is not open another name, unless that is taken."""
        with self._lock, self._guard():
            self._begin()
            self._rename(old, new)
            self._connection.execute("COMMIT")

    def _rename(self, old: str, new: str) -> None:
        taken = "EXISTS (SELECT 1 FROM target WHERE name = ?)"
        self._connection.execute(f"UPDATE target SET name = ? WHERE name = ? AND NOT {taken}", (new, old, new))  # noqa: S608

    def forget_target(self, name: str) -> None:
        """Drop all of a target that is not open."""
        with self._lock, self._guard():
            self._begin()
            for (number,) in self._connection.execute("SELECT id FROM target WHERE name = ?", (name,)).fetchall():
                drop(self._connection, number)
            self._connection.execute("COMMIT")

    def _load(self, ledger: StoredLedger) -> None:
        try:
            load(self._connection, ledger.row, ledger)
            ledger.waiting = ids.waiting(self._connection, ledger.row)
        except (ValueError, TypeError) as error:
            raise damaged(self.path, f"a row cannot be read: {type(error).__name__}") from None

    def remembered(self, ledger: StoredLedger, asked: Asked) -> set[str]:
        """Return those ids that are kept under one of the days given for them."""
        with self._lock:
            return ids.remembered(self._connection, ledger.row, ledger.waiting, asked)

    def close_target(self, name: str) -> None:
        """Stop showing a target."""
        with self._lock:
            self._ledgers.pop(name, None)

    def ledger(self, name: str) -> MemoryLedger:
        """Return an open target's ledger."""
        return self._ledgers[name]

    @contextmanager
    def transaction(self, name: str) -> Iterator[SqliteTransaction]:
        """Begin the transaction of one batch."""
        with self._lock:
            ledger = self._ledgers[name]
            with self._guard():
                self._begin()
                transaction = SqliteTransaction(self._connection, ledger)
                yield transaction
                killpoints.reached("before_commit")
                took = self._commit()
                killpoints.reached("after_commit")
                if transaction.changes is not None:
                    self._broken = True  # until memory has what is on disk
                    ledger.apply(transaction.changes)
                    ledger.wait(transaction.waiting)
                    self._broken = False
            if self._on_commit is not None:
                self._on_commit(took)

    def _commit(self) -> float:
        """Make what the transaction wrote durable, and return how many seconds that took."""
        started = time.monotonic()
        self._connection.execute("COMMIT")
        took = time.monotonic() - started
        if self._files is not None:
            with suppress(StateError):  # it is committed; the next transaction will say so
                self._files.written()
        return took

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Undo what fails; after an error of the database, start again from what is on disk."""
        try:
            yield
        except sqlite3.Error as error:
            self._broken = True
            raise StateError(f"{self.path or 'state in memory'}: {error}") from None
        except BaseException:
            if not self._broken and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _begin(self) -> None:
        if self._files is not None and not self._files.intact():
            self._broken = True
        if self._broken:
            self._recover()
        self._connection.execute("BEGIN IMMEDIATE")
        if self._files is not None:
            self._files.written()

    def _recover(self) -> None:
        """Undo what is half done, and put what is on disk into memory."""
        if self._files is None:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        else:
            self._files.check()
            self._connection.close()
            self._files.disconnected()
            self._connection = connect(self.path, self._now)
            if read_created_at(self._connection, self.path) != self._created_at:
                raise self._files.replaced()
        for ledger in self._ledgers.values():
            self._load(ledger)
        self._broken = False

    def drop_unused(self, now: Micros, before: Micros) -> list[str]:
        """Note that the open targets are in use; drop those last in use before a time."""
        with self._lock, self._guard():
            self._begin()
            open_now = [(now, ledger.row) for ledger in self._ledgers.values()]
            self._connection.executemany("UPDATE target SET used_at = ? WHERE id = ?", open_now)
            unused = self._connection.execute("SELECT id, name FROM target WHERE used_at < ?", (before,)).fetchall()
            unused = [(number, name) for number, name in unused if name not in self._ledgers]
            for number, _ in unused:
                drop(self._connection, number)
            self._connection.execute("COMMIT")
            return [name for _, name in unused]

    def size_bytes(self) -> int:
        """Return how much room the state takes on disk, journals included."""
        return 0 if self._files is None else self._files.size_bytes()

    def created_at(self) -> Micros:
        """Return when the state was begun (wall time)."""
        return self._created_at

    def close(self) -> None:
        """Close the file and let another process in."""
        with self._lock:
            self._ledgers.clear()
            self._close()
            self._unlock()

    def _close(self) -> None:
        self._connection.close()

    def _unlock(self) -> None:
        if self._files is not None:
            self._files.release()
            self._files = None
