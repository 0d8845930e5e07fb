"""From changes to the tables, within a transaction that somebody else begins and ends."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

from exporter.catalogue import ALL
from exporter.counting.ledger import Changes
from exporter.counting.series import width
from exporter.counting.states import TargetState, zero
from exporter.store import rows
from exporter.times import Micros

PARAMETERS: Final = 900
"""What one statement is given at the most; SQLite allows a thousand in its oldest builds."""


def write(connection: sqlite3.Connection, target: int, changes: Changes) -> None:
    """Write everything of the changes that is durable, ids of ended runs excepted (``ids.keep``)."""
    if changes.target is not None:
        fields = ", ".join(f"{field} = ?" for field in TargetState._fields)
        connection.execute(
            f"UPDATE target SET {fields} WHERE id = ?",  # noqa: S608 (names of ours)
            (*changes.target, target),
        )
    _write(connection, target, rows.LISTINGS, changes.listings)
    _write(connection, target, rows.OPEN_RUNS, changes.open_runs)
    _write(connection, target, rows.TIMELESS, changes.timeless)
    _write(connection, target, rows.WORKLOADS, changes.workloads)
    _write(connection, target, rows.SOURCES, changes.sources)
    _write(connection, target, rows.FIGURES, changes.windows)
    _write(connection, target, rows.SERIES, changes.series)
    _write(connection, target, rows.MARKS, changes.marks)


def _write(
    connection: sqlite3.Connection, target: int, table: rows.Table[Any, Any], changed: Mapping[Any, Any]
) -> None:
    gone = [(target, *table.key_row(key)) for key, value in changed.items() if value is None]
    if gone:
        connection.executemany(table.delete, gone)
    kept = [
        (target, *table.key_row(key), *table.value_row(value)) for key, value in changed.items() if value is not None
    ]
    at_once = PARAMETERS // table.width
    for start in range(0, len(kept), at_once):
        part = kept[start : start + at_once]
        connection.execute(table.upsert(len(part)), list(chain.from_iterable(part)))


def drop_all_but_totals(connection: sqlite3.Connection, target: int) -> None:
    """Another upstream: what was counted stands, what it was counted from says nothing any more (rule 28)."""
    of_runs = ("listing", "open_run", "ended_run", "ended_page", "timeless_run")
    for table in (*of_runs, "workload", "source", "figure", "mark"):
        connection.execute(f"DELETE FROM {table} WHERE target = ?", (target,))  # noqa: S608
    fields = ", ".join(f"{field} = NULL" for field in TargetState._fields)
    connection.execute(f"UPDATE target SET {fields} WHERE id = ?", (target,))  # noqa: S608


def drop(connection: sqlite3.Connection, target: int) -> None:
    """Drop all that belongs to a target."""
    drop_all_but_totals(connection, target)
    connection.execute("DELETE FROM series WHERE target = ?", (target,))
    connection.execute("DELETE FROM target WHERE id = ?", (target,))


def reset_changed_bounds(connection: sqlite3.Connection, now: Micros) -> None:
    """Begin histograms anew whose bounds are not those they were filled with (rule 19)."""
    known = dict(connection.execute("SELECT family, bounds FROM bounds").fetchall())
    for metric in ALL:
        if metric.type != "histogram" or not metric.durable:
            continue
        bounds = json.dumps(metric.bounds)
        if known.get(metric.name, bounds) != bounds:
            nothing = rows.pack(zero(width(metric)))
            connection.execute(
                "UPDATE series SET shown = ?, pending = ?, created = ? WHERE family = ?",
                (nothing, nothing, now, metric.name),
            )
        connection.execute(
            "INSERT INTO bounds VALUES (?, ?) ON CONFLICT (family) DO UPDATE SET bounds = excluded.bounds",
            (metric.name, bounds),
        )
