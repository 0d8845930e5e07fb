"""The first minutes of the demo: what it lets happen is counted as it happened, and what is late is told of in time."""

from __future__ import annotations

from exporter.catalogue.runs import SCHEDULE_MISSED, SCHEDULE_OVERDUE
from exporter.exposed import families
from exporter.simulator import ManualClock
from exporter.simulator.opening import DUE, LATE
from exporter.times import MINUTE, SECOND
from tests.exact.world import PLATFORMS, START, Program, advance, assert_exact, program, simulator_of

GRACE = 10 * SECOND


def overdue(made: Program) -> set[tuple[str, ...]]:
    """What is exposed as overdue."""
    target = made.targets["foundry"]
    shown = families(target.ledger, target.rules, made.clock.now().world)
    return {labels for family in shown if family.metric is SCHEDULE_OVERDUE for labels in family.samples}


def test_the_opening_is_counted_as_it_happened() -> None:
    """On all platforms; one of two timers is overdue from the grace on until it is served."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, workloads=1, history_days=0.01, opening=True)
    waiting = []
    with program(simulator, clock, schedule_grace="10s") as made:
        made.poll_all()
        for now in advance(clock, 5, START + 4 * MINUTE):
            reports = made.poll_all()
            assert all(report.good for report in reports.values())
            if overdue(made):
                waiting.append(now - START)
                assert overdue(made) == {("one-off-announcement", "main")}
        for platform in PLATFORMS:
            assert_exact(made, platform)
        missed = {key[1]: n for key, n in made.counted("foundry").items() if key[0] == SCHEDULE_MISSED.name}
    assert missed == {("one-off-announcement", "main"): 1}
    assert DUE + GRACE <= waiting[0] < DUE + GRACE + 6 * SECOND
    assert waiting[-1] < DUE + LATE
