"""The upstream's now, as far as it is known before a request is answered."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.platforms.skew import UpstreamClock
from exporter.times import HOUR, MINUTE, SECOND, Micros, Moment

NOW = 1_790_000_000 * SECOND


class StillClock:
    """Our clock, which stands where it is put."""

    def __init__(self, now: Micros) -> None:
        self.at = now

    def now(self) -> Moment:
        return Moment(self.at, self.at)

    def monotonic(self) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (0, NOW),
        (SECOND, NOW),
        (10 * MINUTE, NOW + 10 * MINUTE + SECOND),
        (-10 * MINUTE, NOW - 10 * MINUTE + SECOND),
    ],
)
def test_what_the_upstream_told_last_is_its_now(ahead: Micros, expected: Micros) -> None:
    """Its ``Date`` is cut to a second; small differences are the way of the answer."""
    memory: dict[str, Any] = {}
    UpstreamClock(StillClock(NOW), memory).note(NOW + ahead)
    assert UpstreamClock(StillClock(NOW), memory).now() == expected


def test_a_clock_of_ours_that_was_set_back_does_not_stand_before_the_window_for_ever() -> None:
    """It was a day ahead, the upstream said so, and it was put right: without asking nobody would ever know."""
    clock, memory = StillClock(NOW + 24 * HOUR), dict[str, Any]()
    UpstreamClock(clock, memory).note(NOW)
    clock.at = NOW
    upstream = UpstreamClock(clock, memory)
    assert upstream.now() < NOW - 23 * HOUR
    assert upstream.now_after(NOW - HOUR) == NOW
    assert upstream.now() == NOW


@pytest.mark.parametrize(
    ("known", "ahead", "at_first", "later"),
    [
        (0, 0, False, False),
        (0, 10 * MINUTE, True, True),
        (0, 4 * MINUTE, True, False),
        (0, -10 * MINUTE, True, False),  # a window that ended too late lacks nothing
        (10 * MINUTE, 10 * MINUTE, False, False),
        (10 * MINUTE, 0, True, False),
        (-10 * MINUTE, 0, True, True),
        (-10 * MINUTE, -10 * MINUTE, False, False),
    ],
)
def test_which_windows_are_asked_for_again(known: Micros, ahead: Micros, at_first: bool, later: bool) -> None:
    """Those that ended long before the upstream's now; of the very first reading those that ended at another moment."""
    clock, memory = StillClock(NOW), dict[str, Any]()
    upstream = UpstreamClock(clock, memory)
    upstream.note(NOW + known)
    before = upstream.skew
    upstream.note(NOW + ahead)
    assert (upstream.was_wrong(before, first=True), upstream.was_wrong(before, first=False)) == (at_first, later)


def test_no_date_changes_nothing() -> None:
    clock, memory = StillClock(NOW), dict[str, Any]()
    UpstreamClock(clock, memory).note(NOW + HOUR)
    upstream = UpstreamClock(clock, memory)
    upstream.note(None)
    assert upstream.date is None
    assert upstream.now() == NOW + HOUR + SECOND
