"""What the counters of a Roboto target must say.

Roboto tells numbers by action and window, so a run counts in the state it is in: a failed invocation that is
queued again takes its failure back. The truth is the net change of these numbers.
"""

from __future__ import annotations

from exporter.simulator.model import TERMINAL, Workload
from exporter.simulator.truth.totals import Labels, Truth, labels_of
from exporter.simulator.world import World


def workload_label(workload: Workload) -> str:
    """The action's name, with the owner in front when that is another organization."""
    return f"{workload.owner}/{workload.name}" if workload.owner else workload.name


def totals(truth: Truth, world: World, since: int, until: int, baseline: int) -> None:
    """Completed and failed runs: those in that state at ``until`` less those at ``since``."""
    since = max(since, baseline - 1)
    for key in world.keys("roboto"):
        workload = world.workload("roboto", key, until) or world.workload("roboto", key, since)
        if workload is None:
            continue
        label = workload_label(workload)
        for run in world.alive("roboto", key, since, until + 1):
            before, after = run.state_at(since), run.state_at(until)
            if before == after:
                continue
            if before in ("completed", "failed"):
                truth.count("automation_runs_total", -1, workload=label, outcome=before)
            if after in ("completed", "failed"):
                truth.count("automation_runs_total", 1, workload=label, outcome=after)


def active_runs(world: World, now: int) -> dict[Labels, int]:
    """Runs that are queued or in progress, all in state ``open``."""
    found: dict[Labels, int] = {}
    for workload in world.workloads("roboto", now):
        active = sum(
            (state := run.state_at(now)) is not None and state not in TERMINAL
            for run in world.alive("roboto", workload.key, now, now + 1)
        )
        if active:
            found[labels_of(workload=workload_label(workload), state="open")] = active
    return found
