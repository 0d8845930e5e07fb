"""The run feed as people ask for it: from the ledgers of the running targets to what page and API show."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Final

from exporter.counting.feed import FeedRun, shown
from exporter.counting.states import OpenRun
from exporter.target import Target
from exporter.times import Micros
from exporter.web.selection import RunFilter
from exporter.web.views import OPEN, RunsView, RunView


def runs(targets: Iterable[Target], now: Micros, wanted: RunFilter) -> RunsView:
    """Return the runs that fit, of all targets: ended ones newest first, open ones oldest first.

    What is not shown is only counted: a thousand targets remember two hundred runs each.
    """
    chosen = [target for target in targets if wanted.may_be_of(target.name)]
    ended = [(run.at, target, run) for target in chosen for run in _ended(target, wanted)]
    opened = [found for target in chosen for found in _open(target, wanted)] if wanted.may_be_open() else []
    newest = heapq.nlargest(wanted.limit, ended, key=_time)
    oldest = heapq.nsmallest(wanted.limit, opened, key=_time)
    return RunsView(
        now=now,
        ended=tuple(_ended_view(target, run) for _, target, run in newest),
        ended_total=len(ended),
        open=tuple(_open_view(target, run_id, run) for _, target, run_id, run in oldest),
        open_total=len(opened),
    )


_time: Final = itemgetter(0)


def _ended(target: Target, wanted: RunFilter) -> Iterable[FeedRun]:
    runs = target.ledger.feed.runs
    return [run for run in runs if _fits(target, run, wanted)] if wanted.narrow else runs


def _fits(target: Target, run: FeedRun, wanted: RunFilter) -> bool:
    return (
        wanted.may_be(run.run_id)
        and wanted.may_have_ended(run.outcome, run.late)
        and wanted.may_be_from(run.label, _series(target, run))
    )


def _series(target: Target, run: FeedRun) -> str:
    """Return the label value of the workload's series; that of a forgotten one is its name."""
    workload = target.ledger.workloads.get(run.workload)
    return run.label if workload is None else workload.slot


def _ended_view(target: Target, run: FeedRun) -> RunView:
    return RunView(
        target=target.name,
        platform=target.platform.name,
        workload=run.label,
        series=_series(target, run),
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


def _open(target: Target, wanted: RunFilter) -> Iterator[tuple[Micros, Target, str, OpenRun]]:
    # one call, so that a poll that commits meanwhile disturbs nothing
    for run_id, run in list(target.ledger.open_runs.items()):
        named = not wanted.workloads or wanted.may_be_from(*_names(target, run))
        if named and wanted.may_be(shown(run_id)):
            yield run.birth, target, run_id, run


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
