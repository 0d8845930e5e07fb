"""Faults that take days: outages, clocks, late results, and windows that are read badly when their anchor moves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exporter.catalogue.ledger import CORRECTIONS, LATE_RUNS_SKIPPED, RUNS_EXPIRED
from exporter.catalogue.runs import SCHEDULE_MISSED
from exporter.counting.states import SeriesKey
from exporter.simulator import ManualClock, Platform, Simulator, Trigger, World
from exporter.simulator.clock import micros
from exporter.simulator.generate import Profile
from exporter.simulator.schedules import Cron
from exporter.times import DAY, HOUR, MINUTE, SECOND
from tests.exact.world import PLATFORMS, START, Program, advance, assert_exact, program, simulator_of

LISTED: tuple[Platform, ...] = ("foundry", "moderately")
WINDOWED: tuple[Platform, ...] = ("roboto", "granite")

SHORT: Mapping[str, Any] = {"memory": "26h", "open_run_max_age": "24h", "settle": "3h", "max_window": "6h"}


def own(made: Program, platform: Platform, family: str) -> int:
    """One of the ledger's own counters."""
    series = made.targets[platform].ledger.series.get(SeriesKey(family, ()))
    return 0 if series is None else series.shown[0] + series.pending[0]


def settle(made: Program, platform: Platform, clock: ManualClock) -> None:
    """Poll for long enough that every listing is swept and every item is read by name."""
    for _ in advance(clock, 1200, clock() + 3 * HOUR):
        made.poll(platform)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("days", [5, 12])
