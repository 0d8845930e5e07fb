"""Windows that take minutes to read: what ends while an answer is on its way is counted once, and not lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.simulator import ManualClock, Platform, Simulator, World, demo_world
from exporter.simulator.messages import Request, Response
from exporter.times import DAY, HOUR, MINUTE, SECOND
from tests.exact.world import START, Program, advance, assert_exact, program

WINDOWED: tuple[Platform, ...] = ("roboto", "granite")
FORCED = (("roboto", True), ("roboto", False), ("granite", True), ("granite", False))
"""Platforms, and whether a move has to be forced because a run never ends, else because of bounds."""
PATIENT: Mapping[str, Any] = {"timeout": "5m", "interval": "30m"}
SHORT: Mapping[str, Any] = {"settle": "3h", "max_window": "6h", "sweep_interval": "10m", "deep_interval": "1s"}


class Far(Simulator):
    """A simulator that is minutes away: it looks at its world between asking and answering."""

    there = back = 0.0

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        self.clock.advance(self.there)  # type: ignore[attr-defined]
        answer = super().handle(request)
        self.clock.advance(self.back)  # type: ignore[attr-defined]
        return answer


def runs(made: Program, platform: Platform) -> int:
    """How many runs were counted."""
    return sum(number for key, number in made.counted(platform).items() if key[0] == "automation_runs_total")


def rest(made: Program, simulator: Far, clock: ManualClock, platform: Platform) -> None:
    """Let everything end, and be read."""
    simulator.there = simulator.back = 0.0
    for _ in advance(clock, 2400, clock() + 3 * HOUR):
        assert made.poll(platform).good


@pytest.mark.parametrize("keyed_by", ["creation", "completion"])
@pytest.mark.parametrize(("platform", "hung"), FORCED)
def test_a_forced_move_counts_each_run_once(platform: Platform, hung: bool, keyed_by: Any) -> None:
    """A run in the closing part never ends, or bounds are rounded to days and no two parts add up. What ends between
    the readings of a move is in its rest, or is counted from its wholes, and never both."""
    clock = ManualClock(START)
    simulator = Far(demo_world(1, START, pace=600.0, workloads=3, failures=0.3, history_days=0.5), clock=clock)
    simulator.roboto.keyed_by = simulator.granite.keyed_by = keyed_by
    if hung:
        simulator.world.add_run(platform, simulator.world.keys(platform)[0], triggered=START + HOUR)
    else:
        simulator.faults.on("rounded_windows", platform=platform)
    with program(simulator, clock, platforms=[platform], **PATIENT, **SHORT) as made:
        assert made.poll(platform).good
        first = made.targets[platform].ledger.sources
        anchors = {name: state.anchor for name, state in first.items()}
        simulator.there = simulator.back = 20.0
        for _ in advance(clock, 1300, START + DAY):
            assert made.poll(platform).good
        simulator.world.end_at(clock())
        rest(made, simulator, clock, platform)
        moved = made.targets[platform].ledger.sources
        assert all(moved[name].anchor > anchor for name, anchor in anchors.items())
        assert_exact(made, platform)


@pytest.mark.parametrize("rounded", [False, True], ids=["as asked", "rounded to days"])
@pytest.mark.parametrize("keyed_by", ["creation", "completion"])
@pytest.mark.parametrize("known", [True, False], ids=["known workload", "new workload"])
@pytest.mark.parametrize("platform", WINDOWED)
def test_what_ends_while_the_first_answer_is_on_its_way_is_counted_once_or_is_history(
    platform: Platform, known: bool, keyed_by: Any, rounded: bool
) -> None:
    """The first reading ends when it is asked for. What is filed after that and is not in its answer counts, although
    the answer's ``Date`` is later; what is in it does not."""
    clock, world = ManualClock(START), World()
    world.add_workload(platform, "old")
    world.add_run(platform, "old", triggered=START - HOUR, started=START - HOUR, ended=START - HOUR + MINUTE)
    simulator = Far(world, clock=clock)
    simulator.roboto.keyed_by = simulator.granite.keyed_by = keyed_by
    if rounded:
        simulator.faults.on("rounded_windows", platform="roboto")
        simulator.granite.rounded_to = DAY
    name = "old" if known else "fresh"
    if not known:
        world.add_workload(platform, name, at=START + 5 * SECOND)
    for begin in (10, 50):  # one ends before the upstream looks, the other after it has answered
        at = START + begin * SECOND
        world.add_run(platform, name, triggered=at, started=at + SECOND, ended=at + 20 * SECOND)
    with program(simulator, clock, platforms=[platform], **PATIENT, deep_interval="1s") as made:
        simulator.there = 40.0
        assert made.poll(platform).good
        rest(made, simulator, clock, platform)
        assert runs(made, platform) == (1 if rounded else 2)
        ledger = made.targets[platform].ledger
        assert ledger.target is not None
        assert START <= ledger.target.baseline_at <= START + SECOND
