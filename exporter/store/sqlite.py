"""The store in one SQLite file (``exporter.store`` has the contract)."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from exporter import killpoints
from exporter.catalogue import ALL, BY_NAME
from exporter.counting.ledger import Changes, TargetState, zero
from exporter.counting.memory import MemoryLedger
from exporter.counting.series import width
from exporter.errors import StateError
from exporter.store import rows
from exporter.store.connection import connect, read_meta
from exporter.store.lock import StateLock
from exporter.times import Micros

IDS_AT_ONCE = 500
"""How many ids one look-up names; SQLite allows a thousand parameters in its oldest builds."""


def id_of(run_id: str) -> bytes:
    """Return the 16 bytes under which a run's id is kept."""
    return blake2b(run_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class StoredLedger(MemoryLedger):
    """A ledger whose ids of ended runs stay on disk."""

    def __init__(self, store: SqliteStore, row: int, identity: str, *, holds: bool) -> None:
        super().__init__(holds=holds)
        self._store = store
        self.row = row
        self.identity = identity

    def remembered(self, ids: Collection[tuple[str, int]]) -> set[str]:
        """Return those ids that are kept under the day given with them."""
        return self._store.remembered(self.row, ids)


class SqliteTransaction:
    """Writes one batch's changes."""

    def __init__(self, connection: sqlite3.Connection, ledger: StoredLedger) -> None:
        self._connection = connection
        self.ledger = ledger
        self.changes: Changes | None = None

    def apply(self, changes: Changes) -> None:
        """Write everything that is durable; it counts when the transaction ends."""
        if self.changes is not None:
            raise StateError("a transaction takes one set of changes")
        self.changes = changes
        target = self.ledger.row
        if changes.target is not None:
            fields = ", ".join(f"{field} = ?" for field in TargetState._fields)
            self._connection.execute(
                f"UPDATE target SET {fields} WHERE id = ?",  # noqa: S608 (names of ours)
                (*changes.target, target),
            )
        self._write(rows.LISTINGS, changes.listings)
        self._write(rows.OPEN_RUNS, changes.open_runs)
        self._write(rows.TIMELESS, changes.timeless)
        self._write(rows.WORKLOADS, changes.workloads)
        self._write(rows.SOURCES, changes.sources)
        self._write(rows.FIGURES, changes.windows)
        self._write(rows.SERIES, changes.series)
        self._write(rows.MARKS, changes.marks)
        if changes.remember:
            self._connection.executemany(
                "INSERT INTO ended_run VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(target, day, id_of(run_id)) for day, run_id in changes.remember],
            )
        if changes.prune_before_day is not None:
            self._connection.execute(
                "DELETE FROM ended_run WHERE target = ? AND day < ?", (target, changes.prune_before_day)
            )

    def _write(self, table: rows.Table[Any, Any], changed: Mapping[Any, Any]) -> None:
        if not changed:
            return
        target = self.ledger.row
        gone = [(target, *table.key_row(key)) for key, value in changed.items() if value is None]
        if gone:
            self._connection.executemany(table.delete, gone)
        kept = [
            (target, *table.key_row(key), *table.value_row(value))
            for key, value in changed.items()
            if value is not None
        ]
        if kept:
            self._connection.executemany(table.upsert, kept)


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
        self._file_lock = StateLock(path) if path is not None else None
        try:
            self._connection = connect(path, now)
        except StateError:
            self._unlock()
            raise
        self._broken = False
        self._reset_changed_bounds(now)

    def open_target(self, name: str, identity: str, now: Micros, *, holds: bool) -> MemoryLedger:
        """Load a target's ledger, or begin one."""
        with self._lock, self._guard():
            self._begin()
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
                    self._drop_all_but_totals(number)
            self._connection.execute("COMMIT")
            ledger = StoredLedger(self, number, identity, holds=holds)
            self._load(ledger)
            ledger.hold_all()
            self._ledgers[name] = ledger
            return ledger

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
                started = time.monotonic()
                self._connection.execute("COMMIT")
                killpoints.reached("after_commit")
                if self._on_commit is not None:
                    self._on_commit(time.monotonic() - started)
            if transaction.changes is not None:
                ledger.apply(transaction.changes)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Undo what fails; after an error of the database, start again from what is on disk."""
        try:
            yield
        except sqlite3.Error as error:
            self._broken = True
            raise StateError(f"{self.path}: {error}") from None
        except BaseException:
            if not self._broken and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _begin(self) -> None:
        if self._broken:
            if self.path is None:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            else:
                self._connection.close()
                self._connection = connect(self.path, self._now)
                for ledger in self._ledgers.values():
                    self._load(ledger)
            self._broken = False
        self._connection.execute("BEGIN IMMEDIATE")

    def _load(self, ledger: StoredLedger) -> None:
        """Put what is stored into memory, in place of what was there."""
        fields = ", ".join(TargetState._fields)
        row = self._connection.execute(
            f"SELECT {fields} FROM target WHERE id = ?",  # noqa: S608 (names of ours)
            (ledger.row,),
        ).fetchone()
        stored = Changes(
            target=None if row is None or row[0] is None else TargetState(*row),
            listings=self._diff(rows.LISTINGS, ledger, ledger.listings),
            open_runs=self._diff(rows.OPEN_RUNS, ledger, ledger.open_runs),
            timeless=self._diff(rows.TIMELESS, ledger, ledger.timeless),
            workloads=self._diff(rows.WORKLOADS, ledger, ledger.workloads),
            sources=self._diff(rows.SOURCES, ledger, ledger.sources),
            windows=self._diff(rows.FIGURES, ledger, ledger.windows),
            series={
                key: series
                for key, series in self._diff(rows.SERIES, ledger, ledger.series).items()
                if key.family in BY_NAME  # a family that this version does not know stays on disk
            },
            marks={
                key: at for key, at in self._diff(rows.MARKS, ledger, ledger.marks).items() if key.family in BY_NAME
            },
        )
        ledger.apply(stored)
        if stored.target is None:
            ledger.target = None

    def _diff(
        self, table: rows.Table[rows.K, rows.V], ledger: StoredLedger, known: Mapping[rows.K, rows.V]
    ) -> dict[rows.K, rows.V | None]:
        stored = table.load(self._connection.execute(table.select, (ledger.row,)))
        return {**dict.fromkeys(known.keys() - stored.keys()), **stored}

    def remembered(self, target: int, ids: Collection[tuple[str, int]]) -> set[str]:
        """Return those ids that are kept under the day given with them."""
        by_day: dict[int, dict[bytes, str]] = defaultdict(dict)
        for run_id, day in ids:
            by_day[day][id_of(run_id)] = run_id
        found: set[str] = set()
        with self._lock:
            for day, wanted in by_day.items():
                keys = list(wanted)
                for start in range(0, len(keys), IDS_AT_ONCE):
                    part = keys[start : start + IDS_AT_ONCE]
                    marks = ",".join("?" * len(part))
                    sql = f"SELECT id FROM ended_run WHERE target = ? AND day = ? AND id IN ({marks})"  # noqa: S608
                    for (key,) in self._connection.execute(sql, (target, day, *part)):
                        found.add(wanted[key])
        return found

    def _drop_all_but_totals(self, target: int) -> None:
        """Another upstream: what was counted stands, what it was counted from says nothing any more (rule 28)."""
        for table in ("listing", "open_run", "ended_run", "timeless_run", "workload", "source", "figure", "mark"):
            self._connection.execute(f"DELETE FROM {table} WHERE target = ?", (target,))  # noqa: S608
        fields = ", ".join(f"{field} = NULL" for field in TargetState._fields)
        self._connection.execute(f"UPDATE target SET {fields} WHERE id = ?", (target,))  # noqa: S608

    def drop_unused(self, now: Micros, before: Micros) -> list[str]:
        """Note that the open targets are in use; drop those last in use before a time."""
        with self._lock, self._guard():
            self._begin()
            open_now = [(now, ledger.row) for ledger in self._ledgers.values()]
            self._connection.executemany("UPDATE target SET used_at = ? WHERE id = ?", open_now)
            unused = self._connection.execute("SELECT id, name FROM target WHERE used_at < ?", (before,)).fetchall()
            unused = [(number, name) for number, name in unused if name not in self._ledgers]
            for number, _ in unused:
                self._drop_all_but_totals(number)
                self._connection.execute("DELETE FROM series WHERE target = ?", (number,))
                self._connection.execute("DELETE FROM target WHERE id = ?", (number,))
            self._connection.execute("COMMIT")
            return [name for _, name in unused]

    def _reset_changed_bounds(self, now: Micros) -> None:
        """Begin histograms anew whose bounds are not those they were filled with (rule 19)."""
        with self._lock, self._guard():
            self._begin()
            known = dict(self._connection.execute("SELECT family, bounds FROM bounds").fetchall())
            for metric in ALL:
                if metric.type != "histogram" or not metric.durable:
                    continue
                bounds = json.dumps(metric.bounds)
                if known.get(metric.name, bounds) != bounds:
                    nothing = rows.pack(zero(width(metric)))
                    self._connection.execute(
                        "UPDATE series SET shown = ?, pending = ?, created = ? WHERE family = ?",
                        (nothing, nothing, now, metric.name),
                    )
                self._connection.execute(
                    "INSERT INTO bounds VALUES (?, ?) ON CONFLICT (family) DO UPDATE SET bounds = excluded.bounds",
                    (metric.name, bounds),
                )
            self._connection.execute("COMMIT")

    def size_bytes(self) -> int:
        """Return how much room the state takes on disk, journals included."""
        if self.path is None:
            return 0
        files = (self.path.with_name(self.path.name + suffix) for suffix in ("", "-wal", "-shm"))
        return sum(file.stat().st_size for file in files if file.exists())

    def created_at(self) -> Micros:
        """Return when the state was begun (wall time)."""
        with self._lock:
            return int(read_meta(self._connection, "created_at") or 0)

    def close(self) -> None:
        """Close the file and let another process in."""
        with self._lock:
            self._ledgers.clear()
            self._connection.close()
            self._unlock()

    def _unlock(self) -> None:
        if self._file_lock is not None:
            self._file_lock.release()
            self._file_lock = None
