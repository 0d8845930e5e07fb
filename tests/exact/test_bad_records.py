"""Bad records among good ones: left out and told of, or read as far as they can be believed; the poll is good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.platforms.labels import clean
from exporter.simulator import ManualClock, Platform, Simulator, World
from exporter.times import HOUR, MINUTE, SECOND, Micros
from tests.exact.world import PLATFORMS, START, Numbers, Program, assert_exact, numbers, program, simulator_of

STEP = 61.0
WORLD: Mapping[str, Any] = {"pace": 30.0, "workloads": 3, "history_days": 0.02}

RUNS = "automation_runs_total"
SKIPPED = "automation_exporter_records_skipped_total"

LISTED: tuple[Platform, ...] = ("foundry",)
"""Platforms that list runs, with times."""

LEFT_OUT: tuple[tuple[str, str, Platform], ...] = (
    ("record_without_id", "no_id", "roboto"),
    ("record_without_id", "no_id", "foundry"),
    ("record_not_an_object", "bad_record", "roboto"),
    ("record_not_an_object", "bad_record", "foundry"),
    ("negative_durations", "negative_duration", "foundry"),
)


@pytest.mark.parametrize(("fault", "reason", "platform"), LEFT_OUT)
def test_a_bad_record_is_left_out_and_told_of(fault: str, reason: str, platform: Platform) -> None:
    """The records beside it count; where it is only late to be good, it counts later."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, **WORLD)
    with program(simulator, clock, platforms=[platform]) as made:
        assert made.poll(platform).good
        clock.advance(STEP)
        with simulator.faults.active(fault, platform=platform):
            report = made.poll(platform)
        assert report.good, report.message
        assert (report.error, report.listings_failed) == (None, [])
        assert skipped(made, platform, reason) > 0
        assert_nothing_beyond_truth(made, platform)
        clock.advance(STEP)
        assert made.poll(platform).good
        if fault == "negative_durations":  # the run was counted, the length that it did not tell is lost
            assert runs(made, platform) == true_runs(simulator, platform)
        else:
            assert_exact(made, platform)


@pytest.mark.parametrize("platform", LISTED)
@pytest.mark.parametrize("fault", ["times_in_2099", "times_in_1970", "zero_times", "no_times"])
def test_times_that_cannot_be_believed_count_as_missing(fault: str, platform: Platform) -> None:
    """Runs count once, lengths of time that are not known do not, and no cursor follows a time in 2099."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, **WORLD)
    with program(simulator, clock, platforms=[platform]) as made:
        assert made.poll(platform).good
        with simulator.faults.active(fault, platform=platform):
            for _ in range(3):
                clock.advance(STEP)
                assert made.poll(platform).good
                assert_nothing_beyond_truth(made, platform)
                assert_no_cursor_beyond(made, platform, clock())
        for _ in range(2):
            clock.advance(STEP)
            assert made.poll(platform).good
        assert runs(made, platform) == true_runs(simulator, platform)
        assert_no_cursor_beyond(made, platform, clock())
        assert_nothing_beyond_truth(made, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_time_in_2099_on_what_is_known_changes_nothing(platform: Platform) -> None:
    """Rows that were counted come again with wrong times: nothing counts twice, nothing moves."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, **WORLD)
    with program(simulator, clock, platforms=[platform]) as made:
        assert made.poll(platform).good
        clock.advance(STEP)
        assert made.poll(platform).good
        counted = made.counted(platform)
        with simulator.faults.active("times_in_2099", platform=platform):
            assert made.poll(platform).good
        assert made.counted(platform) == counted
        clock.advance(STEP)
        assert made.poll(platform).good
        assert_exact(made, platform)


def test_a_lone_surrogate_in_a_run_does_not_spoil_its_page() -> None:
    """JSON can carry half of a surrogate pair; the rows of the page count, its label value is made safe."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, **WORLD)
    with program(simulator, clock, platforms=["foundry"]) as made:
        with simulator.faults.active("surrogate_names", platform="foundry", path="/runs"):
            for _ in range(3):
                assert made.poll("foundry").good
                assert_exact(made, "foundry")
                clock.advance(STEP)
        assert "\ufffd" in made.text()


def test_a_lone_surrogate_in_a_name_is_replaced() -> None:
    """The workload is counted under a name that can be written down."""
    clock = ManualClock(START)
    world = World()
    name = "half \ud83d pair"
    world.add_workload("roboto", name)
    world.add_run("roboto", name, created=START + MINUTE, ended=START + 2 * MINUTE, outcome="failed")
    with program(Simulator(world, clock=clock), clock, platforms=["roboto"]) as made:
        assert made.poll("roboto").good
        clock.set(START + HOUR)
        assert made.poll("roboto").good
        assert made.counted("roboto") == {(RUNS, (clean(name), "failed")): 1}
        assert f'workload="{clean(name)}",outcome="failed"}} 1\n' in made.text()


def skipped(made: Program, platform: Platform, reason: str) -> int:
    """How many records were left out for a reason."""
    series = made.targets[platform].ledger.series
    return sum(value.shown[0] for key, value in series.items() if (key.family, *key.labels) == (SKIPPED, reason))


def runs(made: Program, platform: Platform) -> Numbers:
    """Runs as they were counted."""
    return {key: number for key, number in made.counted(platform).items() if key[0] == RUNS}


def true_runs(simulator: Simulator, platform: Platform) -> Numbers:
    """Runs as they happened."""
    return {key: number for key, number in numbers(simulator.totals(platform)).items() if key[0] == RUNS}


def assert_nothing_beyond_truth(made: Program, platform: Platform) -> None:
    """Whatever is missing, no run is counted that did not happen."""
    truth = true_runs(made.simulator, platform)
    for key, number in runs(made, platform).items():
        assert number <= truth.get(key, 0), key


def assert_no_cursor_beyond(made: Program, platform: Platform, now: Micros) -> None:
    """Horizon, floor and top of every listing lie in the past."""
    ledger = made.targets[platform].ledger
    assert ledger.target is not None
    assert ledger.target.floor <= now
    for state in ledger.listings.values():
        assert max(state.horizon or 0, state.newest or 0, state.top or 0) <= now + SECOND
