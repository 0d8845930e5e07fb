"""Moderately as its documentation leaves it open: either order, deletions, renamed agents, either spelling."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.platforms.moderately import api
from exporter.simulator import ManualClock, Simulator
from exporter.simulator.moderately_records import version_id
from exporter.times import HOUR, MINUTE
from tests.exact.world import START, Program, advance, assert_exact, program, simulator_of


def ascending(simulator: Simulator) -> None:
    """Old executions come first."""
    simulator.moderately.order = "ascending"


def library(simulator: Simulator) -> None:
    """Only the client library's spelling is understood."""
    simulator.moderately.understands = "library"


def plain(simulator: Simulator) -> None:
    """As documented, newest first."""
    simulator.moderately.order = "descending"


@pytest.mark.parametrize(
    ("prepare", "settings"),
    [(plain, {}), (ascending, {}), (library, {"parameter_style": "sdk"}), (ascending, {"include": ["*"]})],
)
def test_every_server_is_counted_exactly(prepare: Callable[[Simulator], None], settings: dict[str, Any]) -> None:
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=240.0, workloads=4, history_days=0.3)
    prepare(simulator)
    with program(simulator, clock, platforms=["moderately"], **settings) as made:
        made.poll_all()
        for _ in advance(clock, 113, START + 90 * MINUTE):
            report = made.poll("moderately")
            assert report.good, report.message
        assert_exact(made, "moderately")


@pytest.mark.nightly
def test_a_listing_in_no_order_of_more_than_200_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read whole in slices, over restarts too, and never in one poll; what ended is counted once in the end."""
    monkeypatch.setattr(api, "PAGE_SIZE", 8)
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=40.0, workloads=2, history_days=0.45)
    simulator.moderately.order = "none"
    most = 0

    def pages_of_a_poll(made: Program) -> int:
        simulator.log.clear()
        made.poll("moderately")
        asked = [entry for entry in simulator.log.of("moderately") if "pageSize=8" in entry.query]
        return len(asked)

    limits = {"requests_per_minute": 120, "sweep_interval": "10m", "memory": "8d"}
    for _ in range(2):
        with program(simulator, clock, tmp_path / "state.db", ["moderately"], **limits) as made:
            for _ in advance(clock, 61, clock() + 16 * MINUTE):
                most = max(most, pages_of_a_poll(made))
            assert "unsorted" in made.targets["moderately"].degraded
    simulator.world.end_at(clock())
    with program(simulator, clock, tmp_path / "state.db", ["moderately"], **limits) as made:
        for _ in advance(clock, 61, clock() + 24 * MINUTE):
            made.poll("moderately")
        assert_exact(made, "moderately")
    keys, now = simulator.world.keys("moderately"), clock()
    assert sum(simulator.world.states("moderately", key, 0, now, now).total() for key in keys) > 200 * 8
    assert most < 60


def test_an_order_that_turns_round_is_noticed_with_the_next_walk_to_the_floor() -> None:
    """At the latest; nothing is counted twice."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=120.0, workloads=4)
    with program(simulator, clock, platforms=["moderately"]) as made:
        for now in advance(clock, 300, START + 4 * HOUR):
            turned = now > START + 2 * HOUR
            simulator.moderately.order = "ascending" if turned else "descending"
            made.poll("moderately")
        assert_exact(made, "moderately")


def test_executions_that_are_deleted_stay_counted() -> None:
    """A counter never goes down, and reading goes on after the listing shrank."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=60.0, workloads=3)
    with program(simulator, clock, platforms=["moderately"]) as made:
        for _ in advance(clock, 120, START + HOUR):
            assert made.poll("moderately").good
        counted = made.counted("moderately")
        runs = [
            run
            for key in simulator.world.keys("moderately")
            for run in simulator.world.runs("moderately", key, START, clock())
            if run.settled_at is not None and run.settled_at < clock()
        ]
        simulator.moderately.deleted |= {run.id for run in runs[::2]}
        for _ in advance(clock, 120, START + 2 * HOUR):
            made.poll("moderately")
        assert all(made.counted("moderately")[key] >= number for key, number in counted.items())
        assert_exact(made, "moderately")


def test_an_agent_that_is_gone_does_not_make_the_data_look_old() -> None:
    """Asked for one by one, it had a listing of its own; the others stay exact."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=60.0, workloads=3)
    library(simulator)
    settings: dict[str, Any] = {"parameter_style": "sdk", "include": ["*"], "deep_interval": "1m"}
    with program(simulator, clock, platforms=["moderately"], **settings) as made:
        for _ in advance(clock, 60, START + 30 * MINUTE):
            assert made.poll("moderately").good
        assert len(made.targets["moderately"].ledger.listings) == 3
        simulator.world.remove_workload("moderately", "agent-3", at=clock())
        for _ in advance(clock, 60, START + 2 * HOUR):
            assert made.poll("moderately").good
        ledger = made.targets["moderately"].ledger
        assert len(ledger.listings) == 2
        assert ledger.target is not None
        assert ledger.target.data_at is not None
        assert clock() - ledger.target.data_at <= MINUTE
        assert made.targets["moderately"].degraded == frozenset()


def test_a_renamed_agent_is_a_new_series() -> None:
    """Born at 0; what ran under the old name stays there."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=60.0, workloads=1)
    with program(simulator, clock, platforms=["moderately"], deep_interval="1m") as made:
        for _ in advance(clock, 60, START + 30 * MINUTE):
            made.poll("moderately")
        simulator.world.rename_workload("moderately", "agent-1", "Renamed", at=clock())
        for _ in advance(clock, 60, START + HOUR):
            made.poll("moderately")
        labels = {
            key.labels[0] for key in made.targets["moderately"].ledger.series if key.family == "automation_runs_total"
        }
        assert labels == {"Research Assistant", "Renamed"}
        total = sum(number for key, number in made.counted("moderately").items() if key[0] == "automation_runs_total")
        assert total == simulator.totals("moderately").counter("automation_runs_total")


def test_an_agent_whose_name_is_not_told_after_a_restart_keeps_it(tmp_path: Path) -> None:
    """The ledger knows it; what ran meanwhile is counted under it."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=60.0, workloads=2)
    state = tmp_path / "state.db"
    with program(simulator, clock, platforms=["moderately"], state=state) as made:
        for _ in advance(clock, 60, START + 10 * MINUTE):
            made.poll("moderately")
    with program(simulator, clock, platforms=["moderately"], state=state) as made:
        with simulator.faults.active("missing_names"):
            for _ in advance(clock, 60, START + 20 * MINUTE):
                assert made.poll("moderately").good
        assert_exact(made, "moderately")


def test_a_version_that_nobody_knows_is_unnamed() -> None:
    """Its executions count all the same."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=60.0, workloads=2)
    known = simulator.moderately
    with program(simulator, clock, platforms=["moderately"]) as made:
        first = simulator.world.workloads("moderately", clock())[0]
        known.nameless = frozenset({version_id(first)})
        for _ in advance(clock, 120, START + HOUR):
            assert made.poll("moderately").good
        counted = made.counted("moderately")
        truth = simulator.totals("moderately")
        unnamed = sum(
            n
            for (family, labels), n in counted.items()
            if family == "automation_runs_total" and labels[0] == "_unnamed"
        )
        assert unnamed == truth.counter("automation_runs_total", workload=first.name) > 0
