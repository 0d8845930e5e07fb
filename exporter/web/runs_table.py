"""The page's tables of runs: those that failed, were late or were given up, and those open for longest."""

from __future__ import annotations

from typing import Final

from exporter.times import Micros
from exporter.web.markup import Markup, element, join
from exporter.web.selection import address
from exporter.web.sorting import Column, Order, headings, in_order
from exporter.web.tables import ids, lines, row, span, table
from exporter.web.times import length, moment
from exporter.web.views import OPEN, RunsView, RunView

SHOWN: Final = 50
"""Rows of a table; the rest is in the JSON."""

RUNS: Final = "runs"
OPEN_RUNS: Final = "open"

_KINDS: Final = {"failed": "bad", "unknown": "warn"}


COLUMNS: Final[tuple[Column[RunView], ...]] = (
    Column("Ended", "at", lambda run: run.at),
    Column("Target", "target", lambda run: run.target),
    Column("Workload", "workload", lambda run: run.workload),
    Column("Outcome", "outcome", lambda run: run.outcome),
    Column("Ids", "id", lambda run: run.run_id),
)
OPEN_COLUMNS: Final[tuple[Column[RunView], ...]] = (
    Column("Open since", "at", lambda run: run.at),
    *COLUMNS[1:3],
    Column("State", "state", lambda run: run.state),
    COLUMNS[4],
)


def ended_table(view: RunsView, order: Order, others: list[tuple[str, str]]) -> Markup:
    """Return the table of runs that failed, were late or were given up."""
    head = headings(COLUMNS, order, RUNS, others, RUNS)
    return _table("Failed and late runs", head, COLUMNS, in_order(view.ended, COLUMNS, order), view.now)


def open_table(view: RunsView, order: Order, others: list[tuple[str, str]]) -> Markup:
    """Return the table of the runs that are open for longest."""
    head = headings(OPEN_COLUMNS, order, OPEN_RUNS, others, OPEN_RUNS)
    return _table("Longest-open runs", head, OPEN_COLUMNS, in_order(view.open, OPEN_COLUMNS, order), view.now)


def _table(
    caption: str, head: Markup, columns: tuple[Column[RunView], ...], runs: list[RunView], now: Micros
) -> Markup:
    titles = [column.title for column in columns]
    return table(caption, head, (row(titles, _cells(run, now)) for run in runs[:SHOWN]))


def _cells(run: RunView, now: Micros) -> list[Markup]:
    filtered = address("/", [("target", run.target), ("workload", run.workload)])
    return [
        moment(run.last_seen if run.outcome != OPEN else run.created, now),
        join(run.target),
        element("a", run.workload, href=f"{filtered}#runs"),
        span(run.state or "") if run.outcome == OPEN else _outcome(run),
        _ids(run),
    ]


def _outcome(run: RunView) -> Markup:
    reason = ", ".join(filter(None, (run.reason, run.status_code)))
    lasted = None if run.started is None or run.ended is None else run.ended - run.started
    return lines(
        span("given up" if run.outcome == "unknown" else run.outcome, kind=_KINDS.get(run.outcome)),
        span(reason) if reason and run.outcome == "failed" else None,
        None if run.late is None else span(f"{length(run.late)} late", kind="warn"),
        None if lasted is None or lasted < 0 else span(f"after {length(lasted)}", kind="faint"),
    )


def _ids(run: RunView) -> Markup:
    own = element("code", run.run_id)
    first = own if run.url is None else element("a", own, href=run.url, rel="noreferrer noopener")
    return ids([("run", first), *((kind.removesuffix("_id"), element("code", held)) for kind, held in run.ids)])
