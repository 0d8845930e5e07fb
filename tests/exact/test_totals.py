"""What is counted equals what happened, per series, buckets and sums included."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exporter.simulator import ManualClock, Platform
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros
from tests.exact.world import PLATFORMS, START, Program, advance, assert_exact, program, simulator_of

SHORT_MEMORY: Mapping[str, Any] = {"memory": "26h", "open_run_max_age": "24h", "settle": "6h", "max_window": "12h"}
"""Hours for days: as many moves of anchor and floor, with fewer rows to read each time."""


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("seed", [1, 2])
def test_two_hours_of_polls_count_exactly_what_happened(platform: Platform, seed: int) -> None:
    clock = ManualClock(START)
    with program(simulator_of(clock, seed, pace=60.0, workloads=3), clock, platforms=[platform]) as made:
        made.poll_all()
        for _ in advance(clock, 127, START + 2 * HOUR):
            report = made.poll(platform)
            assert report.good, report.message
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_restart_after_every_poll_changes_nothing(platform: Platform, tmp_path: Path) -> None:
    clock = ManualClock(START)
    world = simulator_of(clock, pace=60.0, workloads=3, history_days=0.1)
    for _ in advance(clock, 300, START + 2 * HOUR):
        with program(world, clock, tmp_path / "state.db", [platform]) as made:
            assert made.poll(platform).good
            assert_exact(made, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_outage_of_two_days_is_made_up_for(platform: Platform) -> None:
    clock = ManualClock(START)
    with program(simulator_of(clock, pace=600.0, workloads=4), clock, platforms=[platform]) as made:
        made.poll_all()
        for _ in advance(clock, 600, START + 6 * HOUR):
            assert made.poll(platform).good
        clock.advance(2 * DAY / SECOND)
        for _ in advance(clock, 60, clock() + 10 * MINUTE):
            made.poll(platform)
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_three_days_cross_moves_of_anchor_and_floor(platform: Platform) -> None:
    clock = ManualClock(START)
    with program(simulator_of(clock, pace=1800.0, workloads=3), clock, platforms=[platform], **SHORT_MEMORY) as made:
        made.poll_all()
        began = bounds(made, platform)
        for _ in advance(clock, 2700, START + 3 * DAY):
            assert made.poll(platform).good
        assert_exact(made, platform)
        assert all(moved - stood > DAY for moved, stood in zip(bounds(made, platform), began, strict=True))


def bounds(made: Program, platform: Platform) -> list[Micros]:
    """How far back the target reads or remembers: the anchors of its windows, else the floor."""
    ledger = made.targets[platform].ledger
    assert ledger.target is not None
    return [source.anchor for source in ledger.sources.values()] or [ledger.target.floor]
