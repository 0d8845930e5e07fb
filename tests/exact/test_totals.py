"""What is counted equals what happened, per series, buckets and sums included."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.simulator import ManualClock, Platform, Simulator, demo_world
from exporter.times import DAY, HOUR, MINUTE, SECOND
from tests.exact.world import Program, advance, numbers, program

START = 1_790_000_000 * SECOND
PLATFORMS: tuple[Platform, ...] = ("roboto", "foundry")


def simulator(clock: ManualClock, seed: int = 1, **world: object) -> Simulator:
    return Simulator(demo_world(seed, clock(), **world), clock=clock)  # type: ignore[arg-type]


def assert_exact(made: Program, platform: Platform) -> None:
    truth = numbers(made.simulator.totals(platform))
    counted = {key: n for key, n in made.counted(platform).items() if key[0] != "automation_schedule_missed_total"}
    assert counted == truth


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_three_hours_of_polls_count_exactly_what_happened(platform: Platform, seed: int) -> None:
    clock = ManualClock(START)
    with program(simulator(clock, seed, pace=60.0), clock, platforms=[platform]) as made:
        made.poll_all()
        for _ in advance(clock, 61, START + 3 * HOUR):
            report = made.poll(platform)
            assert report.good, report.message
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_restart_after_every_poll_changes_nothing(platform: Platform, tmp_path: Path) -> None:
    clock = ManualClock(START)
    world = simulator(clock, pace=60.0)
    for _ in advance(clock, 300, START + 2 * HOUR):
        with program(world, clock, tmp_path / "state.db", [platform]) as made:
            assert made.poll(platform).good
            assert_exact(made, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_outage_of_two_days_is_made_up_for(platform: Platform) -> None:
    clock = ManualClock(START)
    with program(simulator(clock, pace=600.0), clock, platforms=[platform]) as made:
        made.poll_all()
        for _ in advance(clock, 600, START + 6 * HOUR):
            assert made.poll(platform).good
        clock.advance(2 * DAY / SECOND)
        for _ in advance(clock, 60, clock() + 10 * MINUTE):
            made.poll(platform)
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_twelve_days_cross_moves_of_anchor_and_floor(platform: Platform) -> None:
    clock = ManualClock(START)
    with program(simulator(clock, pace=3600.0), clock, platforms=[platform]) as made:
        made.poll_all()
        for _ in advance(clock, 1800, START + 12 * DAY):
            assert made.poll(platform).good
        assert_exact(made, platform)
