"""Granite as its documentation leaves it open: rounded windows, lists that are cut short, workflows that come later,
a small quota. What is counted is what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from exporter.simulator import ManualClock, Simulator
from exporter.simulator.generate import Profile
from exporter.simulator.quota import RateLimit
from exporter.simulator.schedules import Every
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros
from tests.exact.test_totals import SHORT_MEMORY
from tests.exact.world import START, Numbers, Program, advance, assert_exact, numbers, program, simulator_of

WORLD: Mapping[str, Any] = {"pace": 1800.0, "workloads": 5}
STEP = 1800.0
LONG = {"memory": "100h", "open_run_max_age": "24h", "settle": "24h", "max_window": "48h"}


def add(simulator: Simulator, name: str, every: Micros, at: Micros, phase: Micros = 0) -> None:
    """A workflow that is there from ``at`` on."""
    profile = Profile(schedule=Every(every, phase), trigger_type="scheduled", duration=60)
    simulator.world.add_workload("granite", name, at=at, profile=profile)


def quiet(simulator: Simulator) -> None:
    """Workflows that run about once a day: most windows that are cut in two lack them in one part."""
    for number in range(4):
        add(simulator, f"daily {number}", 25 * HOUR, simulator.world.history_start, number * 2 * HOUR)


def by_completion(simulator: Simulator) -> None:
    """Executions are filed by their end."""
    simulator.granite.keyed_by = "completion"


def inclusive(simulator: Simulator) -> None:
    """Two windows side by side share an instant."""
    simulator.granite.inclusive_end = True


def hours(simulator: Simulator) -> None:
    """Windows are widened to whole hours."""
    simulator.granite.rounded_to = HOUR


def days(simulator: Simulator) -> None:
    """Windows are widened to whole days."""
    simulator.granite.rounded_to = DAY


@dataclass(frozen=True)
class Office:
    """A definition of the world, and how long it is watched."""

    prepare: Callable[[Simulator], None]
    length: Micros = 3 * DAY
    settings: Mapping[str, str] | None = None


OFFICES = (Office(quiet), Office(by_completion), Office(inclusive), Office(hours), Office(days, 5 * DAY, LONG))


def settle_down(made: Program, clock: ManualClock) -> None:
    """Let those who wait to be read by name have their turns."""
    for _ in range(12):
        clock.advance(1)
        assert made.poll("granite").good


@pytest.mark.parametrize("office", OFFICES, ids=lambda office: office.prepare.__name__)
def test_days_with_moves_count_exactly_what_happened(office: Office) -> None:
    clock = ManualClock(START)
    simulator = simulator_of(clock, **WORLD)
    office.prepare(simulator)
    with program(simulator, clock, platforms=["granite"], **(office.settings or SHORT_MEMORY)) as made:
        made.poll_all()
        for _ in advance(clock, STEP, START + office.length):
            assert made.poll("granite").good
        settle_down(made, clock)
        assert_exact(made, "granite")
        assert made.targets["granite"].degraded == frozenset()


@pytest.mark.parametrize("longest", [None, 6])
def test_a_workflow_that_comes_later_is_counted_from_its_first_execution_on(longest: int | None) -> None:
    clock = ManualClock(START)
    simulator = simulator_of(clock, **WORLD)
    simulator.granite.longest_list = longest
    with program(simulator, clock, platforms=["granite"], **SHORT_MEMORY) as made:
        made.poll_all()
        for now in advance(clock, STEP, START + 2 * DAY):
            if now == START + 10 * HOUR:
                add(simulator, "brand new", 1800 * SECOND, now)
            assert made.poll("granite").good
        settle_down(made, clock)
        assert_exact(made, "granite")


@pytest.mark.parametrize("office", OFFICES, ids=lambda office: office.prepare.__name__)
def test_a_workflow_that_came_while_nobody_looked_is_counted_whole(office: Office) -> None:
    """It takes over the list's anchor in two parts. Where these overlap, since bounds are rounded or included, it waits
    until they do not."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, **WORLD)
    office.prepare(simulator)
    with program(simulator, clock, platforms=["granite"], **(office.settings or SHORT_MEMORY)) as made:
        made.poll_all()
        clock.advance(2 * HOUR / SECOND)
        add(simulator, "brand new", 1800 * SECOND, clock())
        clock.advance(7 * HOUR / SECOND)
        for _ in advance(clock, 2 * STEP, START + office.length):
            assert made.poll("granite").good
        settle_down(made, clock)
        assert_exact(made, "granite")


