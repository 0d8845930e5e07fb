"""The token bucket, at times of the test's own."""

from __future__ import annotations

from exporter.web.configuration import RateLimit
from exporter.web.rate import Bucket


def passed(limit: RateLimit, times: list[float]) -> list[float]:
    """Return which requests at these times pass."""
    bucket = Bucket(limit, 0.0)
    return [time for time in times if bucket.take(time)]


def test_a_burst_passes_and_then_one_each_interval() -> None:
    times = [0.0, 0.0, 0.0, 0.0, 1.5, 2.0, 2.0, 3.9, 4.0]
    assert passed(RateLimit(2.0, 3), times) == [0.0, 0.0, 0.0, 2.0, 4.0]


def test_a_rest_gives_back_the_burst_and_no_more() -> None:
    assert passed(RateLimit(1.0, 2), [0.0] * 3 + [1000.0] * 5) == [0.0, 0.0, 1000.0, 1000.0]


def test_who_asks_too_often_still_gets_one_each_interval() -> None:
    """What is refused costs nothing."""
    times = [number / 10 for number in range(51)]
    assert passed(RateLimit(1.0, 1), times) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
