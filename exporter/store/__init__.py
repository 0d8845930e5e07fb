"""The store keeps, durably, what counting decides. The contract, sentence by sentence:

- A *ledger* is one target's: everything that was counted, and the totals. ``ledger(name)`` is a live view of what
  is committed; reading it never waits for a writer.
- ``transaction(name)`` gives the ledger for one batch. What is written through it becomes durable together when
  the block ends, or not at all. Memory changes only after COMMIT returned.
- When a transaction fails the error is a ``StateError``, nothing has changed, and the next transaction starts
  from what is on disk.
- One process writes: a second one is refused with ``StateLocked`` before it has read anything.
- A file that is damaged, foreign or newer is refused with a sentence that names it and the way out. It is never
  started over in silence and never overwritten.
- When a target's upstream identity differs from the stored one, totals and created times stay, and the rest of
  its ledger is dropped: its next poll is a baseline.
- An older schema is brought up to this version's, in one transaction, after a copy of the file was made beside it.
- What belongs to targets that are not configured is kept, not shown, and dropped after ``forget_after``.

One suite of tests runs over every implementation (``tests/store/``).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from exporter.counting.ledger import Changes
from exporter.counting.memory import MemoryLedger
from exporter.times import Micros


class Transaction(Protocol):
    """One batch's way to write."""

    @property
    def ledger(self) -> MemoryLedger:
        """The target's ledger, to count against."""

    def apply(self, changes: Changes) -> None:
        """Write changes; durable when the transaction ends. At most once a transaction."""


class Store(Protocol):
    """Where ledgers live. Safe to use from many threads; one thread at a time commits for a target."""

    def open_target(
        self, name: str, identity: str, now: Micros, *, holds: bool, previous: str | None = None
    ) -> MemoryLedger:
        """Load a target's ledger, or begin one. ``identity`` says which upstream it is about.

        When there is none of this name, but one of the name ``previous`` that is not open, that one is taken over.
        """

    def close_target(self, name: str) -> None:
        """Stop showing a target; what is stored stays."""

    def ledger(self, name: str) -> MemoryLedger:
        """Return an open target's ledger."""

    def transaction(self, name: str) -> AbstractContextManager[Transaction]:
        """Begin the transaction of one batch."""

    def drop_unused(self, now: Micros, before: Micros) -> list[str]:
        """Note that the open targets are in use; drop those last in use before a time and return their names."""

    def size_bytes(self) -> int:
        """Return how much room the state takes on disk."""

    def created_at(self) -> Micros:
        """Return when the state was begun (wall time)."""

    def close(self) -> None:
        """Give everything back. Nothing is lost by not calling it."""