def of_workflows(found: Numbers) -> Numbers:
    """Runs that ended, by workflow and outcome."""
    return {key: number for key, number in found.items() if key[0] == "automation_runs_total"}


@pytest.mark.parametrize("fault", ["null_counts", "record_without_id"])
def test_what_the_first_answer_does_not_tell_is_no_burst_later(fault: str) -> None:
    """A workflow without counts there has no baseline: it is read by name from the first poll on, and the day before
    is not counted when its counts are back."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=600.0, workloads=3)
    with program(simulator, clock, platforms=["granite"], **SHORT_MEMORY) as made:
        with simulator.faults.active(fault, times=1):
            made.poll_all()
        for _ in advance(clock, 300, START + 2 * HOUR):
            assert made.poll("granite").good
        settle_down(made, clock)
        truth, counted = of_workflows(numbers(simulator.totals("granite"))), of_workflows(made.counted("granite"))
        under_way = {key: truth[key] - counted.get(key, 0) for key in truth}
        assert set(under_way.values()) <= {0, 1}
        assert counted.keys() <= truth.keys()


def test_a_list_that_is_cut_short_loses_nothing_that_began_after_the_first_poll() -> None:
    """Two of nine workflows are listed, the others read by name. Those that the first list lacked are counted from
    then on: an execution that was under way is not, since it is filed before."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, **WORLD)
    quiet(simulator)
    simulator.granite.longest_list = 2
    with program(simulator, clock, platforms=["granite"], **SHORT_MEMORY) as made:
        made.poll_all()
        for _ in advance(clock, STEP, START + 3 * DAY):
            assert made.poll("granite").good
        settle_down(made, clock)
        assert made.targets["granite"].degraded == {"cut_short"}
        truth, counted = of_workflows(numbers(simulator.totals("granite"))), of_workflows(made.counted("granite"))
        under_way = {key: truth[key] - counted.get(key, 0) for key in truth}
        assert set(under_way.values()) <= {0, 1}
        assert sum(under_way.values()) <= sum(
            run.created_at < START < (run.settled_at or 0)
            for key in simulator.world.keys("granite")
            for run in simulator.world.runs("granite", key, START - HOUR, START)
        )


@pytest.mark.parametrize("limit", [100, 1000])
def test_no_more_than_half_of_the_announced_limit_is_ever_used(limit: int) -> None:
    """With the default pace and many workflows that a cut list lacks; the anchored window never waits."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=900.0, workloads=12)
    simulator.granite.longest_list = 3
    simulator.rate_limits["granite"] = RateLimit(limit, 3600)
    asked: dict[int, int] = {}
    with program(simulator, clock, platforms=["granite"], interval="3m", deep_interval="10m") as made:
        for _ in advance(clock, 180, START + 6 * HOUR):
            before = simulator.log.count("granite")
            report = made.poll("granite")
            assert report.good, report.message
            hour = clock() // HOUR
            asked[hour] = asked.get(hour, 0) + simulator.log.count("granite") - before
    assert max(asked.values()) <= limit // 2
    assert min(list(asked.values())[1:-1]) > 20 + 5 + 5  # what is left goes to reading by name


def test_the_default_pace_makes_thirty_two_requests_an_hour() -> None:
    """20 anchored windows, 6 rolling ones and 6 of cancelled executions, at most."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=900.0)
    with program(simulator, clock, platforms=["granite"], interval="3m", deep_interval="10m") as made:
        made.poll_all()
        for _ in advance(clock, 180, START + 5 * HOUR - 3 * MINUTE):
            assert made.poll("granite").good
    assert simulator.log.count("granite") <= 5 * 32
