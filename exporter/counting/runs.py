"""Runs, from listings: what is new, what is history, what ended, what is given up (rules 3 to 9)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from operator import attrgetter
from typing import Final

from exporter.catalogue.ledger import LATE_RUNS_SKIPPED, RUNS_EXPIRED
from exporter.catalogue.model import Metric
from exporter.catalogue.runs import LAST_RUN, PAUSED, RUNS, SCHEDULE_FIRED, UNKNOWN
from exporter.counting import listings, notable, schedules, workloads
from exporter.counting.crowd import OTHER
from exporter.counting.draft import Draft, Events
from exporter.counting.series import add, apply_run, key_of, settle
from exporter.counting.sightings import Sighting, sightings
from exporter.counting.states import ListingState, OpenRun, SeriesKey, TargetState, days_of
from exporter.observations import Add, Delivery, Labels, Page, Run
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
            _open_seen(draft, page.listing, row)
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
    listings.advance(draft, page, known)
    if page.step.complete and page.step.kind == "sweep" and page.step.started > (known.last_sweep or 0):
        _missed_by_sweep(draft, page)
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

    On a page without any times it is what stands below a known run. On a page out of order it is each of them, since
    its neighbours say nothing. Only a sweep of a listing that was out of order before believes what it finds: that
    listing has no other order, and no run must wait for ever.
    """
    found: set[str] = set()
    if known.newest is None:
        return found
    if page.step.unsorted and not (known.unsorted and page.step.kind == "sweep"):
        return {row.run.id for row in rows if row.timeless} - {row.run.id for row in rows if not row.timeless}
    if not all(row.timeless for row in rows):
        return found
    below = page.sequence > 0
    for row in rows:
        run_id = row.run.id
        if below:
            found.add(run_id)
        below = below or run_id in remembered or bool(draft.timeless(run_id) or draft.open_run(run_id))
    return found


CLOCKS_AGREE: Final = 10 * SECOND
"""Differences of clocks up to this are the resolution of ``Date`` and the way of an answer."""


def _is_history(draft: Draft, target: TargetState, known: ListingState, when: Micros) -> bool:
    """Whether a run that ended ``when`` had ended before the baseline (rule 9).

    An upstream that was set back since then tells earlier times of runs that are new. In a listing that was read
    whole before, where what is history has its id kept, such a run gets the benefit of the doubt.
    """
    if when >= target.baseline_at:
        return False
    behind = target.baseline_at - target.born_at - (draft.now - draft.moment.world)
    return known.horizon is None or behind <= CLOCKS_AGREE or when + behind < target.baseline_at


def _new(draft: Draft, target: TargetState, listing: str, row: Sighting, known: ListingState) -> None:
    run = row.run
    if run.ended:
        when = row.birth if run.finished is None else run.finished
        if _is_history(draft, target, known, when):  # judged first: what ended before us is nobody's late run
            if row.timeless or row.latest >= target.floor:
                _keep(draft, row)  # it must stay history also when the upstream shows it again without its times
            _mark(draft, workloads.slot_of(draft, run.workload), run)
            notable.note_ended(draft, run, row.latest, news=False)
        elif row.birth < target.floor:
            if row.latest >= target.floor:
                _skip(draft, row)
        else:
            _count(draft, row)
    elif row.birth < target.floor:
        if row.latest >= target.floor:
            _skip(draft, row)
    elif draft.now - row.birth > draft.limits.open_run_max_age and run.state != PAUSED and draft.trusted:
        _skip(draft, row)
    else:
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


def _seen_again(draft: Draft, row: Sighting) -> None:
    """Take a run that was dealt with before: after a start, the feed fills up with these."""
    if row.run.ended:
        notable.note_ended(draft, row.run, row.latest, news=False)


def _open_seen(draft: Draft, listing: str, row: Sighting) -> None:
    run = row.run
    known = draft.open_run(run.id)
    if known is None:
        return
    days = known.days if row.timeless else tuple(sorted({*known.days, *row.days}))
    if run.ended:
        draft.changes.open_runs[run.id] = None
        _count(draft, row._replace(days=days))
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


