"""Schedules judged in data time: due, next, overdue and missed (rule 30).

A due time counts as missed when ``schedule_grace`` has passed up to the listing's last whole read, the workload
was enabled, not edited and not first seen since, and no delivery with that fire time, give or take a minute, was
found. A delivery is that of the nearest due time only, or a schedule of every minute could miss every other one.
Until the grace has passed nothing is said, so that a read that came too early blames nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from itertools import dropwhile, islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from exporter.catalogue.runs import SCHEDULE_DUE, SCHEDULE_MISSED, SCHEDULE_NEXT, SCHEDULE_OVERDUE
from exporter.counting.crowd import OTHER
from exporter.counting.draft import Draft
from exporter.counting.series import add, born
from exporter.counting.states import ScheduleState, SeriesKey, WorkloadState
from exporter.observations import Delivery, Level, Schedule, Workload
from exporter.times import HOUR, MINUTE, Micros, from_datetime, to_datetime

SAME_FIRE: Final = MINUTE
"""A delivery belongs to the nearest due time, when that is at most this far from its fire time."""

CRON_FIELDS: Final = 5

DUE_TIMES_AT_ONCE: Final = 5000
"""How many due times are judged in one batch; a longer backlog goes on with the next."""


def valid(schedule: Schedule) -> bool:
    """Whether due times can be computed."""
    if schedule.cron is None:
        return schedule.at is not None
    if len(schedule.cron.split()) != CRON_FIELDS:
        return False
    try:
        next(_cron(schedule.cron, schedule.zone, 0, reverse=False))
    except (CronSimError, ZoneInfoNotFoundError, ValueError, OSError, StopIteration, OverflowError):
        return False
    return True


def due_after(schedule: Schedule, start: Micros) -> Iterator[Micros]:
    """Yield the due times after ``start``, in order."""
    if schedule.cron is not None:
        # From within the hour that comes twice, the library goes back to the first of the two.
        yield from dropwhile(lambda due: due <= start, _cron(schedule.cron, schedule.zone, start, reverse=False))
    elif schedule.at is not None and schedule.at > start:
        yield schedule.at


def due_before(schedule: Schedule, end: Micros) -> Micros | None:
    """Return the latest due time at or before ``end``."""
    if schedule.cron is not None:
        ahead = _MOST_REPEATED if _comes_again(schedule.zone, end) else 1
        return next((due for due in _cron(schedule.cron, schedule.zone, end + ahead, reverse=True) if due <= end), None)
    return schedule.at if schedule.at is not None and schedule.at <= end else None


def met(schedule: Schedule, fire: Micros) -> Micros | None:
    """Return the due time that was met by a delivery with this fire time, None where there is none."""
    near = takewhile(lambda due: due <= fire + SAME_FIRE, due_after(schedule, fire - SAME_FIRE - 1))
    return min(near, key=lambda due: abs(due - fire), default=None)


def _meets_or_follows(schedule: Schedule, fire: Micros, overdue: Micros) -> bool:
    """Whether a delivery says that what was overdue has come, or is past."""
    return fire >= overdue or (fire >= overdue - SAME_FIRE and met(schedule, fire) == overdue)


_MOST_REPEATED: Final = 3 * HOUR
"""No clock is set back by as much: from then on, no time that comes twice is in the way."""


def _comes_again(zone: str | None, at: Micros) -> bool:
    """Whether local time was set back so lately that it reads what it read before."""
    return zone is not None and to_datetime(at).astimezone(ZoneInfo(zone)).fold == 1


def _cron(cron: str, zone: str | None, start: Micros, *, reverse: bool) -> Iterator[Micros]:
    local = to_datetime(start).astimezone(ZoneInfo(zone) if zone else UTC)
    for due in CronSim(cron, local, reverse=reverse):
        yield from_datetime(due)


def told(draft: Draft, state: WorkloadState, item: Workload) -> WorkloadState:
    """Take in what the roster says of a workload's schedules.

    What is due is judged from first sight, from the latest edit and from when it was enabled again. At most
    ``max_label_values`` triggers of a workload are followed, as far as ``max_series`` leaves room, and none of a
    workload in ``_other``.
    """
    known = dict(state.triggers)
    earlier = draft.workload(item.identity)
    was_off = earlier is not None and earlier.enabled is False
    before = {name: (cron, zone, at) for name, cron, zone, at in state.schedules}
    usable = [s for s in item.schedules if before.get(s.name) == (s.cron, s.zone, s.at) or valid(s)]
    kept = usable[: draft.limits.max_label_values] if state.slot != OTHER else []
    kept = [schedule for schedule in kept if _followed(draft, state.slot, schedule.name)]
    triggers = []
    for schedule in kept:
        trigger = known.get(schedule.name)
        since = max(draft.now if trigger is None else trigger.judged_to, min(item.edited_at or 0, draft.now))
        changed = before.get(schedule.name) != (schedule.cron, schedule.zone, schedule.at)
        if trigger is None or changed or was_off or item.enabled is False:
            # a workload that is disabled owes nothing, also not for that time once it is seen enabled again
            trigger = ScheduleState(judged_to=max(since, draft.now), delivered=())
        elif since > trigger.judged_to:
            trigger = trigger._replace(judged_to=since, overdue=None)
        triggers.append((schedule.name, trigger))
    return state._replace(
        edited_at=item.edited_at,
        schedules=tuple((s.name, s.cron, s.zone, s.at) for s in kept),
        triggers=tuple(triggers),
    )


def _followed(draft: Draft, slot: str, trigger: str) -> bool:
    """Whether a trigger is followed: it has its series, born now if there is room for it."""
    key = SeriesKey(SCHEDULE_MISSED.name, (slot, trigger))
    if draft.series(key) is None and not draft.room.take(key):
        draft.changes.crowded = True
        return False
    born(draft, key)
    return True


def levels(draft: Draft) -> Iterator[Level]:
    """Say when each schedule was due last and will be due next."""
    for identity, state in draft.workloads():
        if state.absent_at is not None:
            continue
        for name, cron, zone, at in state.schedules:
            schedule = Schedule(name, cron, zone, at)
            due = due_before(schedule, draft.now)
            if due is not None:
                yield Level(SCHEDULE_DUE, identity, (name,), due)
            following = next(due_after(schedule, draft.now), None)
            if following is not None:
                yield Level(SCHEDULE_NEXT, identity, (name,), following)


def delivered(state: WorkloadState, deliveries: list[Delivery]) -> WorkloadState:
    """Note fire times that are not judged yet; one after an overdue time ends the overdue."""
    if not deliveries or not state.triggers:
        return state
    schedules = _schedules(state)
    triggers = dict(state.triggers)
    for delivery in deliveries:
        trigger = triggers.get(delivery.trigger)
        if trigger is None:
            continue
        overdue = trigger.overdue
        if overdue is not None and _meets_or_follows(schedules[delivery.trigger], delivery.fire_at, overdue):
            trigger = trigger._replace(overdue=None)
        if delivery.fire_at > trigger.judged_to - SAME_FIRE and delivery.fire_at not in trigger.delivered:
            trigger = trigger._replace(delivered=(*trigger.delivered, delivery.fire_at))
        triggers[delivery.trigger] = trigger
    return state._replace(triggers=tuple((name, triggers[name]) for name, _ in state.triggers))


def judge(draft: Draft, identity: str, read_started: Micros) -> None:
    """Judge what was due up to ``schedule_grace`` before the whole read that began at ``read_started``."""
    state = draft.workload(identity)
    if state is None or not state.triggers or state.enabled is False:
        return
    schedules = _schedules(state)
    limit = read_started - draft.limits.schedule_grace
    triggers = []
    for name, trigger in state.triggers:
        if limit <= trigger.judged_to:
            triggers.append((name, trigger))
            continue
        judged, missed = _judged(trigger, schedules[name], limit)
        if missed:
            add(draft, SeriesKey(SCHEDULE_MISSED.name, (state.slot, name)), missed)
        triggers.append((name, judged))
    if tuple(triggers) != state.triggers:
        draft.changes.workloads[identity] = state._replace(triggers=tuple(triggers))


def _schedules(state: WorkloadState) -> dict[str, Schedule]:
    return {name: Schedule(name, cron, zone, at) for name, cron, zone, at in state.schedules}


def _judged(trigger: ScheduleState, schedule: Schedule, limit: Micros) -> tuple[ScheduleState, int]:
    overdue = trigger.overdue
    missed = 0
    due_times = takewhile(lambda due: due <= limit, due_after(schedule, trigger.judged_to))
    last = limit
    batch = list(islice(due_times, DUE_TIMES_AT_ONCE))
    if len(batch) == DUE_TIMES_AT_ONCE:
        last = batch[-1]
    were_met = {met(schedule, fire) for fire in trigger.delivered}
    for due in batch:
        if due in were_met:
            overdue = None
        else:
            missed += 1
            overdue = due if overdue is None else overdue
    if overdue is not None and any(_meets_or_follows(schedule, fire, overdue) for fire in trigger.delivered):
        overdue = None
    still = tuple(fire for fire in trigger.delivered if fire > last - SAME_FIRE)
    return ScheduleState(judged_to=last, delivered=still, overdue=overdue), missed


def overdue_levels(draft: Draft, identity: str) -> dict[SeriesKey, float]:
    """Name the overdue times of one workload."""
    state = draft.workload(identity)
    if state is None or state.enabled is False:
        return {}
    return {
        SeriesKey(SCHEDULE_OVERDUE.name, (state.slot, name)): trigger.overdue
        for name, trigger in state.triggers
        if trigger.overdue is not None
    }
