"""From the tables into a ledger in memory, and looking ids up that stay on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from hashlib import blake2b

from exporter.catalogue import BY_NAME
from exporter.counting.ledger import Changes, TargetState
from exporter.counting.memory import MemoryLedger
from exporter.counting.series import width
from exporter.store import rows

IDS_AT_ONCE = 500
"""How many ids one look-up names; SQLite allows a thousand parameters in its oldest builds."""

DAYS_KEPT = (
    "SELECT (SELECT min(day) FROM ended_run WHERE target = ?), (SELECT max(day) FROM ended_run WHERE target = ?)"
)


@lru_cache(maxsize=2048)
def id_of(run_id: str) -> bytes:
    """Return the 16 bytes under which a run's id is kept: what a page looked up it mostly writes a moment later."""
    return blake2b(run_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def load(connection: sqlite3.Connection, target: int, ledger: MemoryLedger) -> None:
    """Put what is stored into memory, in place of what was there.

    Raises ValueError or TypeError for a row that cannot be read.
    """
    fields = ", ".join(TargetState._fields)
    row = connection.execute(
        f"SELECT {fields} FROM target WHERE id = ?",  # noqa: S608 (names of ours)
        (target,),
    ).fetchone()

    def differs(
        table: rows.Table[rows.K, rows.V], known: Mapping[rows.K, rows.V], family: Callable[[rows.K], str] | None = None
    ) -> dict[rows.K, rows.V | None]:
        """Say how memory differs from a table; a family that this version does not know stays on disk."""
        stored = table.load(connection.execute(table.select, (target,)))
        if family is not None:
            stored = {key: value for key, value in stored.items() if family(key) in BY_NAME}
        return {**dict.fromkeys(known.keys() - stored.keys()), **stored}

    stored = Changes(
        target=None if row is None or row[0] is None else TargetState(*row),
        listings=differs(rows.LISTINGS, ledger.listings),
        open_runs=differs(rows.OPEN_RUNS, ledger.open_runs),
        timeless=differs(rows.TIMELESS, ledger.timeless),
        workloads=differs(rows.WORKLOADS, ledger.workloads),
        sources=differs(rows.SOURCES, ledger.sources),
        windows=differs(rows.FIGURES, ledger.windows, lambda key: key[1].family),
        series=differs(rows.SERIES, ledger.series, lambda key: key.family),
        marks=differs(rows.MARKS, ledger.marks, lambda key: key.family),
    )
    rows.forget_parts()
    for key, series in stored.series.items():
        if series is not None and {len(series.shown), len(series.pending)} != {width(BY_NAME[key.family])}:
            raise ValueError(key.family)
    ledger.apply(stored)
    if stored.target is None:
        ledger.target = None


def remembered(connection: sqlite3.Connection, target: int, ids: Mapping[int, Collection[str]]) -> set[str]:
    """Return those run ids that are kept under one of the days given for them.

    Days are looked at in the order given, and only for what was not found before. A look-up answers with one row:
    at each further one another thread could take the interpreter, and many rows would take many turns.
    """
    found: set[str] = set()
    first, last = connection.execute(DAYS_KEPT, (target, target)).fetchone()
    for day, run_ids in ids.items():
        if first is None or not first <= day <= last:
            continue
        wanted = {id_of(run_id): run_id for run_id in run_ids if run_id not in found}
        keys = list(wanted)
        for start in range(0, len(keys), IDS_AT_ONCE):
            part = keys[start : start + IDS_AT_ONCE]
            marks = ",".join("?" * len(part))
            sql = f"SELECT group_concat(hex(id), ' ') FROM ended_run WHERE target = ? AND day = ? AND id IN ({marks})"  # noqa: S608
            (kept,) = connection.execute(sql, (target, day, *part)).fetchone()
            found.update(wanted[bytes.fromhex(digest)] for digest in (kept or "").split())
    return found
