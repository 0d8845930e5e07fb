"""Bounded memory and state: a soak of weeks, with all that a long one has (``./run soak``)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.soak.picture import draw
from tools.soak.running import Day, soak
from tools.soak.verdict import growing, wrong
from tools.soak.worlds import Course

SHORT = Course(days=45, forget_after=12, rare_every=5, passing_every=2, passing_for=4)


def day(number: int, **other: int) -> Day:
    """A day like every other."""
    return Day(number, **{"memory": 100, "state": 100, "series": 10, "workloads": 10, "exposition": 10, **other})


@pytest.mark.nightly
def test_memory_and_state_stop_growing_and_workloads_are_forgotten_and_return(tmp_path: Path) -> None:
    """And what stayed, ran rarely or came back is counted exactly."""
    for done in soak(1, SHORT, tmp_path / "state.db", lambda _: None):
        assert wrong(done) == []


def test_what_grows_is_told() -> None:
    days = [day(number) for number in range(46)]
    assert list(growing(days, SHORT)) == []
    days[-1] = day(45, state=120)
    assert list(growing(days, SHORT)) == ["state grows: 100 at most until day 31, 120 after it"]


def test_a_soak_that_is_too_short_is_told() -> None:
    assert list(growing([day(number) for number in range(19)], SHORT)) == [
        "45 days are too few: nothing is steady before day 18"
    ]


def test_the_drawing_has_a_line_for_each_measurement() -> None:
    drawn = draw([day(number) for number in range(46)], 12)
    assert drawn.count("<polyline") == 4
    assert drawn.startswith("<svg ")
