"""One target's ledger in a SQLite file, and the transaction of one batch of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping

from exporter.counting.ledger import Changes
from exporter.counting.memory import MemoryLedger
from exporter.errors import StateError
from exporter.store import ids
from exporter.store.writing import write

Asked = Mapping[int, Collection[str]]
"""Ids of runs that are looked for, by day."""

Find = Callable[["StoredLedger", Asked], set[str]]
"""Returns those ids that are kept on disk under one of the days given for them."""


class StoredLedger(MemoryLedger):
    """A ledger whose ids of ended runs stay on disk."""

    def __init__(self, find: Find, row: int, identity: str, *, holds: bool) -> None:
        super().__init__(holds=holds)
        self._find = find
        self.row = row
        self.identity = identity
        self.waiting: dict[int, set[bytes]] = {}
        """Ids that are on disk but not in their place yet (``exporter.store.ids``)."""

    def remembered(self, asked: Asked) -> set[str]:
        """Return those ids that are kept under one of the days given for them."""
        return self._find(self, asked)

    def wait(self, more: ids.Waiting | None) -> None:
        """Note what ``ids.keep`` said and was committed."""
        if more is None:
            self.waiting.clear()
        else:
            for day, digests in more.items():
                self.waiting.setdefault(day, set()).update(digests)


class SqliteTransaction:
    """Writes one batch's changes."""

    def __init__(self, connection: sqlite3.Connection, ledger: StoredLedger) -> None:
        self._connection = connection
        self.ledger = ledger
        self.changes: Changes | None = None
        self.waiting: ids.Waiting | None = None

    def apply(self, changes: Changes) -> None:
        """Write everything that is durable; it counts when the transaction ends."""
        if self.changes is not None:
            raise StateError("a transaction takes one set of changes")
        self.changes = changes
        write(self._connection, self.ledger.row, changes)
        self.waiting = ids.keep(self._connection, self.ledger.row, self.ledger.waiting, changes)
