from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.schedule.pace import LONGEST_SPREAD, Pace, PaceTrigger, spread
from exporter.times import HOUR, MINUTE, SECOND, Micros, to_datetime

FIRST = 1_700_000_000 * SECOND
JITTERED = Pace(FIRST, MINUTE, jitter=0.5, seed=7)

moments = st.integers(FIRST - HOUR, FIRST + 1000 * HOUR)
paces = st.builds(
    lambda interval, jitter, seed, shift: Pace(FIRST, interval, jitter, seed, int(shift * interval)),
    st.integers(SECOND, HOUR),
    st.floats(0, 0.99, allow_nan=False),
    st.integers(0, 2**64),
    st.floats(-0.5, 0.5, allow_nan=False),
)


@pytest.mark.parametrize(
    ("moment", "run"),
    [
        (FIRST - HOUR, FIRST),
        (FIRST - 1, FIRST),
        (FIRST, FIRST + MINUTE),
        (FIRST + 1, FIRST + MINUTE),
        (FIRST + MINUTE - 1, FIRST + MINUTE),
        (FIRST + MINUTE, FIRST + 2 * MINUTE),
        (FIRST + 10 * HOUR + SECOND, FIRST + 10 * HOUR + MINUTE),
    ],
)
def test_without_jitter_runs_are_on_the_grid(moment: Micros, run: Micros) -> None:
    assert Pace(FIRST, MINUTE).run_after(moment) == run


@given(paces, moments)
def test_there_is_one_run_in_each_slot_and_none_is_left_out(pace: Pace, moment: Micros) -> None:
    run = pace.run_after(moment)
    following = pace.run_after(run)
    assert run > moment
    assert pace.run_after(run - 1) == run
    grid = FIRST + pace.shift
    slot = 0 if run == FIRST else (run - grid) // pace.interval
    assert (following - grid) // pace.interval == slot + 1
    assert run == FIRST or (run - grid) % pace.interval <= pace.jitter * pace.interval


def test_the_first_run_is_not_delayed() -> None:
    assert JITTERED.run_after(FIRST - 1) == FIRST


def test_jitter_does_not_slow_the_pace() -> None:
    run, runs = FIRST, 1000
    for _ in range(runs):
        run = JITTERED.run_after(run)
    assert runs * MINUTE <= run - FIRST < (runs + 1) * MINUTE


def test_jobs_have_their_own_jitter() -> None:
    assert len({Pace(FIRST, MINUTE, jitter=0.5, seed=seed).run_after(FIRST) for seed in range(20)}) == 20


@given(paces, moments, st.integers(-10 * HOUR, 10 * HOUR))
def test_a_step_of_the_clock_leaves_the_distance_to_every_run(pace: Pace, moment: Micros, step: int) -> None:
    assert pace.shifted(step).run_after(moment + step) == pace.run_after(moment) + step


@pytest.mark.parametrize(
    ("interval", "now", "run"),
    [
        (5 * MINUTE, FIRST - SECOND, FIRST),  # not begun
        (5 * MINUTE, FIRST + 50 * SECOND, FIRST + 5 * MINUTE),
        (5 * MINUTE, FIRST + 70 * SECOND, FIRST + 6 * MINUTE),
        (10 * SECOND, FIRST + 65 * SECOND, FIRST + 70 * SECOND),
        (10 * SECOND, FIRST + 45 * SECOND, FIRST + 50 * SECOND),
    ],
)
def test_another_interval_is_counted_from_the_last_slot(interval: Micros, now: Micros, run: Micros) -> None:
    assert Pace(FIRST, MINUTE).with_interval(interval, now).run_after(now) == run


def test_first_runs_are_spread_but_soon() -> None:
    waits = [spread(number, HOUR)[0] for number in range(50)]
    assert waits[0] == 0
    assert 0 <= min(waits) <= max(waits) < LONGEST_SPREAD
    assert_even(waits, LONGEST_SPREAD)
    assert max(spread(number, 5 * SECOND)[0] for number in range(50)) < 5 * SECOND


def test_later_runs_are_spread_over_the_whole_interval_and_never_far_from_the_first() -> None:
    """A thousand first runs within ten seconds are no crowd that comes back every minute."""
    places = []
    for number in range(50):
        wait, shift = spread(number, MINUTE)
        second = Pace(wait, MINUTE, shift=shift).run_after(wait)
        assert MINUTE // 2 <= second - wait <= 3 * MINUTE // 2
        places.append(second % MINUTE)
    assert_even(places, MINUTE)
    assert all(spread(number, 5 * SECOND)[1] == 0 for number in range(50))


def assert_even(places: list[Micros], within: Micros) -> None:
    """No two are very near, nothing is left empty."""
    ordered = sorted(places)
    gaps = [later - sooner for sooner, later in pairwise(ordered)]
    assert min(gaps) > 0.1 * within / len(places) * 2
    assert max(gaps) < 3 * within / len(places)


@pytest.mark.parametrize("shift", [-20 * SECOND, 20 * SECOND])
def test_another_interval_is_counted_from_the_first_run_before_the_second(shift: Micros) -> None:
    pace = Pace(FIRST, MINUTE, shift=shift)
    assert pace.with_interval(10 * SECOND, FIRST + SECOND).run_after(FIRST + SECOND) == FIRST + 10 * SECOND
    later = FIRST + MINUTE + shift
    assert pace.with_interval(10 * SECOND, later).run_after(later) == later + 10 * SECOND


def test_missed_runs_are_left_out() -> None:
    trigger = PaceTrigger(Pace(FIRST, SECOND))
    late = to_datetime(FIRST + HOUR)
    assert trigger.get_next_fire_time(to_datetime(FIRST), late) == to_datetime(FIRST + HOUR + SECOND)
