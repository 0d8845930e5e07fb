"""The pace: bucket, half of an announced limit, reserve, pauses."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import RateLimited
from exporter.http import Budget, Budgets, Quota
from exporter.http.headers import LONGEST_WAIT
from tests.http.support import WALL, FakeTime


def budget_of(time: FakeTime, requests_per_minute: float = 120) -> Budget:
    return Budget(requests_per_minute, clock=time.clock, wall=lambda: WALL)


def sent(budget: Budget, most: int = 10_000) -> int:
    """How many requests go at once."""
    count = 0
    while count < most and budget.acquire(float("inf")) == 0.0:
        count += 1
    return count


def test_a_minutes_requests_at_once_then_evenly() -> None:
    """120 a minute: 120 now, then one each half second."""
    time = FakeTime()
    budget = budget_of(time)
    assert budget.remaining == 120
    assert sent(budget) == 120
    assert budget.remaining == 0
    assert budget.acquire(10) == pytest.approx(0.5)
    time.now += 0.5
    assert budget.acquire(10) == 0.0
    time.now += 3600
    assert sent(budget) == 120


def test_a_wait_that_does_not_fit_is_refused_at_once() -> None:
    """The error says how long it would have been."""
    time = FakeTime()
    budget = budget_of(time, 1)
    sent(budget)
    with pytest.raises(RateLimited, match="60 s: requests_per_minute is used up") as caught:
        budget.acquire(30)
    assert caught.value.retry_after == pytest.approx(60)
    time.sleep(59.7)
    with pytest.raises(RateLimited, match="no request allowed for 1 s"):
        budget.acquire(0)


def test_a_wait_always_moves_the_clock() -> None:
    """What is missing of a token may be less than a clock can tell: the wait is long enough to end."""
    time = FakeTime()
    time.now = 1e6
    budget = budget_of(time, 2)
    sent(budget)
    asked = 0
    while (wait := budget.acquire(60)) > 0:
        time.sleep(wait)
        asked += 1
    assert asked <= 2


def test_never_more_than_half_of_an_announced_limit_in_a_window() -> None:
    """A limit of 100 an hour leaves 50 for us until the window ends, whatever the bucket holds."""
    time = FakeTime()
    budget = budget_of(time)
    assert budget.acquire(0) == 0.0
    budget.announce(Quota(limit=100, remaining=99, reset_in=3600))
    assert budget.remaining == 49
    assert sent(budget) == 49
    with pytest.raises(RateLimited, match="half of the upstream's limit of 100"):
        budget.acquire(30)
    assert budget.backoff_seconds == pytest.approx(3600)
    time.now += 3600
    assert budget.backoff_seconds == 0.0
    assert sent(budget) == 50


def test_a_sliding_window_does_not_slide_our_share_away() -> None:
    """Each answer says "ends in an hour": the first end counts."""
    time = FakeTime()
    budget = budget_of(time)
    total = 0
    for _ in range(59):
        total += sent(budget, 2)
        budget.announce(Quota(limit=20, remaining=18, reset_in=3600))
        time.now += 60
    assert total == 10


def test_a_pause_when_less_than_a_tenth_remains() -> None:
    """Others used the limit up: what is left is theirs."""
    time = FakeTime()
    budget = budget_of(time)
    budget.announce(Quota(limit=100, remaining=10, reset_in=600))
    assert budget.acquire(0) == 0.0
    budget.announce(Quota(limit=100, remaining=9, reset_in=600))
    with pytest.raises(RateLimited, match="little is left"):
        budget.acquire(30)
    assert (budget.quota_limit, budget.quota_remaining, budget.quota_reset) == (100, 9, WALL + 600)
    time.now += 600
    assert budget.acquire(0) == 0.0


def test_an_announcement_without_end_holds_for_a_minute() -> None:
    """Without a reset the wait must still end."""
    time = FakeTime()
    budget = budget_of(time)
    budget.announce(Quota(limit=100, remaining=0))
    assert budget.backoff_seconds == pytest.approx(60)
    time.now += 60
    assert budget.acquire(0) == 0.0


def test_a_later_announcement_without_end_does_not_shorten_the_window() -> None:
    """What was once told about the end stays."""
    time = FakeTime()
    budget = budget_of(time)
    budget.announce(Quota(limit=100, remaining=50, reset_in=3600))
    budget.announce(Quota(limit=100, remaining=0))
    assert budget.backoff_seconds == pytest.approx(3600)


def test_a_tiny_limit_still_lets_one_request_through() -> None:
    """Half of one is one, or the target would be blind for ever."""
    time = FakeTime()
    budget = budget_of(time)
    budget.announce(Quota(limit=1, remaining=1, reset_in=60))
    assert sent(budget) == 1


def test_a_limit_that_is_announced_no_more_is_forgotten() -> None:
    """One wrong header must not slow a target down for ever; an upstream that now and then says nothing may."""
    time = FakeTime()
    budget = budget_of(time)
    budget.announce(Quota(limit=2, remaining=2))
    for _ in range(9):
        budget.announce(Quota())
    budget.announce(Quota(limit=2))
    for _ in range(9):
        budget.announce(Quota())
    assert sent(budget) == 1
    budget.announce(Quota())
    assert budget.quota_limit is None
    assert sent(budget) == 119


def test_a_limit_of_zero_is_no_limit() -> None:
    """Some gateways announce 0 for "unlimited"."""
    time = FakeTime()
    budget = budget_of(time)
    budget.announce(Quota(limit=0, remaining=0, reset_in=60))
    assert budget.acquire(0) == 0.0


def test_a_pause_holds_everyone_and_never_shrinks() -> None:
    """Retry-After: 30, then 5: still 30."""
    time = FakeTime()
    budget = budget_of(time)
    budget.pause(30)
    budget.pause(5)
    assert budget.backoff_seconds == pytest.approx(30)
    assert budget.acquire(60) == pytest.approx(30)
    with pytest.raises(RateLimited, match="asked for a pause"):
        budget.acquire(29)
    time.now += 30
    assert budget.acquire(0) == 0.0
    budget.pause(1e9)
    assert budget.backoff_seconds == pytest.approx(LONGEST_WAIT)


def test_threads_share_one_budget_exactly() -> None:
    """Eight threads get what one would."""
    time = FakeTime()
    budget = budget_of(time)
    got: list[int] = []
    threads = [threading.Thread(target=lambda: got.append(sent(budget))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 120


@given(
    st.integers(2, 500),
    st.lists(st.tuples(st.floats(0, 30), st.booleans()), min_size=1, max_size=200),
)
def test_our_share_of_a_fixed_window_is_never_exceeded(limit: int, steps: list[tuple[float, bool]]) -> None:
    """In any order of requests and announcements, at most half of the limit goes out per window of 5 min."""
    time = FakeTime()
    budget = budget_of(time, 600)
    counts: dict[int, int] = {}
    budget.announce(Quota(limit=limit, remaining=limit, reset_in=300))
    for seconds, told in steps:
        time.now += seconds
        since = time.now - 1000.0
        window = int(since // 300)
        if budget.acquire(float("inf")) == 0.0:
            counts[window] = counts.get(window, 0) + 1
            if told:
                left = max(0, limit - counts[window])
                budget.announce(Quota(limit=limit, remaining=left, reset_in=300 - since % 300))
    assert all(count <= max(1, limit // 2) for count in counts.values())


def test_the_registry_shares_by_origin_and_credential() -> None:
    """One key used by two targets is one budget; the registry's repr and state hold no credential."""
    budgets = Budgets()
    first = budgets.get("https://api.example.com:443", "example-token")
    assert budgets.get("https://api.example.com:443", "example-token") is first
    assert budgets.get("https://api.example.com:443", "another-example") is not first
    assert budgets.get("https://other.example.com:443", "example-token") is not first
    assert budgets.get("https://API.example.com/projects/two/", "example-token") is first
    assert "example-token" not in repr(vars(budgets))


