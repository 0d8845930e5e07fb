"""Stores to try the contract on, changes that touch every table, and a connection that fails when told to."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from exporter.catalogue.runs import LAST_RUN, RUN_DURATION, RUN_FAILURES, RUNS
from exporter.counting.ledger import Changes
from exporter.counting.memory import MemoryLedger
from exporter.counting.series import width
from exporter.counting.states import (
    Exemplar,
    ListingState,
    OpenRun,
    ScheduleState,
    Series,
    SeriesKey,
    SourceState,
    TargetState,
    WindowState,
    WorkloadState,
)
from exporter.store.sqlite import SqliteStore
from exporter.times import DAY, HOUR, MINUTE

NOW = 1_790_000_000_000_000
TODAY = NOW // DAY

DONE = SeriesKey(RUNS.name, ("w", "completed"))
LASTED = SeriesKey(RUN_DURATION.name, ("w", "completed"))
FAILED = SeriesKey(RUN_FAILURES.name, ('naïve "name"\n💥', "time, out", "504"))
MARK = SeriesKey(LAST_RUN.name, ("w", "completed"))


def everything() -> Changes:
    """Changes that touch every table, with every field other than its default."""
    bars = tuple(range(width(RUN_DURATION)))
    return Changes(
        target=TargetState(NOW, NOW - DAY, NOW + 1, NOW - HOUR, NOW - MINUTE, TODAY - 10),
        listings={
            "w": ListingState(1, "link", 2, "sweep", 3, 4, 5, 6, 7, 8, "run-1", True, "timeout", 9, True),
            "empty": ListingState(),
        },
        open_runs={"run 1": OpenRun("w", "w", NOW - HOUR, "running", NOW, NOW - HOUR, (TODAY - 1, TODAY), 1)},
        timeless={"run 2": NOW},
        workloads={
            "id": WorkloadState(
                label="w",
                slot="w",
                first_seen=NOW - DAY,
                info=(("agent_id", "a"), ("org_id", "o")),
                enabled=False,
                edited_at=NOW - 1,
                schedules=(("cron", "0 9 * * 1", "Europe/Berlin", None), ("timer", None, None, NOW)),
                triggers=(("cron", ScheduleState(NOW, (NOW - 1, NOW - 2), NOW - 3)), ("timer", ScheduleState(NOW))),
                former=("old", "older"),
                absent_at=NOW,
                absent_span=HOUR,
            ),
            "plain": WorkloadState("p", "_other", NOW),
        },
        sources={"list": SourceState(NOW - DAY, NOW), "other": SourceState(NOW)},
        windows={("id", DONE): WindowState("list", NOW - DAY, 17)},
        series={
            DONE: Series((2**53,), (3,), NOW + 7, 5, NOW - 1, 6),
            LASTED: Series(bars, bars[::-1], NOW),
            FAILED: Series((1,), (0,), NOW),
        },
        marks={MARK: NOW},
        remember=[(TODAY, "run 3"), (TODAY - 1, "run 3"), (TODAY, "run 4")],
        levels={"": {DONE: 1.5}},
        read={"": NOW},
        exemplars={LASTED: {0: Exemplar("run 3", 5, NOW)}},
    )


def durable(ledger: MemoryLedger) -> dict[str, object]:
    """All of a ledger that outlives the process, ids excepted."""
    names = ("target", "listings", "open_runs", "timeless", "workloads", "sources", "windows", "series", "marks")
    found = {name: getattr(ledger, name) for name in names}
    return {name: dict(value) if isinstance(value, dict) else value for name, value in found.items()}


NOTHING = durable(MemoryLedger(holds=False))
"""What a ledger holds that nothing was ever committed to."""


def commit(store: SqliteStore, changes: Changes, name: str = "t") -> None:
    """One batch."""
    with store.transaction(name) as transaction:
        transaction.apply(changes)


def counted(number: int, key: SeriesKey = DONE) -> Changes:
    """A counter at a number, and the run that brought it there."""
    return Changes(series={key: Series((number,), (0,), NOW)}, remember=[(TODAY, f"run {number}")])


def knows(store: SqliteStore, ids: Iterable[str], name: str = "t") -> set[str]:
    """Those of the ids that are kept under today."""
    return store.ledger(name).remembered({TODAY: list(ids)})


class Faulty(sqlite3.Connection):
    """Raises before or after a statement for which ``fault`` says so."""

    fault: Callable[[str], str | None] = staticmethod(lambda sql: None)

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        """Run a statement, or fail."""
        return self._faulty(sql, lambda: super(Faulty, self).execute(sql, parameters))

    def executemany(self, sql: str, parameters: Any) -> sqlite3.Cursor:
        """Run a statement many times, or fail."""
        return self._faulty(sql, lambda: super(Faulty, self).executemany(sql, parameters))

    @staticmethod
    def _faulty(sql: str, run: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        when = Faulty.fault(sql)
        if when == "before":
            raise sqlite3.OperationalError("disk I/O error")
        cursor = run()
        if when == "after":
            raise sqlite3.OperationalError("disk I/O error")
        return cursor