def _count(draft: Draft, row: Sighting) -> None:
    run = row.run
    slot = workloads.slot_of(draft, run.workload)
    apply_run(draft, slot, run)
    _mark(draft, slot, run)
    _keep(draft, row)
    notable.note_ended(draft, run, row.latest, news=True)


def _mark(draft: Draft, slot: str, run: Run) -> None:
    """Note when the run's events were; ``settle`` applies the latest of each."""
    asked = (slot, run.effect)
    events = draft.events.get(asked)
    if events is None:
        keys = [_key_told(draft, metric, slot, labels) for metric, labels in run.effect.events]
        events = draft.events[asked] = Events(keys)
    events.told.append(run.events)


def _key_told(draft: Draft, metric: Metric, slot: str, labels: Labels) -> SeriesKey | None:
    """Return the gauge that an event is spoken of by, if it is."""
    asked = (metric, slot, labels)
    if asked not in draft.unspoken:
        draft.unspoken[asked] = not _is_told(draft, metric, slot, labels)
    return None if draft.unspoken[asked] else key_of(draft, metric, slot, labels)


def _is_told(draft: Draft, metric: Metric, slot: str, labels: Labels) -> bool:
    """Whether an event is spoken of: of all those in ``_other`` only the latest run, and of triggers there may be too
    many, since any run can name one."""
    if metric is LAST_RUN:
        return True
    if slot == OTHER:
        return False
    if metric is not SCHEDULE_FIRED:
        return True
    key = key_of(draft, metric, slot, labels)
    if draft.mark(key) is not None:
        return True
    if draft.fired[slot] >= draft.limits.max_label_values or not draft.room.take(key):
        return False
    draft.fired[slot] += 1
    return True


def _skip(draft: Draft, row: Sighting) -> None:
    add(draft, SeriesKey(LATE_RUNS_SKIPPED.name, ()), 1)
    _keep(draft, row)
    if not row.run.ended:
        _keep_undated(draft, row.run.id)


def _keep(draft: Draft, row: Sighting) -> None:
    """Keep the id under the days of its times, and where it has none, or they are borrowed, for itself."""
    if row.timeless:
        _keep_undated(draft, row.run.id)
    for day in row.days:
        draft.changes.remember.append((day, row.run.id))


def _keep_undated(draft: Draft, run_id: str) -> None:
    """Keep an id until it was unseen for long: also of a run that was given up, whose end is to come on any day."""
    draft.changes.timeless[run_id] = draft.now


def _expire(draft: Draft, run_id: str, known: OpenRun) -> None:
    """Give an open run up: it leaves the gauge and is counted with outcome unknown (rule 8)."""
    slot = workloads.slot_of(draft, known.workload)
    given_up = Add(RUNS, (UNKNOWN,))
    add(draft, key_of(draft, given_up.metric, slot, given_up.labels), 1)
    add(draft, SeriesKey(RUNS_EXPIRED.name, ()), 1)
    notable.note_given_up(draft, run_id, known)
    draft.changes.open_runs[run_id] = None
    draft.changes.remember.extend((day, run_id) for day in known.days or days_of((known.birth,)))
    _keep_undated(draft, run_id)


SWEEPS_TO_BE_GONE: Final = 2
"""Complete sweeps running that must miss an open run before it is given up."""


def _missed_by_sweep(draft: Draft, page: Page[Run]) -> None:
    """Note which open runs a complete sweep did not meet, of those born where it went."""
    for run_id, run in list(draft.open_runs()):
        if run.listing != page.listing or run.seen_at >= page.step.started or run.birth < page.step.depth:
            continue
        missed = run._replace(missed=run.missed + 1)
        if missed.missed >= SWEEPS_TO_BE_GONE and draft.trusted:
            _expire(draft, run_id, missed)
        else:
            draft.changes.open_runs[run_id] = missed


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
