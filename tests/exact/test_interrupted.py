"""The process ends between two readings, or somebody else holds the state: nothing of the poll counts, or all of it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exporter.simulator import ManualClock, Platform, Simulator, demo_world
from exporter.simulator.messages import Request, Response
from exporter.store import connection
from exporter.times import HOUR
from tests.exact.attack import Killed
from tests.exact.test_days import SHORT, WINDOWED, settle
from tests.exact.world import PLATFORMS, START, advance, assert_exact, program, simulator_of

READINGS = 4
"""Of a window whose anchor moves."""


class Deadly(Simulator):
    """A simulator at whose n-th answer the process that asks is gone."""

    left = 0

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        self.left -= 1
        if self.left == 0:
            raise Killed
        return super().handle(request)


@pytest.mark.parametrize("platform", WINDOWED)
def test_an_end_between_two_readings_of_a_move_counts_nothing_of_it(platform: Platform, tmp_path: Path) -> None:
    """Whichever it is, by SIGTERM or SIGKILL: all of a poll's windows are one transaction."""
    clock, state = ManualClock(START), tmp_path / "state.db"
    simulator = Deadly(demo_world(1, START, pace=600.0, workloads=3, failures=0.3), clock=clock)
    died: Counter[int] = Counter()
    for turn in range(4 * READINGS):
        number = 1 + turn % READINGS
        try:
            with program(simulator, clock, state, [platform], **SHORT, sweep_interval="1s") as made:
                for seconds, simulator.left in ((60, 0), (4 * 3600, number)):  # the second finds a move due
                    clock.advance(seconds)
                    made.poll(platform)
        except Killed:
            died[number] += 1
    simulator.left = 0
    with program(simulator, clock, state, [platform], **SHORT, sweep_interval="1s") as made:
        settle(made, platform, clock)
        for _ in range(3):  # cancelled runs are a list of their own, which waits while the other moves
            clock.advance(60)
            assert made.poll(platform).good
        assert min(died[number] for number in range(1, READINGS + 1)) > 2
        assert min(source.anchor for source in made.targets[platform].ledger.sources.values()) > START
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_state_that_another_program_holds_fails_polls_and_loses_nothing(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody looks into it with a tool that locks it, or copies it."""
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.01)
    clock, state = ManualClock(START), tmp_path / "state.db"
    simulator = simulator_of(clock, pace=60.0, workloads=3, history_days=0.02)
    settings: dict[str, Any] = {"sweep_interval": "5m"}
    with program(simulator, clock, state, [platform], **settings) as made:
        for _ in advance(clock, 127, START + HOUR // 4):
            assert made.poll(platform).good
        before = made.counted(platform)
        with closing(sqlite3.connect(state, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(3):
                clock.advance(127)
                report = made.poll(platform)
                assert (report.good, report.error) == (False, "state")
                assert str(state) in report.message
            assert made.counted(platform) == before
        clock.advance(127)
        assert made.poll(platform).good
        assert_exact(made, platform)
    with program(simulator, clock, state, [platform], **settings) as made:
        assert made.poll(platform).good
        assert_exact(made, platform)
