"""From the tables into a ledger in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from exporter.catalogue import BY_NAME
from exporter.counting.ledger import Changes
from exporter.counting.memory import MemoryLedger
from exporter.counting.series import width
from exporter.counting.states import TargetState
from exporter.store import rows


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
