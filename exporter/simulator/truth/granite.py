"""What the counters of a Granite target must say.

Granite tells sums over a window, so the truth is their net change: an execution counts where the state it is in at
the end says, less where it stood at the beginning.
"""

from __future__ import annotations

from exporter.simulator.model import TERMINAL, Run, State
from exporter.simulator.truth.totals import Beginning, Labels, Truth, labels_of
from exporter.simulator.world import World

RUNS = "automation_runs_total"
INTERACTIONS = "granite_workflow_interactions_total"


def totals(truth: Truth, world: World, begun: Beginning, until: int, *, cancelled: Beginning) -> None:
    """Every durable family that Granite feeds, but tokens by workflow.

    How many were cancelled is asked by a question of its own, which has its own beginning, no earlier than the other.
    """
    for key in world.keys("granite"):
        workload = world.workload("granite", key, until) or world.workload("granite", key, begun.at)
        if workload is None:
            continue
        for run in world.alive("granite", key, begun.at, until + 1):
            before, after = begun.state_told(run), run.state_at(until)
            were_cancelled = (after == "cancelled") - (cancelled.state_told(run) == "cancelled")
            if were_cancelled:
                truth.count(RUNS, were_cancelled, workload=workload.name, outcome="cancelled")
            if before == after:
                continue
            _seen(truth, workload.name, run, before, after)
            for state, amount in ((before, -1), (after, 1)):
                if state in TERMINAL:
                    _ended(truth, workload.name, run, str(state), amount)


def _seen(truth: Truth, name: str, run: Run, before: State | None, after: State | None) -> None:
    """Executions count by their trigger as soon as they can be seen."""
    amount = (after is not None) - (before is not None)
    if amount:
        kind = run.trigger_type or "manual"
        truth.count("automation_triggered_runs_total", amount, workload="", trigger_type=kind, outcome="")
        if run.trigger_type == "endpoint":
            truth.count("granite_endpoint_invocations_total", amount, **_endpoint(name))


def _ended(truth: Truth, name: str, run: Run, state: str, amount: int) -> None:
    if state in ("completed", "failed"):
        truth.count(RUNS, amount, workload=name, outcome=state)
    if state == "failed":
        reason = run.error_type or (f"http_{run.status_code}" if run.status_code is not None else "unknown")
        truth.count("automation_run_failures_total", amount, workload="", reason=reason, status_code="")
    if state == "completed" and run.trigger_type == "endpoint":
        truth.count("granite_endpoint_successful_invocations_total", amount, **_endpoint(name))
    truth.count("granite_tokens_total", amount * run.tokens)
    for kind, number in (
        ("click", 2 * run.steps),
        ("keystroke", 5 * run.steps),
        ("scroll", run.steps // 2),
        ("screenshot", run.steps),
    ):
        truth.count(INTERACTIONS, amount * number, workload=name, kind=kind)
    truth.count("granite_workflow_steps_total", amount * run.steps, workload=name)


def _endpoint(name: str) -> dict[str, str]:
    return {"endpoint_slug": "-".join(name.lower().split()), "http_method": "POST"}


def active_runs(world: World, now: int) -> dict[Labels, int]:
    """Executions that have not ended, over all workflows. The exporter shows those of its rolling window."""
    found: dict[Labels, int] = {}
    for key in world.keys("granite"):
        for run in world.alive("granite", key, now, now + 1):
            state = run.state_at(now)
            if state is not None and state not in TERMINAL:
                labels = labels_of(workload="", state="queued" if state == "queued" else "running")
                found[labels] = found.get(labels, 0) + 1
    return found
