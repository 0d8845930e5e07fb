"""Workloads that vanish, return, are renamed, or come by the tens of thousands at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.catalogue.runs import RUNS
from exporter.counting.crowd import OTHER
from exporter.simulator import ManualClock, Platform, Simulator, World
from exporter.times import HOUR, MINUTE, SECOND
from tests.exact.world import PLATFORMS, START, Program, advance, assert_exact, numbers, program, simulator_of

MANY = 50_000
RAN = 25
"""One in so many workloads ran: Roboto lists no others, and there are more of them than have series of their own."""


def runs(made: Program, platform: Platform) -> int:
    """How many runs were counted, whatever they are called."""
    return sum(number for (family, _), number in made.counted(platform).items() if family == RUNS.name)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_workload_that_vanishes_and_returns_is_counted_exactly(platform: Platform) -> None:
    """What ran before it went and what runs after it is back; the others never notice."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=120.0, workloads=3)
    world = simulator.world
    key = world.keys(platform)[1]
    with program(simulator, clock, platforms=[platform], deep_interval="1s") as made:
        for _ in advance(clock, 60, START + HOUR):
            assert made.poll(platform).good
        was = world.workload(platform, key, clock())
        assert was is not None
        world.edit_workload(platform, key, at=clock(), enabled=False)  # nothing is under way when it goes
        for _ in advance(clock, 60, clock() + 30 * MINUTE):
            assert made.poll(platform).good
        world.remove_workload(platform, key, at=clock())
        for _ in advance(clock, 60, clock() + HOUR):
            assert made.poll(platform).good
        gone = made.counted(platform)
        world.keep(replace(was, updated_at=clock()))
        for _ in advance(clock, 60, clock() + HOUR):
            assert made.poll(platform).good
        assert_exact(made, platform)
        assert runs(made, platform) > sum(n for (family, _), n in gone.items() if family == RUNS.name)


@pytest.mark.parametrize("platform", ["foundry", "moderately"])
def test_runs_of_a_renamed_workload_are_counted_once(platform: Platform) -> None:
    """Under the old name or the new one, and none under both: runs have ids.

    Roboto and Granite know workloads by nothing but their names: one that is renamed is another one there, and what
    its window holds is that one's.
    """
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=120.0, workloads=2)
    key = simulator.world.keys(platform)[0]
    with program(simulator, clock, platforms=[platform], deep_interval="1s") as made:
        for hours in (1, 2, 3):
            for _ in advance(clock, 60, START + hours * HOUR):
                assert made.poll(platform).good
            simulator.world.edit_workload(platform, key, at=clock(), enabled=False)
            for _ in advance(clock, 60, clock() + 10 * MINUTE):
                assert made.poll(platform).good
            simulator.world.edit_workload(platform, key, at=clock(), name=f"name {hours}", enabled=True)
        happened = simulator.totals(platform).counter(RUNS.name)
        assert runs(made, platform) == happened > 0


