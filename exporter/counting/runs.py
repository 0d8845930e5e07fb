"""Runs, from listings: what is new, what is history, what ended, what is given up (rules 3 to 9)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from operator import attrgetter
from typing import Final

from exporter.catalogue.runs import PAUSED
from exporter.counting import counted, listings, notable, opened, schedules, workloads
from exporter.counting.draft import Draft
from exporter.counting.sightings import Sighting, sightings
from exporter.counting.states import ListingState, TargetState
from exporter.counting.sums import settle
from exporter.observations import Delivery, Page, Run
from exporter.times import DAY, SECOND, Micros


def count_page(draft: Draft, page: Page[Run]) -> None:
    """Take in one page of a listing: runs first, then where the walk stands."""
    workloads.baseline(draft)
    target = draft.baseline()
    for item in page.workloads:
        workloads.see(draft, item)
    known = draft.listing(page.listing) or ListingState()
    rows = sightings(draft, page, target, known)
    lasting = _lasting(draft, {run.id for run in page.items})
    remembered = draft.ledger.remembered(_probes(draft, target, rows, lasting))
    undatable = _undatable(draft, page, known, rows, remembered)
    for row in sorted(rows, key=attrgetter("latest")):  # the latest run of a page leaves its exemplar
        run_id = row.run.id
        if run_id in lasting and draft.open_run(run_id) is not None:
            opened.seen_again(draft, page.listing, row)
        elif run_id in lasting and draft.timeless(run_id) is not None:
            draft.changes.timeless[run_id] = draft.now
            _seen_again(draft, row)
        elif run_id in remembered:
            _seen_again(draft, row)
        elif run_id not in undatable:
            _new(draft, target, page.listing, row, known)
            if run_id in draft.changes.open_runs or run_id in draft.changes.timeless:
                lasting.add(run_id)
        if run_id not in lasting or draft.open_run(run_id) is None:
            remembered.add(run_id)  # a page may hold the same run twice
    settle(draft)
    _deliveries(draft, rows)
    listings.advance(draft, page, known, ((row.run.id, None if row.timeless else row.birth) for row in rows))
    if page.step.complete and page.step.kind == "sweep" and page.step.started > (known.last_sweep or 0):
        opened.missed_by_sweep(draft, page)
    _open_levels_read(draft, page)


def _lasting(draft: Draft, run_ids: set[str]) -> set[str]:
    """Return those runs that are open, or are kept for themselves and not under a day, as a batch begins."""
    return (run_ids & draft.ledger.open_runs.keys()) | (run_ids & draft.ledger.timeless.keys())


def _probes(
    draft: Draft, target: TargetState, rows: list[Sighting], lasting: Collection[str]
) -> Mapping[int, list[str]]:
    """Return ids by the days under which they may be kept: those of a row's times, then their neighbours.

    A row that lost its times may be kept under any day that is remembered.
    """
    by_days: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for row in rows:
        if row.run.id not in lasting:
            by_days[() if row.timeless else row.days].append(row.run.id)
    remembered_days = tuple(range(target.floor // DAY - 1, draft.now // DAY + 2))
    probes: dict[int, list[str]] = defaultdict(list)
    for near in (0, 1, -1):
        for days, run_ids in by_days.items():
            for day in days or (() if near else remembered_days):
                if not near or day + near not in days:
                    probes[day + near] += run_ids
    return probes


def _undatable(
    draft: Draft, page: Page[Run], known: ListingState, rows: list[Sighting], remembered: set[str]
) -> set[str]:
    """Name the runs without any times of which nobody can say how old they are, in a listing that told times before:
    each may be one that was counted and forgotten. They are judged when their times, or their neighbours, are back.

    On a page without any times it is what does not stand at the top, right above the run that was the newest before.
    On a page out of order it is each of them, since its neighbours say nothing. Only a sweep of a listing that was out
    of order before believes what it finds: that listing has no other order, and no run must wait for ever.
    """
    found: set[str] = set()
    if known.newest is None:
        return found
    if page.step.unsorted and not (known.unsorted and page.step.kind == "sweep"):
        return {row.run.id for row in rows if row.timeless} - {row.run.id for row in rows if not row.timeless}
    if not all(row.timeless for row in rows):
        return found
    ids = [row.run.id for row in rows]
    familiar = {*remembered, *_lasting(draft, set(ids)), known.newest_id}
    top = next((index for index, run_id in enumerate(ids) if run_id in familiar), None)
    is_first = page.sequence == 0 and top is not None and ids[top] == known.newest_id
    return set(ids[top:] if is_first else ids)


CLOCKS_AGREE: Final = 10 * SECOND
"""Differences of clocks up to this are the resolution of ``Date`` and the way of an answer."""


def _is_history(draft: Draft, target: TargetState, known: ListingState, when: Micros) -> bool:
    """Whether a run that ended ``when`` had ended before the baseline (rule 9).

    An upstream that was set back since then tells earlier times of runs that are new: by as much as its clock differs
    from ours by more than then, or, when it says that the baseline is yet to come, by nobody knows how much. In a
    listing that was read whole before, where what is history has its id kept, such a run gets the benefit of the doubt.
    """
    if when >= target.baseline_at:
        return False
    if known.horizon is not None and draft.now < target.baseline_at:
        return False
    behind = target.baseline_at - target.born_at - (draft.now - draft.moment.world)
    return known.horizon is None or behind <= CLOCKS_AGREE or when + behind < target.baseline_at


def _new(draft: Draft, target: TargetState, listing: str, row: Sighting, known: ListingState) -> None:
    run = row.run
    if run.ended:
        when = row.birth if run.finished is None else run.finished
        if _is_history(draft, target, known, when):  # judged first: what ended before us is nobody's late run
            if row.timeless or row.latest >= target.floor:
                counted.keep(draft, row)  # it must stay history also when the upstream shows it again without its times
            counted.mark(draft, workloads.slot_of(draft, run.workload), run)
            notable.note_ended(draft, run, row.latest, news=False)
        elif row.birth < target.floor:
            if row.latest >= target.floor:
                counted.skip(draft, row)
        else:
            counted.count_run(draft, row)
    elif row.birth < target.floor:
        if row.latest >= target.floor:
            counted.skip(draft, row)
    elif draft.now - row.birth > draft.limits.open_run_max_age and run.state != PAUSED and draft.trusted:
        counted.skip(draft, row)
    else:
        opened.first_seen(draft, listing, row)


def _seen_again(draft: Draft, row: Sighting) -> None:
    """Take a run that was dealt with before: after a start, the feed fills up with these."""
    if row.run.ended:
        notable.note_ended(draft, row.run, row.latest, news=False)


def _deliveries(draft: Draft, rows: list[Sighting]) -> None:
    found: dict[str, list[Delivery]] = {}
    for row in rows:
        if row.run.delivery is not None:
            found.setdefault(row.run.workload, []).append(row.run.delivery)
    for identity, deliveries in found.items():
        state = draft.workload(identity)
        if state is not None:
            told = schedules.delivered(state, deliveries)
            if told != state:
                draft.changes.workloads[identity] = told


def _open_levels_read(draft: Draft, page: Page[Run]) -> None:
    if page.step.whole:
        draft.changes.read[page.listing] = draft.moment.world
        if draft.rules.listings_per_workload:
            schedules.judge(draft, page.listing, page.step.read_started)
            draft.changes.levels[page.listing] = schedules.overdue_levels(draft, page.listing)