def test_of_two_paces_the_slower_holds() -> None:
    """Two targets with one credential and different settings still share one budget."""
    time = FakeTime()
    budgets = Budgets(clock=time.clock)
    budget = budgets.get("https://api.example.com:443", "example-token", 120)
    assert budgets.get("https://api.example.com:443", "example-token", 30, holder="slow") is budget
    assert budgets.get("https://api.example.com:443", "example-token", 60) is budget
    assert sent(budget) == 30
    assert budget.acquire(60) == pytest.approx(2)


def test_a_pace_holds_as_long_as_somebody_asks_for_it() -> None:
    """A target that is configured anew may be faster, or leave the pace to others; pauses stay whatever comes."""
    time = FakeTime()
    budgets = Budgets(clock=time.clock)

    def ask(holder: str, pace: float) -> Budget:
        return budgets.get("https://api.example.com:443", "example-token", pace, holder=holder)

    budget = ask("slow", 30)
    assert ask("fast", 60) is budget
    assert budget.remaining == 30
    budget.pause(10)
    budgets.release("slow")
    time.now += 60
    assert sent(budget) == 60
    budgets.release("fast")
    budget.pause(10)
    assert ask("fast", 240) is budget
    assert budget.backoff_seconds == 10
    time.now += 60
    assert sent(budget) == 240


def test_a_pace_of_nothing_is_refused() -> None:
    """Zero would mean for ever."""
    with pytest.raises(ValueError, match="must be above 0"):
        Budget(0)
    with pytest.raises(ValueError, match="must be above 0"):
        Budgets().get("https://api.example.com:443", "example-token", -1)
