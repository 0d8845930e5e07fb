"""The check on what was counted: no alarm when all is well, an alarm when something is missing for long enough."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.platforms.moderately.totals import Check
from exporter.times import MINUTE, SECOND

POLLS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.booleans()), min_size=1, max_size=30
)
"""Runs that end before the number is read, those of the very second, runs that end between the number and the walk,
a walk to the floor."""


@given(st.integers(0, 1000), POLLS)
def test_without_loss_there_is_never_an_alarm(history: int, polls: list[tuple[int, int, int, bool]]) -> None:
    """Whatever ends between the number and the walk, in the same second too."""
    check, counted, ended = Check(), 0, history
    for number, (before, just, between, swept) in enumerate(polls):
        assert not check.missing(counted)
        at = number * MINUTE
        ended += before + just
        check.asked(ended, at)
        ends = {f"{number}/{each}": at + each * SECOND // 2 for each in range(between)}
        ends |= {f"{number}/just {each}": at for each in range(just)}
        ended += between
        counted = ended - history
        check.walked(ends, swept=swept or not number)
    assert not check.missing(counted)


@given(st.integers(1, 5), st.integers(0, 3))
def test_a_loss_is_noticed_after_two_polls(lost: int, quiet: int) -> None:
    """And after the walk that it leads to, what is left is the base."""
    check = Check()
    check.asked(100, 0)
    check.walked({}, swept=True)
    for _ in range(quiet):
        assert not check.missing(0)
        check.asked(100, 0)
        check.walked({}, swept=False)
    assert not check.missing(0)
    alarms = []
    for _ in range(2):
        check.asked(100 + lost, 0)
        check.walked({}, swept=False)
        alarms.append(check.missing(0))
    assert alarms == [False, True]
    check.asked(100 + lost, 0)
    check.walked({}, swept=True)
    for _ in range(3):
        assert not check.missing(0)
        check.asked(100 + lost, 0)
        check.walked({}, swept=False)


def test_a_walk_to_the_floor_that_takes_several_polls_is_not_begun_anew_at_each() -> None:
    """It has two polls' time before the next one is due."""
    check = Check()
    check.asked(100, 0)
    check.walked({}, swept=True)
    alarms = []
    for _ in range(7):
        alarms.append(check.missing(0))
        check.asked(101, 0)
        check.walked({}, swept=False)
    assert alarms == [False, False, True, False, True, False, True]


def test_a_walk_that_was_not_complete_says_nothing() -> None:
    """Its number is not compared."""
    check = Check()
    check.asked(100, 0)
    check.walked({}, swept=True)
    assert not check.missing(0)
    for _ in range(5):
        check.asked(200, 0)
        check.failed()
        assert not check.missing(0)


def test_before_the_first_walk_to_the_floor_there_is_nothing_to_compare_with() -> None:
    """As after a restart."""
    check = Check()
    for _ in range(5):
        check.asked(100, 0)
        check.walked({}, swept=False)
        assert not check.missing(0)
