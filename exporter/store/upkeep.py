"""What people do with a state file besides running on it: look, check, copy, rename a target, forget one.

Looking, checking and copying only read, also while the service writes: they see one commit and all before it. The
others change the file and need it for themselves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from exporter.catalogue.runs import RUNS
from exporter.counting.memory import MemoryLedger
from exporter.errors import StateError, StateLocked
from exporter.store.connection import APPLICATION_ID, SCHEMA_VERSION, damaged, journal, read_created_at, read_meta
from exporter.store.ids import waiting
from exporter.store.migrations import copies, copy
from exporter.store.reading import load
from exporter.store.sqlite import SqliteStore
from exporter.times import Micros

_OF_TARGETS: Final = (
    "listing",
    "open_run",
    "ended_run",
    "ended_page",
    "timeless_run",
    "workload",
    "source",
    "figure",
    "series",
    "mark",
)
"""Tables whose rows belong to a target."""

_IDS: Final = """
WITH RECURSIVE page(ids) AS (
  SELECT ids FROM ended_page WHERE target = ? UNION ALL SELECT substr(ids, 17) FROM page WHERE length(ids) > 16
)
SELECT count(*) FROM (SELECT id FROM ended_run WHERE target = ? UNION SELECT substr(ids, 1, 16) FROM page)
"""
"""How many runs are remembered, also those that a poll under way has just kept."""

_MOST_TOLD: Final = 20


class TargetFacts(NamedTuple):
    """What a state holds of one target. ``runs`` are counted ones, held back or not.

    ``baseline_at`` and ``data_at`` are None before a first poll.
    """

    name: str
    identity: str
    used_at: Micros
    baseline_at: Micros | None
    data_at: Micros | None
    workloads: int
    series: int
    runs: int
    open_runs: int
    ids: int


class StateFacts(NamedTuple):
    """What a state file is and holds. ``copies`` were made before migrations.

    ``size`` is that of the file alone, in bytes; ``journal`` what lies beside it in the write-ahead log.
    """

    path: Path
    size: int
    journal: int
    schema: int
    created_at: Micros
    targets: tuple[TargetFacts, ...]
    copies: tuple[Path, ...]


def describe(path: Path) -> StateFacts:
    """Say what a state holds."""
    with _reading(path) as connection:
        targets = connection.execute("SELECT id, name FROM target ORDER BY name").fetchall()
        return StateFacts(
            path=path,
            size=path.stat().st_size,
            journal=_journal(path),
            schema=int(read_meta(connection, "schema")),
            created_at=read_created_at(connection, path),
            targets=tuple(_facts(connection, path, number) for number, _ in targets),
            copies=tuple(copies(path)),
        )


def _journal(path: Path) -> int:
    try:
        return journal(path).stat().st_size
    except FileNotFoundError:  # it comes and goes
        return 0


def _facts(connection: sqlite3.Connection, path: Path, number: int) -> TargetFacts:
    ledger = _ledger(connection, path, number)
    name, identity, used_at = connection.execute(
        "SELECT name, identity, used_at FROM target WHERE id = ?", (number,)
    ).fetchone()
    counted = (series for key, series in ledger.series.items() if key.family == RUNS.name)
    (ids,) = connection.execute(_IDS, (number, number)).fetchone()
    return TargetFacts(
        name=name,
        identity=identity,
        used_at=used_at,
        baseline_at=None if ledger.target is None else ledger.target.baseline_at,
        data_at=None if ledger.target is None else ledger.target.data_at,
        workloads=len(ledger.workloads),
        series=len(ledger.series),
        runs=sum(series.shown[0] + series.pending[0] for series in counted),
        open_runs=len(ledger.open_runs),
        ids=ids,
    )


def verify(path: Path) -> list[str]:
    """Return what is wrong with a state, nothing when all is well: pages, owners of rows, every row readable."""
    with _reading(path) as connection:
        verdicts = connection.execute(f"PRAGMA integrity_check({_MOST_TOLD})").fetchall()
        problems = [str(verdict) for (verdict,) in verdicts if verdict != "ok"]
        for table in _OF_TARGETS:
            (orphans,) = connection.execute(
                f"SELECT count(*) FROM {table} WHERE target NOT IN (SELECT id FROM target)"  # noqa: S608 (names of ours)
            ).fetchone()
            if orphans:
                problems.append(f"{table}: {orphans} rows belong to no target")
        for number, name in connection.execute("SELECT id, name FROM target ORDER BY name").fetchall():
            try:
                ledger = _ledger(connection, path, number)
            except StateError as error:
                problems.append(f"target {name}: {error}")
                continue
            negative = sum(min(*series.shown, *series.pending) < 0 for series in ledger.series.values())
            if negative:
                problems.append(f"target {name}: {negative} series are below 0")
        return problems


def back_up(path: Path, to: Path) -> None:
    """Copy a state, also while the service runs on it. Raises StateError, and never writes over a file."""
    with _reading(path) as connection:
        copy(connection, path, to)


def rename_target(path: Path, old: str, new: str, now: Micros) -> None:
    """Give what was counted for a target another name."""
    with _alone(path, now) as store:
        names = store.target_names()
        if old not in names:
            raise StateError(_no_target(path, old, names))
        if new in names:
            raise StateError(f"{path}: there is a target {new} already; forget one of the two first")
        store.rename_target(old, new)


def forget(path: Path, names: list[str], now: Micros) -> None:
    """Drop all that was counted for targets; none when one of them is not there."""
    with _alone(path, now) as store:
        known = store.target_names()
        for name in names:
            if name not in known:
                raise StateError(_no_target(path, name, known))
        for name in names:
            store.forget_target(name)


def _no_target(path: Path, name: str, known: list[str]) -> str:
    there = f"only {', '.join(known)}" if known else "there is none at all"
    return f"{path}: there is no target {name}, {there}"


@contextmanager
def _alone(path: Path, now: Micros) -> Iterator[SqliteStore]:
    _must_exist(path)
    try:
        store = SqliteStore(path, now)
    except StateLocked as error:
        raise StateLocked(error.found, "stop the service that runs on it first, and start it afterwards") from None
    with closing(store):
        yield store


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a state for reading, as of one commit. Raises StateError and its kinds."""
    _must_exist(path)
    try:
        with closing(sqlite3.connect(_uri(path), uri=True, isolation_level=None)) as connection:
            _check(connection, path)
            connection.execute("BEGIN")
            yield connection
    except sqlite3.Error as error:
        raise damaged(path, str(error)) from None


def _uri(path: Path) -> str:
    """Return how to open it without ever writing; without journals beside it, not even those are needed."""
    quiet = not journal(path).exists()
    return f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' * quiet}"


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise StateError(f"{path}: is no state file of this program")
    found = read_meta(connection, "schema")
    if found != str(SCHEMA_VERSION):
        raise StateError(
            f"{path}: has schema {found}, this version knows {SCHEMA_VERSION}; use the version that wrote it"
            f"{', or start the service once, which upgrades it' * (found.isdigit() and int(found) < SCHEMA_VERSION)}"
        )


def _must_exist(path: Path) -> None:
    if path.is_dir():
        raise StateError(f"{path}: is a directory; name the state file in it as the first argument")
    if not path.is_file():
        raise StateError(f"{path}: there is no such file; name the state as the first argument")


def _ledger(connection: sqlite3.Connection, path: Path, number: int) -> MemoryLedger:
    ledger = MemoryLedger(holds=False)
    try:
        load(connection, number, ledger)
        waiting(connection, number)
    except (ValueError, TypeError) as error:
        raise damaged(path, f"a row cannot be read: {type(error).__name__}") from None
    return ledger
