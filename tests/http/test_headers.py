"""Header parsers: tables of what was met, and proof that nothing makes them raise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.http.headers import LONGEST_WAIT, LONGEST_WINDOW, Quota, http_date, quota, retry_after
from tests.http.support import WALL

DATE = "Thu, 15 Jan 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (DATE, 1_768_471_200_000_000),
        ("Thursday, 15-Jan-26 10:00:00 GMT", 1_768_471_200_000_000),
        ("Thu, 15 Jan 2026 11:00:00 +0100", 1_768_471_200_000_000),
        ("Thu, 15 Jan 2026 10:00:00 -0000", 1_768_471_200_000_000),
        (None, None),
        ("", None),
        ("soon", None),
        ("Thu, 45 Jan 2026 10:00:00 GMT", None),
        ("2026-01-15T10:00:00Z", None),
        ("Thu, 15 Jan 2026 10:00:00 GMT" + " " * 100, None),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 946_684_800_000_000),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
        ("Thu, 31 Dec 2099 23:59:59 GMT", 4_102_444_799_000_000),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
    ],
)
def test_http_date(value: str | None, expected: int | None) -> None:
    """A date becomes integer microseconds; what is no date, or none that a clock tells, is missing."""
    assert http_date(value) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "Thu, 15 Jan 2026 10:00:30 GMT"}, 30.0),
        ({"retry-after": "Thu, 15 Jan 2026 10:00:30 GMT", "date": "Thu, 15 Jan 2026 10:00:20 GMT"}, 10.0),
        ({"retry-after": "Thu, 15 Jan 2026 09:00:00 GMT"}, 0.0),
        ({"retry-after": "999999999"}, LONGEST_WAIT),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "NaN"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"x-ms-retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7.0),
    ],
)
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    """Seconds, dates (against the upstream's clock) and milliseconds; milliseconds win; an hour at most."""
    assert retry_after(headers, WALL) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Quota()),
        (
            {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "42", "x-ratelimit-reset": "1768471260"},
            Quota(100, 42, 60.0),
        ),
        ({"x-ratelimit-limit": "100", "x-ratelimit-reset": "1768471260000"}, Quota(100, None, 60.0)),
        (
            {"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "9", "ratelimit-reset": "30"},
            Quota(100, 9, 30.0),
        ),
        ({"x-rate-limit-limit": "15", "x-rate-limit-remaining": "0"}, Quota(15, 0, None)),
        (
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "6m0s",
            },
            Quota(60, 59, 360.0),
        ),
        ({"x-ratelimit-limit": "60", "x-ratelimit-reset": "1h2m3.5s"}, Quota(60, None, 3723.5)),
        ({"x-ratelimit-limit": "60", "x-ratelimit-reset": "250ms"}, Quota(60, None, 0.25)),
        ({"ratelimit": '"default";r=50;t=30', "ratelimit-policy": '"default";q=100;w=60'}, Quota(100, 50, 30.0)),
        ({"ratelimit-policy": '"default";q=100;w=60'}, Quota(100, None, 60.0)),
        ({"x-ratelimit-limit": "many", "x-ratelimit-remaining": "-1"}, Quota()),
        ({"x-ratelimit-limit": "100", "x-ratelimit-reset": "1768471100"}, Quota(100, None, None)),
        ({"x-ratelimit-limit": "100", "x-ratelimit-reset": "4102444800"}, Quota(100, None, None)),
    ],
)
def test_quota(headers: dict[str, str], expected: Quota) -> None:
    """Each spelling is read; an end in the past or beyond a day is unreadable."""
    assert quota(headers, WALL) == expected


def test_reset_is_compared_with_the_upstreams_clock() -> None:
    """A clock that is an hour off must not make a window an hour longer."""
    headers = {"x-ratelimit-limit": "100", "x-ratelimit-reset": "1768471260", "date": DATE}
    assert quota(headers, WALL - 3600) == Quota(100, None, 60.0)


NAMES = st.sampled_from(
    [
        "retry-after",
        "retry-after-ms",
        "x-ms-retry-after-ms",
        "date",
        "ratelimit",
        "ratelimit-policy",
        *(f"{p}{n}" for p in ("x-ratelimit-", "ratelimit-", "x-rate-limit-") for n in ("limit", "remaining", "reset")),
    ]
)
VALUES = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"-?\d{1,30}(\.\d{0,12})?"),
    st.from_regex(r"(\d{1,12}h)?(\d{1,12}m)?(\d{1,12}m?s)?", fullmatch=True),
    st.from_regex(
        r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,6} \d{1,3}:\d\d:\d\d ([A-Z]{3}|[+-]\d{4,6})", fullmatch=True
    ),
    st.from_regex(r'"[a-z]*"(;[a-z]=-?\d{1,20}){0,4}', fullmatch=True),
)


@given(st.dictionaries(NAMES, VALUES), st.floats(min_value=0, max_value=4e9))
def test_no_header_makes_a_parser_raise(headers: dict[str, str], now: float) -> None:
    """Whatever comes, results stay in their bounds."""
    wait = retry_after(headers, now)
    assert wait is None or 0 <= wait <= LONGEST_WAIT
    announced = quota(headers, now)
    assert announced.limit is None or announced.limit >= 0
    assert announced.remaining is None or announced.remaining >= 0
    assert announced.reset_in is None or (
        0 < announced.reset_in <= LONGEST_WINDOW and math.isfinite(announced.reset_in)
    )
    date = http_date(headers.get("date"))
    assert date is None or isinstance(date, int)
