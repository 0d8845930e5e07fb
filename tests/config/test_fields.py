"""Values: durations, sizes, shares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from exporter.platforms.durations import format_duration, parse_duration
from exporter.platforms.fields import format_size
from exporter.times import DAY, HOUR, MINUTE, SECOND
from tests.config.conftest import Load


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", 30 * SECOND),
        ("5m", 5 * MINUTE),
        ("24h", 24 * HOUR),
        ("8d", 8 * DAY),
        ("1h30m", 90 * MINUTE),
        ("2w", 14 * DAY),
        ("250ms", SECOND // 4),
        ("1d2h3m4s5ms", DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND + 5000),
        ("0s", 0),
    ],
)
def test_duration(text: str, expected: int) -> None:
    """Numbers with units, the larger first."""
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "5", "s", "1.5h", "-1s", "1m1h", "1h 30m", "1H", "1h1h", "١s", " 1s", "1s\n"])
def test_no_duration(text: str) -> None:
    """Everything else is refused."""
    with pytest.raises(PydanticCustomError):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**9).map(lambda number: number * 1000))
def test_written_durations_are_read_back(micros: int) -> None:
    """What is shown as a default can be written."""
    assert parse_duration(format_duration(micros)) == micros


@pytest.mark.parametrize(
    ("micros", "expected"), [(24 * HOUR, "24h"), (8 * DAY, "8d"), (26 * HOUR, "26h"), (MINUTE, "1m"), (0, "0s")]
)
def test_durations_as_people_say_them(micros: int, expected: str) -> None:
    """A day is 24h, more are days."""
    assert format_duration(micros) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("64MiB", 64 * 2**20), ("1 GiB", 2**30), ("500kB", 500_000), ("2048B", 2048)]
)
def test_size(read: Load, text: str, expected: int) -> None:
    """Binary and decimal units."""
    (target,) = read(
        f"targets: [{{name: a, platform: roboto, token: example-token, max_response_bytes: {text}}}]"
    ).targets
    assert target.max_response_bytes == expected


@pytest.mark.parametrize(("size", "expected"), [(64 * 2**20, "64MiB"), (2**31, "2GiB"), (1500, "1500B")])
def test_sizes_are_shown_in_the_largest_whole_unit(size: int, expected: str) -> None:
    """Defaults are shown as people would write them."""
    assert format_size(size) == expected


@pytest.mark.parametrize(("text", "expected"), [("10%", 0.1), ("0.25", 0.25), ("0", 0.0)])
def test_share(read: Load, text: str, expected: float) -> None:
    """A part of one, or percent."""
    (target,) = read(f"targets: [{{name: a, platform: roboto, token: example-token, jitter: {text}}}]").targets
    assert target.jitter == expected
