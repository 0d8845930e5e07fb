from __future__ import annotations

import logging
from threading import Event

import pytest

from exporter.schedule.watch import ClockComparison, ClockWatch
from exporter.times import SECOND, Micros, Moment


class FakeClock:
    """Two clocks that move when told to, in seconds."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000.0
        self.elapsed = 0.0

    def now(self) -> Moment:
        micros: Micros = round(self.wall * SECOND)
        return Moment(micros, micros)

    def monotonic(self) -> float:
        return self.elapsed


@pytest.mark.parametrize(
    ("wall", "elapsed", "step"),
    [
        (5.0, 5.0, 0.0),
        (5.02, 5.0, 0.0),
        (7.9, 5.0, 0.0),  # within the tolerance
        (8.5, 5.0, 3.5),
        (3605.0, 5.0, 3600.0),
        (-7195.0, 5.0, -7200.0),
        (3600.0, 3600.0, 0.0),  # the process was stopped, no clock was
        (28_800.0, 5.0, 28_795.0),  # the machine slept
    ],
)
def test_a_step_is_what_the_clocks_part_by(wall: float, elapsed: float, step: float) -> None:
    clock = FakeClock()
    comparison = ClockComparison(clock)
    clock.wall += wall
    clock.elapsed += elapsed
    assert comparison.step() == pytest.approx(step)
    clock.wall += 5
    clock.elapsed += 5
    assert comparison.step() == 0.0  # told once


def test_slow_drift_is_no_step() -> None:
    clock = FakeClock()
    comparison = ClockComparison(clock)
    for _ in range(1000):
        clock.wall += 5.1
        clock.elapsed += 5.0
        assert comparison.step() == 0.0


def test_the_watch_survives_whom_it_tells(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    told: list[float] = []
    second = Event()

    def on_step(step: float) -> None:
        told.append(step)
        if len(told) == 1:
            clock.wall -= 100
            raise RuntimeError("no plan")
        second.set()

    watch = ClockWatch(clock, on_step, every_seconds=0.005)
    clock.wall += 60
    watch.start()
    assert second.wait(10)
    watch.stop()
    assert told == pytest.approx([60, -100])
    assert "the wall clock stepped by +60.0 s" in caplog.text
    assert "no plan" in caplog.text


def test_a_watch_that_was_never_started_can_be_stopped(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ClockWatch(FakeClock(), lambda _step: None, every_seconds=60).stop()
    assert caplog.text == ""
