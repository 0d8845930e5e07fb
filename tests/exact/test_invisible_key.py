"""A listing in the order of a key that is not shown: retries with old logical times stand among fresh rows."""

from __future__ import annotations

import pytest

from exporter.counting.limits import Limits
from exporter.platforms.foundry import api as foundry
from exporter.platforms.moderately import api as moderately
from exporter.simulator import ManualClock, Platform, Simulator, World
from exporter.simulator.model import Outcome
from exporter.times import HOUR, MINUTE, SECOND
from tests.exact.world import START, advance, numbers, program

RUNS = "automation_runs_total"
PATHS: dict[Platform, str] = {"foundry": "/runs", "moderately": "/agent-executions"}


@pytest.mark.parametrize("whole", [False, True], ids=["born long ago", "all of it long ago"])
@pytest.mark.parametrize("platform", PATHS)
def test_old_rows_among_fresh_ones_end_no_walk(
    platform: Platform, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page has rows below the horizon, and what is fresh goes on behind them. No sweep comes to the
    rescue (of Moderately one may, when its totals say that something is missing)."""
    for api in (foundry, moderately):
        monkeypatch.setattr(api, "PAGE_SIZE", 8)
    clock, world = ManualClock(START), World()
    world.add_workload(platform, "busy")
    for number in range(7 * 60):
        at = START + number * MINUTE
        outcome: Outcome = "failed" if number % 3 else "completed"
        world.add_run(platform, "busy", triggered=at, started=at + SECOND, ended=at + 20 * SECOND, outcome=outcome)
    simulator = Simulator(world, clock=clock)
    with program(simulator, clock, platforms=[platform], sweep_interval="20h") as made:
        assert made.poll(platform).good
        for _ in advance(clock, 1200, START + 3 * HOUR):
            assert made.poll(platform).good
        simulator.faults.on("invisible_key", platform=platform, path=PATHS[platform], share=0.3, whole=whole)
        for _ in advance(clock, 1500, START + 7 * HOUR + 10 * MINUTE):
            assert made.poll(platform).good
        counted, happened = made.counted(platform), numbers(simulator.totals(platform))
        assert simulator.faults.used["invisible_key"] > 20
        assert {k: n for k, n in counted.items() if k[0] == RUNS} == {k: n for k, n in happened.items() if k[0] == RUNS}
        assert sum(n for k, n in counted.items() if k[0] == RUNS) == 7 * 60


def test_the_old_rows_are_older_than_the_horizon() -> None:
    """Else the test above would show nothing."""
    simulator = Simulator(World(), clock=ManualClock(START))
    switch = simulator.faults.on("invisible_key")
    with program(simulator, ManualClock(START), platforms=["foundry"]) as made:
        limits: Limits = made.targets["foundry"].rules.limits
    assert switch.fault.options["seconds"] * SECOND > limits.overlap
