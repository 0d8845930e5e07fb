"""What the counters, histograms and levels of a Moderately target must say."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.simulator.clock import SECOND
from exporter.simulator.model import TERMINAL, Outcome, Run
from exporter.simulator.truth.totals import Histogram, Labels, Truth, labels_of
from exporter.simulator.world import World

STEP_BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200)
STATE_OF = {"queued": "queued", "running": "running", "paused": "paused"}


def counted_at(run: Run) -> int | None:
    """When a reader first can, and must, see the run as ended; nothing if it never ends."""
    end = next((change.at for change in run.changes if change.state in TERMINAL), None)
    return None if end is None else max(run.visible_at, end)


def counted_runs(world: World, since: int, until: int, baseline: int) -> Iterator[tuple[str, Run, int, Outcome]]:
    """(agent name, run, moment of counting, outcome) of the runs that count in ``(since, until]``."""
    for key in world.keys("moderately"):
        for run in world.alive("moderately", key, since, until + 1):
            moment = counted_at(run)
            if moment is None or not since < moment <= until or _is_history(run, moment, baseline):
                continue
            workload = world.workload("moderately", key, moment)
            outcome = run.state_at(moment)
            # a status that no list knows, and that has no field for its end, leaves the run open
            if workload is not None and outcome in ("completed", "failed", "cancelled"):
                yield workload.name, run, moment, outcome


def _is_history(run: Run, moment: int, baseline: int) -> bool:
    """Whether the run had ended before the baseline and was not seen active at it."""
    if run.visible_at <= baseline < moment:
        return False
    end = run.shown("ended_at", moment)
    if end is None:
        end = next((at for name in ("created_at", "started_at") if (at := run.shown(name, moment)) is not None), moment)
    return end < baseline


def totals(truth: Truth, world: World, since: int, until: int, baseline: int) -> None:
    """Every durable family that executions feed."""
    for name, run, moment, outcome in counted_runs(world, since, until, baseline):
        created, started, ended = (run.shown(time, moment) for time in ("created_at", "started_at", "ended_at"))
        truth.count("automation_runs_total", workload=name, outcome=outcome)
        truth.observe("automation_run_duration_seconds", _between(started, ended), workload=name, outcome=outcome)
        truth.observe("automation_run_wait_seconds", _between(created, started), workload=name)
        if outcome == "failed":
            truth.count("automation_run_failures_total", workload=name, reason="unknown", status_code="")
        if run.steps:
            labels = labels_of(workload=name, outcome=outcome)
            family = truth.histograms.setdefault("moderately_run_steps", {})
            family.setdefault(labels, Histogram(STEP_BOUNDS)).observe(run.steps * SECOND)
            if run.steps == run.step_limit:
                truth.count("moderately_step_limit_reached_total", workload=name)


def active_runs(world: World, now: int) -> dict[Labels, int]:
    """Executions that have not ended, by agent and state."""
    found: dict[Labels, int] = {}
    for workload in world.workloads("moderately", now):
        for run in world.alive("moderately", workload.key, now, now + 1):
            state = run.state_at(now)
            if state is not None and state in STATE_OF:
                labels = labels_of(workload=workload.name, state=state)
                found[labels] = found.get(labels, 0) + 1
    return found


def _between(earlier: int | None, later: int | None) -> int | None:
    return None if earlier is None or later is None else later - earlier