def test_an_outage_longer_than_what_is_remembered_loses_nothing(days: int, platform: Platform) -> None:
    """The floor waits for a complete walk, so that it cannot pass what was never read."""
    clock = ManualClock(START)
    with program(simulator_of(clock, pace=3600.0, workloads=3), clock, platforms=[platform]) as made:
        for _ in advance(clock, 600, START + HOUR):
            made.poll(platform)
        clock.advance(days * DAY / SECOND)
        settle(made, platform, clock)
        assert own(made, platform, LATE_RUNS_SKIPPED.name) == 0
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("hours", [-3, 3, -30, 30])
def test_our_own_clock_steps_by_hours_and_back(hours: int, platform: Platform) -> None:
    """The upstream's ``Date`` says what time it is; nothing is lost, doubled, expired or pruned by ours."""
    clock = ManualClock(START)
    with program(simulator_of(clock, pace=1200.0, workloads=2), clock, platforms=[platform], **SHORT) as made:
        for _ in advance(clock, 1200, START + 2 * HOUR):
            made.poll(platform)
        made.clock.wrong = hours * HOUR
        made.runner.clock_stepped(hours * HOUR / SECOND)
        for _ in advance(clock, 1200, clock() + 4 * HOUR):
            made.poll(platform)
        made.clock.wrong = 0
        made.runner.clock_stepped(-hours * HOUR / SECOND)
        settle(made, platform, clock)
        assert own(made, platform, RUNS_EXPIRED.name) == 0
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", WINDOWED)
def test_a_start_with_a_clock_that_is_hours_behind_takes_nothing_for_a_fall(platform: Platform, tmp_path: Path) -> None:
    """The first window ends too early: it is asked for again as soon as the upstream has told the time."""
    clock, state = ManualClock(START), tmp_path / "state.db"
    simulator = simulator_of(clock, pace=60.0, workloads=2)
    with program(simulator, clock, state, [platform], **SHORT) as made:
        for _ in advance(clock, 600, START + 2 * HOUR):
            made.poll(platform)
    for _ in range(3):
        with program(simulator, clock, state, [platform], **SHORT) as made:
            made.clock.wrong = -HOUR
            clock.advance(600)
            assert made.poll(platform).good
            assert sum(series.debt for series in made.targets[platform].ledger.series.values()) == 0
    clock.advance(60)
    with program(simulator, clock, state, [platform], **SHORT) as made:
        made.poll(platform)
        assert own(made, platform, CORRECTIONS.name) == 0
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", LISTED)
@pytest.mark.parametrize("hours", [-3, 3])
def test_our_own_clock_steps_and_the_upstream_does_not_tell_the_time(hours: int, platform: Platform) -> None:
    """Runs that we take for future ones are counted when the clock is right again; those counted stay counted."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=1200.0, workloads=2)
    with program(simulator, clock, platforms=[platform], **SHORT) as made:
        for _ in advance(clock, 1200, START + 6 * HOUR):  # our clock must not go back to before the baseline
            made.poll(platform)
        with simulator.faults.active("no_date"):
            made.clock.wrong = hours * HOUR
            made.runner.clock_stepped(hours * HOUR / SECOND)
            for _ in advance(clock, 1200, clock() + 4 * HOUR):
                made.poll(platform)
        made.clock.wrong = 0
        made.runner.clock_stepped(-hours * HOUR / SECOND)
        settle(made, platform, clock)
        assert own(made, platform, RUNS_EXPIRED.name) == 0
        runs = "automation_runs_total"
        counted = {key: number for key, number in made.counted(platform).items() if key[0] == runs}
        truth = simulator.totals(platform).counters[runs]
        assert sum(counted.values()) == sum(truth.values())


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("seconds", [-600, 600])
def test_an_upstream_whose_clock_is_ten_minutes_off_from_the_start(seconds: int, platform: Platform) -> None:
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=1200.0, workloads=2)
    with (
        program(simulator, clock, platforms=[platform], **SHORT) as made,
        simulator.faults.active("skewed_clock", seconds=seconds),
    ):
        for _ in advance(clock, 1200, START + 12 * HOUR):
            assert made.poll(platform).good
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", WINDOWED)
@pytest.mark.parametrize("seconds", [-600, 600])
def test_a_baseline_is_taken_by_the_clock_of_the_upstream(seconds: int, platform: Platform) -> None:
    """The first request does not know yet what the time is there: what ended before it may be filed in our future, and
    what ends after it in our past."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=60.0, workloads=2)
    with (
        simulator.faults.active("skewed_clock", seconds=seconds),
        program(simulator, clock, platforms=[platform], **{**SHORT, "settle": "5m"}) as made,
    ):
        for _ in advance(clock, 60, START + 20 * MINUTE):
            assert made.poll(platform).good
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", WINDOWED)
@pytest.mark.parametrize("seconds", [-600, 600])
def test_a_clock_that_is_known_to_be_wrong_is_not_taken_for_right_when_nobody_tells_the_time(
    seconds: int, platform: Platform
) -> None:
    """After a restart the first answers have no Date: our own clock would move anchors past what ends until then, or
    write off what is only not yet read."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=20.0, workloads=2)
    short = {**SHORT, "settle": "400s", "max_window": "500s", "sweep_interval": "1m"}
    with (
        simulator.faults.active("skewed_clock", seconds=seconds),
        program(simulator, clock, platforms=[platform], **short) as made,
    ):
        for at in advance(clock, 20, START + 2 * HOUR):
            if at // (20 * SECOND) % 45 == 0:
                made.targets[platform].memory.clear()
                with simulator.faults.active("no_date"):
                    made.poll(platform)
            else:
                made.poll(platform)
        assert_exact(made, platform)


def test_a_first_answer_that_names_nothing_ends_by_the_clock_of_the_upstream() -> None:
    """From its end on everything counts; one that lay ahead would leave out what ends until then."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=60.0, workloads=2)
    simulator.roboto.keyed_by = "completion"
    with (
        simulator.faults.active("skewed_clock", seconds=-600),
        program(simulator, clock, platforms=["roboto"], **{**SHORT, "settle": "5m"}) as made,
    ):
        with simulator.faults.active("empty_list"):
            made.poll("roboto")
        for _ in advance(clock, 60, START + 20 * MINUTE):
            assert made.poll("roboto").good
        assert_exact(made, "roboto")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_date_that_was_wrong_by_years_once_puts_nothing_off_for_years(platform: Platform) -> None:
    """Anchors move, listings are swept, and the data are as old as they are."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=1200.0, workloads=2)
    with program(simulator, clock, platforms=[platform], **SHORT) as made:
        for _ in advance(clock, 1200, START + 7 * HOUR):
            made.poll(platform)
        with simulator.faults.active("clock_skew", seconds=5 * 365 * DAY / SECOND):
            made.poll(platform)
            clock.advance(1200)
            made.poll(platform)
        before = _anchors(made, platform)
        for _ in advance(clock, 1200, clock() + 9 * HOUR):
            made.poll(platform)
        ledger = made.targets[platform].ledger
        assert platform in LISTED or _anchors(made, platform) != before
        for state in ledger.listings.values():
            assert clock() - 2 * HOUR <= (state.last_sweep or state.last_whole or 0) <= clock()
        assert ledger.target is not None
        assert clock() - HOUR <= (ledger.target.data_at or 0) <= clock()
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", LISTED)
def test_a_result_that_comes_days_late_counts_while_its_birth_is_remembered(platform: Platform) -> None:
    """Created on the first day, seen only on the sixth."""
    clock, world = ManualClock(START), World()
    world.add_workload(platform, "slow")
    world.add_run(platform, "slow", triggered=START + HOUR, started=START + HOUR, ended=START + 5 * DAY,
                  visible=START + 5 * DAY + 3 * MINUTE)  # fmt: skip
    _daily(world, platform, "slow", days=8)
    with program(Simulator(world, clock=clock), clock, platforms=[platform]) as made:
        for _ in advance(clock, 1800, START + 8 * DAY):
            assert made.poll(platform).good
        assert own(made, platform, LATE_RUNS_SKIPPED.name) == 0
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", LISTED)
def test_what_comes_later_than_that_is_skipped_and_never_in_silence(platform: Platform) -> None:
    """Born below the floor, ended above it: counted once, as skipped."""
    clock, world = ManualClock(START), World()
    world.add_workload(platform, "slow")
    born = START + HOUR
    world.add_run(platform, "slow", triggered=born, started=born, ended=START + 3 * DAY, visible=START + 3 * DAY)
    _daily(world, platform, "slow", days=6)
    with program(Simulator(world, clock=clock), clock, platforms=[platform], **SHORT) as made:
        for _ in advance(clock, 1800, START + 6 * DAY):
            assert made.poll(platform).good
        assert own(made, platform, LATE_RUNS_SKIPPED.name) == 1
        counted = sum(n for key, n in made.counted(platform).items() if key[0] == "automation_runs_total")
        assert counted + 1 == made.simulator.totals(platform).counter("automation_runs_total")


def _daily(world: World, platform: Platform, key: str, days: int) -> None:
    for hour in range(0, days * 24, 3):
        at = START + hour * HOUR
        world.add_run(platform, key, triggered=at, started=at + SECOND, ended=at + MINUTE)


@pytest.mark.parametrize(
    "bad",
    [("empty_list", {}), ("dropped_rows", {"share": 0.5}), ("fallen_counts", {"by": 2})],
    ids=["empty", "halved", "fallen"],
)
@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("hung", [False, True], ids=["moves", "has to be forced"])
@pytest.mark.parametrize("platform", WINDOWED)
def test_one_bad_reading_at_a_move_of_the_anchor(
    platform: Platform, hung: bool, number: int, bad: tuple[str, dict[str, Any]]
) -> None:
    """Whichever of the four readings is empty, or lacks some items, nothing is counted twice and nothing is lost."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=900.0, workloads=4, failures=0.3)
    if hung:  # a run that never ends keeps the anchor from moving until the window is too long
        simulator.world.add_run(platform, simulator.world.keys(platform)[0], triggered=START + HOUR)
    fault, options = bad
    with program(simulator, clock, platforms=[platform], **SHORT, sweep_interval="1s") as made:
        for _ in advance(clock, 600, START + HOUR):
            assert made.poll(platform).good
        first = _anchors(made, platform)
        for turn, _ in enumerate(advance(clock, 1200, START + 16 * HOUR)):
            if fault != "fallen_counts" or turn % 2:  # nobody could tell a fall that never comes back from the truth
                simulator.faults.on(fault, after=number - 1, times=1, **options)
            made.poll(platform)
            simulator.faults.clear()
        settle(made, platform, clock)
        assert _anchors(made, platform) != first
        assert_exact(made, platform)


