"""What the counters, histograms and levels of a Foundry target must say."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.simulator.clock import MINUTE, SECOND
from exporter.simulator.model import Outcome, Run, Workload
from exporter.simulator.schedules import Cron
from exporter.simulator.truth.totals import Labels, Truth, labels_of
from exporter.simulator.world import World

GRACE = 10 * MINUTE
"""How long after its due time a schedule counts as missed."""
FIRE_TOLERANCE = 60 * SECOND
"""How far a delivery's fire time may be from the due time."""


def counted_runs(world: World, since: int, until: int, baseline: int) -> Iterator[tuple[str, Run, int, Outcome]]:
    """(routine name, run, moment of counting, outcome) of the runs that count in ``(since, until]``."""
    for key in world.keys("foundry"):
        # A run becomes countable up to LAG_LIMIT after it ends, and that of a routine that is gone only when the
        # routine has returned.
        for run in world.alive("foundry", key, world.last_present("foundry", key, since) - GRACE, until + 1):
            if run.countable_at is None:
                continue
            moment = world.next_present("foundry", key, run.countable_at)
            if moment is None or not since < moment <= until or is_history(run, baseline):
                continue
            workload = world.workload("foundry", key, moment)
            outcome = counted_outcome(run, moment)
            if workload is not None and outcome is not None:
                yield workload.name, run, moment, outcome


def counted_outcome(run: Run, moment: int) -> Outcome | None:
    """The outcome that can be read at the moment of counting; a status that never followed leaves it unknown."""
    state = run.state_at(moment)
    end = run.ended_at(moment)
    if state == "completed" and end is not None and moment < end + run.status_lag:
        return "unknown"
    return state if state in ("completed", "failed", "cancelled", "unknown") else None


def is_history(run: Run, baseline: int) -> bool:
    """Whether the run had ended before the baseline and was not seen active at it."""
    moment = run.countable_at
    if moment is None:
        return False
    if run.visible_at <= baseline < moment:
        return False
    end = run.shown("ended_at", moment)
    return (end if end is not None else birth(run, moment)) < baseline


def birth(run: Run, now: int) -> int:
    """The first of triggered, started and ended that the platform tells, else when it was made."""
    times = (run.shown(name, now) for name in ("triggered_at", "started_at", "ended_at"))
    return next((time for time in times if time is not None), run.created_at)


def failure_reason(run: Run) -> str:
    """``error_type``, else ``http_<code>``, else ``unknown``."""
    if run.error_type:
        return run.error_type
    return "unknown" if run.status_code is None else f"http_{run.status_code}"


def totals(truth: Truth, world: World, since: int, until: int, baseline: int) -> None:
    """Every durable family that runs feed. A field that the platform leaves null is an empty label value."""
    for name, run, moment, outcome in counted_runs(world, since, until, baseline):
        triggered = run.shown("triggered_at", moment)
        scheduled = run.shown("scheduled_fire_at", moment)
        started = run.shown("started_at", moment)
        ended = run.shown("ended_at", moment)
        truth.count("automation_runs_total", workload=name, outcome=outcome)
        truth.observe("automation_run_duration_seconds", _between(started, ended), workload=name, outcome=outcome)
        truth.observe("automation_run_wait_seconds", _between(triggered, started), workload=name)
        fired = started if started is not None else triggered
        truth.observe("automation_run_lateness_seconds", _between(scheduled, fired), workload=name)
        if outcome == "failed":
            code = "" if run.status_code is None else str(run.status_code)
            truth.count("automation_run_failures_total", workload=name, reason=failure_reason(run), status_code=code)
        truth.count(
            "automation_triggered_runs_total",
            workload=name,
            trigger_type=run.trigger_type or "",
            outcome=outcome,
        )
        truth.count(
            "foundry_dispatches_total",
            workload=name,
            attempt_source=run.attempt_source or "",
            action_type=run.action_type or "",
            outcome=outcome,
        )
    for labels, number in missed_schedules(world, since, until, baseline, GRACE).items():
        truth.count("automation_schedule_missed_total", number, **dict(labels))


def active_runs(world: World, now: int) -> dict[Labels, int]:
    """Runs that a reader must not yet count as ended, by the state that status and start time tell."""
    found: dict[Labels, int] = {}
    for workload in world.workloads("foundry", now):
        for run in world.alive("foundry", workload.key, now - GRACE, now + 1):
            if run.state_at(now) is None or (run.countable_at is not None and run.countable_at <= now):
                continue
            state = "queued" if run.state_at(now) == "queued" and run.shown("started_at", now) is None else "running"
            labels = labels_of(workload=workload.name, state=state)
            found[labels] = found.get(labels, 0) + 1
    return found


def missed_schedules(world: World, since: int, until: int, baseline: int, grace: int) -> dict[Labels, int]:
    """Due times since the baseline whose grace ran out in ``(since, until]`` without a delivery."""
    found: dict[Labels, int] = {}
    for key in world.keys("foundry"):
        workload = world.workload("foundry", key, until)
        if workload is None or not workload.enabled:
            continue
        for trigger_name, due in _due_times(workload, since - grace, until - grace):
            first = max(baseline, workload.updated_at)
            if due >= first and not _delivered(world, key, due, grace):
                labels = labels_of(workload=workload.name, trigger_name=trigger_name)
                found[labels] = found.get(labels, 0) + 1
    return found


def _due_times(workload: Workload, since: int, until: int) -> Iterator[tuple[str, int]]:
    for name, trigger in workload.triggers.items():
        if trigger.cron is not None:
            for due in Cron(trigger.cron, trigger.zone).fires(since + 1, until + 1):
                yield name, due
        elif trigger.at is not None and since < trigger.at <= until:
            yield name, trigger.at


def _delivered(world: World, key: str, due: int, grace: int) -> bool:
    return any(
        run.scheduled_fire_at is not None
        and abs(run.scheduled_fire_at - due) <= FIRE_TOLERANCE
        and run.visible_at <= due + grace
        for run in world.alive("foundry", key, due - FIRE_TOLERANCE, due + grace + 1)
    )


def _between(earlier: int | None, later: int | None) -> int | None:
    return None if earlier is None or later is None else later - earlier
