"""The first minute of a demo: whatever a platform can tell happens once, so that a newcomer sees every metric move.

Most of it are ordinary runs at set times. One routine's timer is served late, and its schedule is overdue until then.
"""

from __future__ import annotations

from exporter.simulator.clock import MINUTE, SECOND
from exporter.simulator.model import Outcome, Platform, Trigger
from exporter.simulator.world import World

FIRST = 15 * SECOND
"""When the runs begin: a reader has taken its first look by then, also on a busy machine."""
LENGTH = 4 * SECOND
DUE = 25 * SECOND
"""When the timers are due."""
LATE = 3 * MINUTE
"""How late one of them is served."""


def add_opening(world: World, start: int, platforms: tuple[Platform, ...]) -> None:
    """Add it to a world that a reader begins to look at at ``start``, a whole second in microseconds."""
    outcomes: tuple[Outcome, ...] = ("completed", "failed", "cancelled")
    for platform in platforms:
        first = world.workloads(platform, start)[0].key
        for number, outcome in enumerate(outcomes):
            _add_run(world, platform, first, start + FIRST + number * SECOND, outcome)
    if "foundry" in platforms:
        _add_timer(world, "one-off-cleanup", start, start + DUE, late=0)
        _add_timer(world, "one-off-announcement", start, start + DUE, late=LATE)


def _add_run(world: World, platform: Platform, workload: str, at: int, outcome: Outcome) -> None:
    """A run that has something to tell in every field that its platform has."""
    failed = outcome == "failed"
    world.add_run(
        platform,
        workload,
        created=at,
        triggered=at,
        started=at + SECOND,
        ended=at + LENGTH,
        outcome=outcome,
        trigger_type="endpoint" if platform == "granite" else "custom",
        attempt_source="event_fire",
        action_type="invoke_agent_responses_api",
        error_type="tool_call_failed" if failed else None,
        tokens=1200,
        steps=20 if failed else 8,
        step_limit=20,
    )


def _add_timer(world: World, name: str, start: int, due: int, *, late: int) -> None:
    """A routine with a timer, and the run that serves it."""
    world.add_workload("foundry", name, triggers={"main": Trigger("timer", at=due)}, agent="agent-0", at=start)
    at = due + late
    world.add_run(
        "foundry",
        name,
        triggered=at,
        started=at + SECOND,
        ended=at + LENGTH,
        scheduled=due,
        trigger_type="timer",
        trigger_name="main",
        attempt_source="timer_delivery",
        action_type="invoke_agent_responses_api",
    )