@pytest.mark.parametrize(
    ("day", "zone"),
    [("2026-10-24", "Europe/Berlin"), ("2027-03-27", "W. Europe Standard Time"), ("2026-10-03", "Australia/Lord_Howe")],
)
def test_no_schedule_is_missed_and_no_run_lost_when_clocks_are_changed(day: str, zone: str) -> None:
    """Schedules in the hour that is skipped or comes twice; times come in every form that is allowed."""
    clock = ManualClock(micros(f"{day}T06:00:00+00:00"))
    world = World(history_start=clock() - HOUR)
    for number, cron in enumerate(("0 * * * *", "30 2 * * *", "15 1-3 * * *", "*/20 2 * * 0")):
        trigger = {"main": Trigger("schedule", cron, zone)}
        profile = Profile(schedule=Cron(cron, zone), trigger_type="schedule", trigger_name="main", duration=5,
                          attempt_source="schedule_delivery")  # fmt: skip
        world.add_workload("foundry", f"routine {number}", triggers=trigger, at=clock() - HOUR, profile=profile)
    simulator = Simulator(world, clock=clock)
    with program(simulator, clock, platforms=["foundry"]) as made:
        simulator.faults.on("times_in_many_forms")
        for _ in advance(clock, 900, clock() + 2 * DAY):
            assert made.poll("foundry").good
        missed = [n for (family, _), n in made.counted("foundry").items() if family == SCHEDULE_MISSED.name]
        assert missed == []
        assert simulator.totals("foundry").counter("automation_runs_total") > 48
        assert_exact(made, "foundry")


@pytest.mark.parametrize("hung", [False, True], ids=["moves", "has to be forced"])
@pytest.mark.parametrize("platform", WINDOWED)
def test_counts_that_fall_and_come_back_across_moves_and_kills(platform: Platform, hung: bool, tmp_path: Path) -> None:
    """Every third poll tells too little, in all readings of it, and every other ends with a kill."""
    clock, state = ManualClock(START), tmp_path / "state.db"
    simulator = simulator_of(clock, pace=900.0, workloads=4, failures=0.3)
    if hung:
        simulator.world.add_run(platform, simulator.world.keys(platform)[0], triggered=START + HOUR)
    seen: set[int] = set()
    for turn in range(60):
        with program(simulator, clock, state, [platform], **SHORT, sweep_interval="1s") as made:
            for poll in range(1 + turn % 2):
                clock.advance(1200)
                if (turn + poll) % 3 == 1:
                    simulator.faults.on("fallen_counts", by=1 + turn % 4)
                made.poll(platform)
                simulator.faults.clear()
            seen |= set(_anchors(made, platform).values())
    with program(simulator, clock, state, [platform], **SHORT, sweep_interval="1s") as made:
        settle(made, platform, clock)
        assert len(seen) > 2
        assert_exact(made, platform)


def _anchors(made: Program, platform: Platform) -> dict[str, int]:
    return {name: state.anchor for name, state in made.targets[platform].ledger.sources.items()}
