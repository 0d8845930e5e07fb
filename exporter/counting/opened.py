"""Runs that have not ended: remembered until they do, or are given up (rule 8)."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.ledger import RUNS_EXPIRED
from exporter.catalogue.runs import PAUSED, RUNS, UNKNOWN
from exporter.counting import counted, notable, workloads
from exporter.counting.draft import Draft
from exporter.counting.series import add, key_of
from exporter.counting.sightings import Sighting
from exporter.counting.states import OpenRun, SeriesKey, days_of
from exporter.observations import Add, Page, Run


def first_seen(draft: Draft, listing: str, row: Sighting) -> None:
    """Remember a run that has not ended."""
    run = row.run
    workloads.slot_of(draft, run.workload)
    draft.changes.open_runs[run.id] = OpenRun(
        listing=listing,
        workload=run.workload,
        birth=row.birth,
        state=run.state,
        seen_at=draft.now,
        aged_from=draft.now if run.state == PAUSED else row.birth,
        days=row.days,
    )
    notable.note_open(draft, run)


def seen_again(draft: Draft, listing: str, row: Sighting) -> None:
    """Take in what an open run is now: ended, which counts it, or open still, perhaps for too long."""
    run = row.run
    known = draft.open_run(run.id)
    if known is None:
        return
    days = known.days if row.timeless else tuple(sorted({*known.days, *row.days}))
    if run.ended:
        draft.changes.open_runs[run.id] = None
        counted.count_run(draft, row._replace(days=days))
        return
    if run.workload != known.workload:
        workloads.slot_of(draft, run.workload)  # it is where it was seen last, and is counted where it ends
    seen = known._replace(
        listing=listing,
        workload=run.workload,
        state=run.state,
        seen_at=max(draft.now, known.seen_at),
        aged_from=draft.now if run.state == PAUSED else known.aged_from,
        days=days,
        missed=0,
    )
    draft.changes.open_runs[run.id] = seen
    notable.note_open(draft, run)
    if run.state != PAUSED and draft.now - seen.aged_from > draft.limits.open_run_max_age and draft.trusted:
        _expire(draft, run.id, seen)


def _expire(draft: Draft, run_id: str, known: OpenRun) -> None:
    """Give an open run up: it leaves the gauge and is counted with outcome unknown (rule 8)."""
    slot = workloads.slot_of(draft, known.workload)
    given_up = Add(RUNS, (UNKNOWN,))
    add(draft, key_of(draft, given_up.metric, slot, given_up.labels), 1)
    add(draft, SeriesKey(RUNS_EXPIRED.name, ()), 1)
    notable.note_given_up(draft, run_id, known)
    draft.changes.open_runs[run_id] = None
    draft.changes.remember.extend((day, run_id) for day in known.days or days_of((known.birth,)))
    counted.keep_undated(draft, run_id)


SWEEPS_TO_BE_GONE: Final = 2
"""Complete sweeps running that must miss an open run before it is given up."""


def missed_by_sweep(draft: Draft, page: Page[Run]) -> None:
    """Note which open runs a complete sweep did not meet, of those born where it went."""
    for run_id, run in list(draft.open_runs()):
        if run.listing != page.listing or run.seen_at >= page.step.started or run.birth < page.step.depth:
            continue
        missed = run._replace(missed=run.missed + 1)
        if missed.missed >= SWEEPS_TO_BE_GONE and draft.trusted:
            _expire(draft, run_id, missed)
        else:
            draft.changes.open_runs[run_id] = missed
