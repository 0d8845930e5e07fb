"""Ids of runs that ended, as hashes: how they are kept, where they stay, how they are found.

Hashes of one batch lie anywhere among those of their day: a hundred of them, each put in its place, touch nearly a
hundred pages of the file, and a commit writes every one. So a batch's ids are first kept together, one row a day
(``ended_page``), in the transaction of the batch. They move to their place (``ended_run``) many at a time, in the
transaction of a batch that brings none, as the end of each poll does, or when there are more than ``MOST``. Until then
they are in memory as well.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Final

from exporter.counting.ledger import Changes

SIZE: Final = 16
"""Bytes of a hash."""

MOST: Final = 5000
"""Ids of a target that wait to be moved: about half a megabyte of memory."""

IDS_AT_ONCE: Final = 500
"""How many ids one look-up names; SQLite allows a thousand parameters in its oldest builds."""

ROWS_AT_ONCE: Final = 300
"""How many rows of three are written with one statement, for the same reason."""

DAYS_KEPT: Final = (
    "SELECT (SELECT min(day) FROM ended_run WHERE target = ?), (SELECT max(day) FROM ended_run WHERE target = ?)"
)

Waiting = Mapping[int, Collection[bytes]]
"""Hashes by day."""


@lru_cache(maxsize=2048)
def id_of(run_id: str) -> bytes:
    """Return the 16 bytes under which a run's id is kept: what a page looked up it mostly writes a moment later."""
    return blake2b(run_id.encode("utf-8", "surrogatepass"), digest_size=SIZE).digest()


def waiting(connection: sqlite3.Connection, target: int) -> dict[int, set[bytes]]:
    """Return the ids that were not moved yet. Raises ValueError for a row that cannot be read."""
    found: dict[int, set[bytes]] = defaultdict(set)
    for day, ids in connection.execute("SELECT day, ids FROM ended_page WHERE target = ?", (target,)):
        if not isinstance(ids, bytes) or len(ids) % SIZE:
            raise ValueError("ended_page")
        found[day].update(ids[at : at + SIZE] for at in range(0, len(ids), SIZE))
    return dict(found)


def keep(connection: sqlite3.Connection, target: int, before: Waiting, changes: Changes) -> Waiting | None:
    """Keep what a batch wants remembered, and drop what it prunes.

    ``before`` are the ids that wait now. Once this is committed those wait too that are returned, or with None not one.
    """
    new: dict[int, list[bytes]] = defaultdict(list)
    for day, run_id in changes.remember:
        new[day].append(id_of(run_id))
    prunes = changes.prune_before_day is not None
    if new and not prunes and sum(map(len, chain(before.values(), new.values()))) <= MOST:
        rows = [(target, day, b"".join(ids)) for day, ids in new.items()]
        connection.executemany("INSERT INTO ended_page VALUES (?, ?, ?)", rows)
        return new
    _put(connection, target, [(day, digest) for days in (before, new) for day in days for digest in days[day]])
    if before:
        connection.execute("DELETE FROM ended_page WHERE target = ?", (target,))
    if prunes:
        connection.execute("DELETE FROM ended_run WHERE target = ? AND day < ?", (target, changes.prune_before_day))
    return None


def _put(connection: sqlite3.Connection, target: int, ids: Iterable[tuple[int, bytes]]) -> None:
    """Put ids in their place, many with each statement: between two statements another thread may take its turn.

    Neighbours in the file are written together. ``OR IGNORE``, since no row of ours can break anything but the key: a
    statement of many rows that might fail half way has SQLite copy each page that it touches.
    """
    rows = sorted(ids)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        marks = ", ".join(["(?, ?, ?)"] * len(part))
        values = [value for day, digest in part for value in (target, day, digest)]
        connection.execute(f"INSERT OR IGNORE INTO ended_run VALUES {marks}", values)  # noqa: S608


def remembered(
    connection: sqlite3.Connection, target: int, waiting: Waiting, ids: Mapping[int, Collection[str]]
) -> set[str]:
    """Return those run ids that are kept under one of the days given for them.

    Days are looked at in the order given, and only for what was not found before. A look-up answers with one row:
    at each further one another thread could take the interpreter, and many rows would take many turns.
    """
    found: set[str] = set()
    first, last = connection.execute(DAYS_KEPT, (target, target)).fetchone()
    for day, run_ids in ids.items():
        in_place = first is not None and first <= day <= last
        if not in_place and day not in waiting:
            continue
        wanted = {id_of(run_id): run_id for run_id in run_ids if run_id not in found}
        found.update([wanted.pop(digest) for digest in wanted.keys() & waiting.get(day, ())])
        keys = list(wanted) if in_place else []
        for start in range(0, len(keys), IDS_AT_ONCE):
            part = keys[start : start + IDS_AT_ONCE]
            marks = ",".join("?" * len(part))
            sql = f"SELECT group_concat(hex(id), ' ') FROM ended_run WHERE target = ? AND day = ? AND id IN ({marks})"  # noqa: S608
            (kept,) = connection.execute(sql, (target, day, *part)).fetchone()
            found.update(wanted[bytes.fromhex(digest)] for digest in (kept or "").split())
    return found