@pytest.mark.parametrize("hours", [-3, 3])
@pytest.mark.parametrize("platform", ["foundry", "moderately"])
def test_a_workload_that_is_renamed_in_a_poll_that_fails_while_our_clock_steps(
    platform: Platform, hours: int, tmp_path: Path
) -> None:
    """And then the process is killed. Its runs count once, under one of the names."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=60.0, workloads=2, history_days=0.05)
    key, state = simulator.world.keys(platform)[0], tmp_path / "state.db"
    wrong, before = 0, 0
    for turn in range(5):  # as many former names are shown
        with program(simulator, clock, state, [platform], deep_interval="1s", sweep_interval="10m") as made:
            made.clock.wrong = wrong
            for _ in advance(clock, 61, clock() + 10 * MINUTE):
                assert made.poll(platform).good
            with simulator.faults.active("server_error", after=turn % 3):
                simulator.world.edit_workload(platform, key, at=clock(), name=f"name {turn}")
                step = (0 if wrong else hours * HOUR) - wrong
                wrong = made.clock.wrong = made.clock.wrong + step
                made.runner.clock_stepped(step / SECOND)
                made.poll(platform)
            now = runs(made, platform)
            assert now >= before
            before = now
    with program(simulator, clock, state, [platform], deep_interval="1s", sweep_interval="10m") as made:
        for _ in advance(clock, 61, clock() + 30 * MINUTE):
            assert made.poll(platform).good
        assert runs(made, platform) == simulator.totals(platform).counter(RUNS.name) > before


@pytest.mark.parametrize("platform", ["roboto", "granite"])
def test_a_workload_that_vanishes_over_a_move_that_is_forced_is_not_counted_again_when_it_returns(
    platform: Platform,
) -> None:
    """A run that never ends has kept the anchor where it was, so that what it is moved to lies before it vanished."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=300.0, workloads=3)
    world = simulator.world
    hung, gone = world.keys(platform)[:2]
    world.add_run(platform, hung, triggered=START + MINUTE, started=START + MINUTE)
    short: Any = {"settle": "3h", "max_window": "6h", "sweep_interval": "10m"}
    with program(simulator, clock, platforms=[platform], **short) as made:
        for _ in advance(clock, 600, START + 5 * HOUR):
            assert made.poll(platform).good
        anchors = [source.anchor for source in made.targets[platform].ledger.sources.values()]
        was = world.workload(platform, gone, clock())
        assert was is not None
        world.edit_workload(platform, gone, at=clock(), enabled=False)
        for _ in advance(clock, 600, clock() + HOUR // 2):
            assert made.poll(platform).good
        world.remove_workload(platform, gone, at=clock())
        for _ in advance(clock, 600, clock() + 2 * HOUR):
            assert made.poll(platform).good
        world.keep(replace(was, updated_at=clock()))
        for _ in advance(clock, 600, clock() + 12 * HOUR):
            assert made.poll(platform).good
        moved = [source.anchor for source in made.targets[platform].ledger.sources.values()]
        assert all(now > before for now, before in zip(moved, anchors, strict=True))
        counted, happened = made.counted(platform), numbers(simulator.totals(platform))
        assert {k: n for k, n in counted.items() if k[0] == RUNS.name} == {
            k: n for k, n in happened.items() if k[0] == RUNS.name
        }


@pytest.mark.nightly
@pytest.mark.parametrize("platform", PLATFORMS)
def test_fifty_thousand_workloads_at_once(platform: Platform) -> None:
    """They are counted one by one, and shown as a thousand and their rest."""
    clock, world = ManualClock(START), World(history_start=START - HOUR)
    simulator = Simulator(world, clock=clock)
    by_name = 3 * MANY // RAN + 50  # what Granite asks for those that ran, with half of its requests at most
    pace: Any = {"requests_per_minute": 2 * by_name}
    with program(simulator, clock, platforms=[platform], interval="30m", **pace) as made:
        assert made.poll(platform).good
        clock.advance(60)
        for number in range(MANY):
            world.add_workload(platform, f"w{number}", at=clock())
        for number in range(0, MANY, RAN):
            begun = clock() + (number // RAN % 60) * SECOND
            world.add_run(platform, f"w{number}", triggered=begun, started=begun, ended=begun + 5 * SECOND)
        for _ in advance(clock, 600, clock() + 2 * HOUR):
            made.poll(platform)
            if runs(made, platform) == MANY // RAN:
                break
        counted = Counter[str]()
        for (family, labels), number in made.counted(platform).items():
            counted[labels[0]] += number if family == RUNS.name else 0
        assert (
            sum(counted.values())
            == MANY // RAN
            == sum(number for (family, _), number in numbers(simulator.totals(platform)).items() if family == RUNS.name)
        )
        assert counted[OTHER] > 0
        assert len({key.labels[0] for key in made.targets[platform].ledger.series if key.family == RUNS.name}) <= 1001
