"""Runs that an upstream takes back, or gives to another workload, between two answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.catalogue.ledger import RUNS_EXPIRED
from exporter.catalogue.runs import ACTIVE_RUNS, RUNS
from exporter.simulator import ManualClock, Platform, Simulator, World
from exporter.times import HOUR, MINUTE, SECOND, Micros
from tests.exact.test_days import own
from tests.exact.world import START, Program, assert_exact, program

LISTED: tuple[Platform, ...] = ("foundry", "moderately")
STEP = 61.0
PACE: Mapping[str, Any] = {"deep_interval": "1s", "sweep_interval": "10m"}


def world_of(platform: Platform, *names: str) -> World:
    """Workloads that have run, so that their listings are known."""
    world = World()
    for name in names:
        world.add_workload(platform, name)
        at = START - HOUR
        world.add_run(platform, name, triggered=at, started=at + SECOND, ended=at + MINUTE)
    return world


def polls(made: Program, platform: Platform, clock: ManualClock, length: Micros) -> None:
    """Poll for so long."""
    until = clock() + length
    while clock() < until:
        clock.advance(STEP)
        assert made.poll(platform).good


def active(made: Program, platform: Platform) -> dict[str, int]:
    """Active runs as they are exposed, by workload."""
    found: dict[str, int] = {}
    for line in made.text().splitlines():
        if line.startswith(f"{ACTIVE_RUNS.name}{{"):
            name = line.partition('workload="')[2].partition('"')[0]
            found[name] = found.get(name, 0) + int(line.rpartition(" ")[2])
    return {name: number for name, number in found.items() if number}


@pytest.mark.parametrize("platform", LISTED)
def test_an_open_run_that_moves_to_another_workload_is_active_and_counted_there(platform: Platform) -> None:
    """Once, and no longer where it was first seen."""
    clock, world = ManualClock(START), world_of(platform, "first", "second")
    with program(Simulator(world, clock=clock), clock, platforms=[platform], **PACE) as made:
        assert made.poll(platform).good
        run = world.add_run(platform, "first", triggered=START + MINUTE, started=START + MINUTE, ended=START + HOUR)
        polls(made, platform, clock, 20 * MINUTE)
        assert active(made, platform) == {"first": 1}
        world.move(run, "second")
        polls(made, platform, clock, 25 * MINUTE)
        assert active(made, platform) == {"second": 1}
        polls(made, platform, clock, HOUR)
        assert active(made, platform) == {}
        assert_exact(made, platform)
        assert own(made, platform, RUNS_EXPIRED.name) == 0


@pytest.mark.parametrize("platform", LISTED)
def test_an_ended_run_that_moves_to_another_workload_stays_counted_where_it_was(platform: Platform) -> None:
    """It has one id, and a counter never goes down."""
    clock, world = ManualClock(START), world_of(platform, "first", "second")
    with program(Simulator(world, clock=clock), clock, platforms=[platform], **PACE) as made:
        assert made.poll(platform).good
        at = START + MINUTE
        run = world.add_run(platform, "first", triggered=at, started=at, ended=at + MINUTE, outcome="failed")
        polls(made, platform, clock, 10 * MINUTE)
        before = {key: n for key, n in made.counted(platform).items() if key[0] == RUNS.name}
        assert before == {(RUNS.name, ("first", "failed")): 1}
        world.move(run, "second")
        polls(made, platform, clock, HOUR)
        assert {key: n for key, n in made.counted(platform).items() if key[0] == RUNS.name} == before


@pytest.mark.parametrize("platform", LISTED)
def test_a_run_that_is_deleted_while_it_is_held_back_is_shown_when_the_hold_is_over(platform: Platform) -> None:
    """What was counted is counted, whether or not anybody has seen it."""
    clock, world = ManualClock(START), world_of(platform, "only")
    with program(
        Simulator(world, clock=clock), clock, platforms=[platform], holds=True, zero_hold="10m", **PACE
    ) as made:
        assert made.poll(platform).good
        at = START + 10 * SECOND
        run = world.add_run(platform, "only", triggered=at, started=at, ended=at + 20 * SECOND, outcome="failed")
        polls(made, platform, clock, MINUTE)
        shown = f'{RUNS.name}{{platform="{platform}",target="demo-{platform}",workload="only",outcome="failed"}}'
        assert f"{shown} 0\n" in made.text()
        world.remove(run)
        for _ in range(20):
            polls(made, platform, clock, MINUTE)
            made.text()
            made.runner.end_holds(made.targets[platform])
        assert f"{shown} 1\n" in made.text()


@pytest.mark.parametrize("platform", LISTED)
def test_an_open_run_that_is_deleted_is_given_up_once_and_not_again_when_it_returns(platform: Platform) -> None:
    """Counted as unknown after two sweeps without it; the outcome that it has when it returns changes nothing."""
    clock, world = ManualClock(START), world_of(platform, "only")
    with program(Simulator(world, clock=clock), clock, platforms=[platform], **PACE) as made:
        assert made.poll(platform).good
        at = START + MINUTE
        run = world.add_run(platform, "only", triggered=at, started=at, ended=START + 2 * HOUR)
        polls(made, platform, clock, 10 * MINUTE)
        world.remove(run)
        polls(made, platform, clock, HOUR)
        assert active(made, platform) == {}
        given_up = {(RUNS.name, ("only", "unknown")): 1}
        assert {key: n for key, n in made.counted(platform).items() if key[0] == RUNS.name} == given_up
        assert own(made, platform, RUNS_EXPIRED.name) == 1
        world.add(run)
        polls(made, platform, clock, 2 * HOUR)
        assert {key: n for key, n in made.counted(platform).items() if key[0] == RUNS.name} == given_up
        assert active(made, platform) == {}
