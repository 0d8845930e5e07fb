"""What Foundry's records mean: workloads with their schedules, runs with their outcome and durations. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from typing import Final, NamedTuple, Self

from exporter.catalogue.foundry import DISPATCHES
from exporter.catalogue.runs import (
    FAILED,
    LAST_RUN,
    OPEN,
    OUTCOMES,
    QUEUED,
    RUN_DURATION,
    RUN_FAILURES,
    RUN_LATENESS,
    RUN_WAIT,
    RUNNING,
    RUNS,
    SCHEDULE_FIRED,
    TRIGGERED_RUNS,
    UNKNOWN,
)
from exporter.observations import Add, Delivery, Effect, Named, Page, Roster, Run, Skipped, Workload
from exporter.platforms import labels
from exporter.platforms.base import Birth
from exporter.platforms.durations import parse_duration
from exporter.platforms.foundry import outcome as outcomes
from exporter.platforms.foundry.records import Attempt, Routine, RoutineRun
from exporter.platforms.foundry.schedules import schedules_of, unusable
from exporter.platforms.lengths import Told, effects, length, told
from exporter.platforms.pace import SHORTEST_GRACE
from exporter.platforms.parsing import believable
from exporter.redaction import blank
from exporter.times import Micros

BIRTHS: Final = tuple(Birth(RUNS, (outcome,)) for outcome in OUTCOMES)
STATES: Final = (QUEUED, RUNNING, OPEN)

Kind = tuple[str | None, str | None, str | None, str | None, str | None]
"""Trigger type, attempt source and action type; of a failed run the type of error and the status code, else None."""
NO_FAILURE: Final = (None, None)

IN_THE_FEED: Final = (None, FAILED)
"""Outcomes of runs that people may look for by their further ids; None while it is open. Others only when late."""
NEVER_LATE: Final = parse_duration(SHORTEST_GRACE)
"""However the target is configured, a run that started this soon is not late."""

UNUSABLE_SCHEDULE: Final = Skipped("schedule")
"""A trigger whose cron expression or zone cannot be understood: nothing is said of when it is due."""

NO_DELIVERY: Final = frozenset({"event_fire", "manual_dispatch"})
"""Attempts that no schedule made; only deliveries carry a scheduled fire time."""

KNOWN: Final = {
    "status": outcomes.STATUSES,
    "phase": outcomes.PHASES,
    "trigger_type": frozenset({"schedule", "timer", "github_issue", "custom"}),
    "attempt_source": frozenset(
        {"event_fire", "manual_dispatch", "queued_dispatch", "schedule_delivery", "timer_delivery"}
    ),
    "action_type": frozenset({"invoke_agent_responses_api", "invoke_agent_invocations_api"}),
}
"""Values that the documentation names, by field, in lower case."""


def observe_roster(batch: Roster[Routine]) -> Roster[Workload]:
    """Say what the list of routines means."""
    bad_schedules = tuple(UNUSABLE_SCHEDULE for routine in batch.items for _ in unusable(routine))
    types = {trigger.type for routine in batch.items for trigger in routine.triggers.values()}
    return Roster(
        items=tuple(workload(routine) for routine in batch.items),
        upstream_now=batch.upstream_now,
        skipped=(*batch.skipped, *bad_schedules),
        unknown=("trigger_type",) if any(_is_unknown("trigger_type", each) for each in types) else (),
    )


def workload(routine: Routine) -> Workload:
    """Return the workload that a routine is."""
    action = routine.action
    agent = None if action is None else action.agent_name or action.agent_endpoint_id
    triggers = routine.triggers.values()
    info = {
        "workload_id": routine.name,
        "agent_id": agent or "",
        "trigger_type": _joined(trigger.type for trigger in triggers),
        "schedule": _joined(trigger.cron_expression for trigger in triggers),
        "time_zone": _joined(trigger.time_zone for trigger in triggers),
    }
    edits = [at for at in (routine.created_at, routine.updated_at) if at is not None]
    return Workload(
        identity=routine.name,
        label=labels.workload(routine.name),
        info={name: labels.value(text) for name, text in info.items() if text},
        enabled=routine.enabled,
        edited_at=max(edits, default=None),
        schedules=schedules_of(routine),
    )


def _counts(outcome: str, kind: Kind) -> tuple[Add, ...]:
    """The counters that a run raises by one; what the platform leaves null is an empty label value."""
    trigger_type, attempt_source, action_type, error_type, code = kind
    counts = (
        Add(RUNS, (outcome,)),
        Add(TRIGGERED_RUNS, (labels.value(trigger_type or ""), outcome)),
        Add(DISPATCHES, (labels.value(attempt_source or ""), labels.value(action_type or ""), outcome)),
    )
    if outcome != FAILED:
        return counts
    reason = error_type or (f"http_{code}" if code else UNKNOWN)
    return (*counts, Add(RUN_FAILURES, (labels.value(reason), labels.value(code or ""))))


def _effect(outcome: str | None, has_end: bool, kind: Kind, told: Told, trigger: str | None) -> Effect:
    """What a run does but for its numbers; ``told`` is of its duration, wait and lateness, ``trigger`` the one that
    made it, if that was a schedule. One that has not ended (``outcome`` None) adds nothing."""
    events: tuple[Named, ...] = () if trigger is None else ((SCHEDULE_FIRED, (trigger,)),)
    if outcome is None:
        return Effect(events=events)
    if has_end:
        events = (*events, (LAST_RUN, (outcome,)))
    negative, values = effects(told, (RUN_DURATION, (outcome,)), (RUN_WAIT, ()), (RUN_LATENESS, ()))
    return Effect((*_counts(outcome, kind), *negative), values, events)


class Shared(NamedTuple):
    """What most runs of a page have in common; ``of_a_page`` works it out once for each page."""

    effect: Callable[[str | None, bool, Kind, Told, str | None], Effect] = _effect
    label: Callable[[str], str] = labels.value

    @classmethod
    def of_a_page(cls) -> Self:
        """Begin a new page: what may be known of a text, such as a secret in it, can change between two."""
        return cls(cache(_effect), cache(labels.value))


ONE_BY_ONE: Final = Shared()


def observe_page(batch: Page[Attempt], now: Micros) -> Page[Run]:
    """Say what a page of a routine's runs means; ``now`` is the upstream's."""
    shared = Shared.of_a_page()
    combinations = set(map(attrgetter(*KNOWN), [attempt.run for attempt in batch.items]))
    values = dict(zip(KNOWN, zip(*combinations, strict=True), strict=False))
    return Page(
        listing=batch.listing,
        sequence=batch.sequence,
        items=tuple([observe_run(attempt, batch.listing, now, shared) for attempt in batch.items]),
        step=batch.step,
        upstream_now=batch.upstream_now,
        skipped=batch.skipped,
        drop_link=batch.drop_link,
        unknown=tuple(field for field, held in values.items() if any(_is_unknown(field, value) for value in held)),
    )


def observe_run(attempt: Attempt, routine: str, now: Micros, shared: Shared = ONE_BY_ONE) -> Run:
    """Say what one attempt means. Times that cannot be believed count as missing (rule 5)."""
    run = attempt.run
    triggered, started = believable(run.triggered_at, now), believable(run.started_at, now)
    ended, fire_at = believable(run.ended_at, now), believable(run.scheduled_fire_at, now)
    begun = triggered if started is None else started
    outcome = outcomes.outcome(run.status, run.phase, ended, now)
    delivery = _delivery(attempt, fire_at, shared)
    lasted: Told = ()
    values: tuple[int, ...] = ()
    events: tuple[Micros, ...] = () if delivery is None else (delivery.fire_at,)
    if outcome is not None:
        lasted, values = told((length(started, ended), length(triggered, started), length(fire_at, begun)))
        if ended is not None:
            events = (*events, ended)
    failure = (run.error_type, run.error_status_code) if outcome == FAILED else NO_FAILURE
    kind = (run.trigger_type, run.attempt_source, run.action_type, *failure)
    trigger = None if delivery is None else delivery.trigger
    effect = shared.effect(outcome, ended is not None, kind, lasted, trigger)
    state = OPEN if outcome is not None else outcomes.state(run.status, run.phase, started)
    is_late = fire_at is not None and begun is not None and begun - fire_at > NEVER_LATE
    ids = _ids(run) if outcome in IN_THE_FEED or is_late else ()
    times = (None, triggered, started, ended)  # by position, as the rest: it takes half the time
    return Run(
        blank(run.id),
        routine,
        *times,
        outcome is not None,
        state,
        outcome or UNKNOWN,
        effect,
        values,
        events,
        delivery,
        ids,
    )


def _ids(run: RoutineRun) -> tuple[tuple[str, str], ...]:
    """The ids by which the portal and its traces know what the run did."""
    known = (
        ("dispatch_id", run.dispatch_id),
        ("response_id", run.response_id),
        ("conversation_id", run.conversation_id),
        ("session_id", run.session_id),
        ("correlation_id", run.action_correlation_id),
        ("task_id", run.task_id),
    )
    return tuple([(kind, blank(value)) for kind, value in known if value])


def _delivery(attempt: Attempt, fire_at: Micros | None, shared: Shared) -> Delivery | None:
    run = attempt.run
    trigger = run.trigger_name or attempt.trigger
    if fire_at is None or trigger is None or (run.attempt_source or "").lower() in NO_DELIVERY:
        return None
    return Delivery(shared.label(trigger), fire_at)


def _joined(texts: Iterable[str | None]) -> str:
    return ",".join(dict.fromkeys(text for text in texts if text))


def _is_unknown(field: str, value: str | None) -> bool:
    return bool(value) and str(value).strip().lower() not in KNOWN[field]
