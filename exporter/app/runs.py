"""The run feed as people ask for it: from the ledgers of the running targets to what page and API show."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Final

from exporter.counting.feed import shown
from exporter.counting.ledger import OpenRun
from exporter.target import Target
from exporter.times import Micros
from exporter.web.selection import RunFilter
from exporter.web.views import OPEN, RunsView, RunView

OLDEST_OPEN: Final = 50
"""Open runs that are shown of each target."""


def runs(targets: Iterable[Target], now: Micros, wanted: RunFilter) -> RunsView:
    """Return the runs that fit, of all targets: ended ones newest first, open ones oldest first."""
    chosen = [target for target in targets if wanted.may_be_of(target.name)]
    ended = [view for target in chosen for view in _ended(target) if wanted.fits(view)]
    found = [_open(target, wanted) for target in chosen] if wanted.may_be_open() else []
    return RunsView(
        now=now,
        ended=tuple(sorted(ended, key=lambda view: view.at, reverse=True)),
        open=tuple(sorted((view for views, _ in found for view in views), key=lambda view: view.at)),
        open_total=sum(total for _, total in found),
    )


def _ended(target: Target) -> Iterator[RunView]:
    for run in target.ledger.feed.runs:
        workload = target.ledger.workloads.get(run.workload)
        yield RunView(
            target=target.name,
            platform=target.platform.name,
            workload=run.label,
            series=run.label if workload is None else workload.slot,
            run_id=run.run_id,
            outcome=run.outcome,
            created=run.created,
            triggered=run.triggered,
            due=run.due,
            started=run.started,
            ended=run.finished,
            last_seen=run.at,
            late=run.late,
            reason=run.reason,
            status_code=run.status_code,
            trigger=run.trigger,
            ids=run.ids,
            url=target.run_link(run.run_id, run.label, run.ids),
        )


def _open(target: Target, wanted: RunFilter) -> tuple[list[RunView], int]:
    """Return the oldest open runs that fit, and how many fit."""
    # one call, so that a poll that commits meanwhile disturbs nothing
    every = list(target.ledger.open_runs.items())
    fit = [(run_id, run) for run_id, run in every if wanted.may_be_from(*_names(target, run))]
    oldest = heapq.nsmallest(OLDEST_OPEN, fit, key=lambda found: found[1].birth)
    return [_open_view(target, run_id, run) for run_id, run in oldest], len(fit)


def _open_view(target: Target, run_id: str, run: OpenRun) -> RunView:
    workload, series = _names(target, run)
    ids = target.ledger.open_ids.get(run_id, ())
    return RunView(
        target=target.name,
        platform=target.platform.name,
        workload=workload,
        series=series,
        run_id=shown(run_id),
        outcome=OPEN,
        state=run.state,
        created=run.birth,
        last_seen=run.seen_at,
        ids=ids,
        url=target.run_link(run_id, workload, ids),
    )


def _names(target: Target, run: OpenRun) -> tuple[str, str]:
    """Return the workload's name and its label value."""
    state = target.ledger.workloads.get(run.workload)
    return (run.workload, run.workload) if state is None else (state.label, state.slot)
