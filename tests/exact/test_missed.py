"""Schedules that did not fire, against what the simulator knows of them (rule 30)."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from exporter.catalogue.runs import SCHEDULE_MISSED
from exporter.simulator import ManualClock
from exporter.simulator.incidents import IncidentName
from exporter.times import HOUR, MINUTE
from tests.exact.world import START, advance, numbers, program, simulator_of


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(2, 12))])
def test_each_due_time_without_a_delivery_is_missed_once(seed: int, tmp_path: Path) -> None:
    """Over incidents, outages of the platform, restarts and polls that come late: by workload and trigger."""
    random, clock = Random(f"missed {seed}"), ManualClock(START)
    simulator = simulator_of(clock, seed=seed, pace=3600.0, workloads=6, history_days=0.1)
    for _ in range(5):
        with program(simulator, clock, tmp_path / "state.db", ["foundry"]) as made:
            assert made.poll("foundry").good
            for _ in advance(clock, random.choice((120.0, 300.0, 1500.0)), clock() + random.randint(2, 5) * HOUR):
                if random.random() < 0.1:
                    name: IncidentName = random.choice(("missed_schedule", "missed_schedule", "dead_upstream"))
                    lasts = random.randint(5, 90) * MINUTE
                    simulator.world.incidents.start(name, clock(), lasts, platform="foundry")
                made.poll("foundry")
            simulator.world.incidents.stop(clock())
            clock.advance(random.randint(1, 900))
    with program(simulator, clock, tmp_path / "state.db", ["foundry"]) as made:
        assert made.poll("foundry").good
        found = {key: n for key, n in made.counted("foundry").items() if key[0] == SCHEDULE_MISSED.name}
    told = {key: n for key, n in numbers(simulator.totals("foundry")).items() if key[0] == SCHEDULE_MISSED.name}
    assert found == told
    assert sum(told.values()) > 10
