"""Workloads: first sight, slots, births, and forgetting (rules 15, 20, 21, 22)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from exporter.catalogue import BY_NAME
from exporter.catalogue import ledger as own
from exporter.catalogue.runs import SCHEDULE_FIRED
from exporter.counting import listings, schedules
from exporter.counting.crowd import OTHER
from exporter.counting.draft import Draft
from exporter.counting.series import add, born, key_of
from exporter.counting.states import SeriesKey, WorkloadState
from exporter.observations import Level, Roster, Workload
from exporter.texts import MAX_LABEL, cut
from exporter.times import DAY, HOUR, Micros

FORMER_LABELS = 5
"""How many earlier labels of a renamed workload keep their series."""


def count_roster(draft: Draft, roster: Roster[Workload]) -> None:
    """Take in a whole list of workloads: births, levels, absences."""
    baseline(draft)
    for item in roster.items:
        see(draft, item)
    note_absent(draft, {item.identity for item in roster.items})
    if roster.listings:
        listings.retire(draft, roster.listings)
    target = draft.baseline()
    draft.changes.target = target._replace(roster_at=draft.now)
    draft.changes.levels[""] = levels(draft, (*roster.levels, *schedules.levels(draft)))
    draft.changes.read[""] = draft.moment.world


def baseline(draft: Draft, read_until: Micros | None = None) -> None:
    """Set the baseline with the first batch, to now or where its reading ended before that; the ledger's own counters
    start at 0."""
    if draft.target is None:
        target = draft.baseline()
        if read_until is not None:
            draft.changes.target = target._replace(baseline_at=min(target.baseline_at, read_until))
        for metric in (own.GAP_SECONDS, own.RUNS_EXPIRED, own.LATE_RUNS_SKIPPED):
            born(draft, SeriesKey(metric.name, ()))


def see(draft: Draft, item: Workload) -> WorkloadState:
    """Note that the platform names a workload; a new one gets its slot, and its series at 0."""
    known = draft.workload(item.identity)
    if known is None:
        state = WorkloadState(item.label, _slot(draft, item.label), first_seen=draft.moment.world)
        _births(draft, state.slot)
    elif item.named and known.label != item.label:
        state = _renamed(draft, item.identity, known, item.label)
    else:
        state = known
    state = state._replace(
        info=tuple(sorted(item.info.items())),
        enabled=item.enabled,
        absent_at=None,
        absent_span=0,
    )
    state = schedules.told(draft, state, item)
    if state != known:
        draft.changes.workloads[item.identity] = state
    return state


def slot_of(draft: Draft, identity: str) -> str:
    """Return the workload label of an identity's series; one that nobody named is seen now."""
    state = draft.workload(identity)
    if state is None:
        state = see(draft, Workload(identity, cut(identity, MAX_LABEL)))
    return state.slot


def _slot(draft: Draft, label: str) -> str:
    if draft.ledger.own_slots() + draft.fresh_slots < draft.limits.max_workloads:
        if fits(draft, label):
            draft.fresh_slots += 1
            return label
        draft.changes.crowded = True
    return OTHER


def fits(draft: Draft, label: str) -> bool:
    """Give a new workload its first places, if all of them are there."""
    return draft.room.take(*_first_series(draft, label), workload=True)


def _first_series(draft: Draft, slot: str) -> list[SeriesKey]:
    """Name the series with which a workload is born."""
    return [SeriesKey(birth.metric.name, (slot, *birth.labels)) for birth in draft.rules.births]


def _births(draft: Draft, slot: str) -> None:
    for birth in draft.rules.births:
        born(draft, key_of(draft, birth.metric, slot, birth.labels))


def _renamed(draft: Draft, identity: str, known: WorkloadState, label: str) -> WorkloadState:
    if known.slot == OTHER:
        return known._replace(label=label)
    former = (*(slot for slot in known.former if slot != label), known.slot)
    first = _first_series(draft, label)
    has_place = fits(draft, label)
    kept = (
        FORMER_LABELS if has_place else 0
    )  # a full target shows the workload as it is called now, and nothing else of it
    state = known._replace(label=label, slot=label, former=former[-kept:] if kept else ())
    draft.changes.workloads[identity] = state
    _drop_series(draft, set(former) - set(state.former))
    if not has_place:
        draft.changes.crowded = True
        draft.room.take(*first)
    _births(draft, state.slot)
    return state


def levels(draft: Draft, told: Iterable[Level]) -> dict[SeriesKey, float]:
    """Name the levels' series; several workloads under one label add up, in ``_other`` only where that means
    something (active runs)."""
    found: dict[SeriesKey, float] = {}
    for level in told:
        labels = level.labels
        if level.workload is not None:
            slot = slot_of(draft, level.workload)
            if slot == OTHER and "state" not in level.metric.labels:
                continue
            labels = (slot, *labels)
        elif level.metric.per_workload:
            labels = ("", *labels)
        key = SeriesKey(level.metric.name, labels)
        if "state" in level.metric.labels and level.metric.unit == 1:
            found[key] = found.get(key, 0) + level.value
        else:
            found[key] = level.value
    return found


def note_absent(draft: Draft, named: set[str]) -> None:
    """Count the time for which complete rosters lacked a workload, and forget it in the end (rule 22).

    Only time between two rosters that both lacked it counts, and no more than a day at once, so that an outage
    of ours is not taken for an absence.
    """
    gone: dict[str, WorkloadState] = {}
    for identity, state in list(draft.workloads()):
        if identity in named:
            continue
        if state.absent_at is not None and 0 <= draft.now - state.absent_at < HOUR:
            continue  # written down once an hour: a thousand absent workloads cost nothing in between
        span = state.absent_span
        if state.absent_at is not None:
            span += max(0, min(draft.now - state.absent_at, DAY))
        if span >= draft.limits.forget_after and draft.trusted:
            gone[identity] = state
        else:
            draft.changes.workloads[identity] = state._replace(
                absent_at=max(draft.now, state.absent_at or draft.now), absent_span=span
            )
    if gone:
        forget(draft, gone)


def forget(draft: Draft, gone: Mapping[str, WorkloadState]) -> None:
    """Drop workloads, and the series that no other workload shares; however many go, all is looked through once."""
    draft.changes.workloads.update(dict.fromkeys(gone))
    _drop_series(draft, {slot for state in gone.values() for slot in (state.slot, *state.former)})
    for window, _ in list(draft.windows()):
        if window[0] in gone:
            draft.changes.windows[window] = None
    for run_id, run in list(draft.open_runs()):
        if run.workload in gone:
            draft.changes.open_runs[run_id] = None
            add(draft, SeriesKey(own.RUNS_EXPIRED.name, ()), 1)
    for identity in gone:
        if draft.rules.listings_per_workload and draft.listing(identity) is not None:
            draft.changes.listings[identity] = None


def _drop_series(draft: Draft, slots: set[str]) -> None:
    """Drop the series of slots under which no workload is, or lately was; ``_other`` stays."""
    gone = slots - {slot for _, state in draft.workloads() for slot in (state.slot, *state.former)} - {OTHER}
    if not gone:
        return
    for key, _ in list(draft.all_series()):
        if BY_NAME[key.family].per_workload and key.labels[0] in gone:
            draft.changes.series[key] = None
            draft.room.leave(key)
    for key, _ in list(draft.all_marks()):
        if BY_NAME[key.family].per_workload and key.labels[0] in gone:
            draft.changes.marks[key] = None
            if key.family == SCHEDULE_FIRED.name:
                draft.room.leave(key)
