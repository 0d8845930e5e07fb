"""Two targets on one upstream: each counts all of it for itself, whether they share a state or only its directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exporter.catalogue.runs import SCHEDULE_MISSED
from exporter.simulator import ManualClock, Platform
from exporter.target import Target
from exporter.times import HOUR
from tests.exact.world import PLATFORMS, START, Numbers, advance, counted, numbers, program, simulator_of

PACE: Mapping[str, Any] = {
    "sweep_interval": "5m",
    "settle": "30m",
    "max_window": "2h",
    "memory": "26h",
    "open_run_max_age": "24h",
}


def of_runs(found: Numbers) -> Numbers:
    """All but what no upstream tells."""
    return {key: number for key, number in found.items() if key[0] != SCHEDULE_MISSED.name}


def baseline(target: Target) -> int:
    """When a target began to count."""
    assert target.ledger.target is not None
    return target.ledger.target.baseline_at


@pytest.mark.parametrize("platform", PLATFORMS)
def test_two_targets_of_one_state_count_the_same_upstream_each_for_itself(platform: Platform, tmp_path: Path) -> None:
    """The second comes an hour later, fails when the first does not, and both are restarted. Neither sees the other's
    ids, cursors or totals."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=120.0, workloads=3, history_days=0.1)
    state = tmp_path / "state.db"
    with program(simulator, clock, state, [platform], **PACE) as made:
        for _ in advance(clock, 307, START + HOUR):
            assert made.poll(platform).good
    for hours in (2, 3):
        with program(simulator, clock, state, [platform], **PACE) as made:
            second = made.target(platform, name="second", **PACE)
            for now in advance(clock, 307, START + hours * HOUR):
                assert made.poll(platform).good
                if now % 3 == 0:
                    simulator.faults.on("truncated_json", times=1)
                made.runner.run(second)
                simulator.faults.clear()
            made.runner.run(second)
            second.client.close()
            assert of_runs(counted(second)) != of_runs(made.counted(platform))
            for target in (made.targets[platform], second):
                began = baseline(target)
                since = began if platform in ("roboto", "granite") else began - 1
                assert of_runs(counted(target)) == numbers(simulator.truth(platform, since, clock(), began))
    with program(simulator, clock, state, [platform], name="second", **PACE) as made:
        assert made.poll(platform).good
        assert of_runs(made.counted(platform)) == of_runs(counted(second))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_two_states_in_one_directory_have_nothing_to_do_with_each_other(platform: Platform, tmp_path: Path) -> None:
    """Two exporters, each with a file and a lock of its own, take turns."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=120.0, workloads=3, history_days=0.02)
    with (
        program(simulator, clock, tmp_path / "a.db", [platform], **PACE) as one,
        program(simulator, clock, tmp_path / "b.db", [platform], **PACE) as other,
    ):
        for _ in advance(clock, 307, START + HOUR):
            assert one.poll(platform).good
            assert other.poll(platform).good
        assert of_runs(one.counted(platform)) == of_runs(other.counted(platform)) != {}
        assert of_runs(one.counted(platform)) == numbers(simulator.totals(platform))
