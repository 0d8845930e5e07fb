"""What response headers say about time, waits and quotas. Pure; nothing here ever raises on a header's content.

Shapes met (documentation of the platforms, RFC 9110 section 10.2.3, RFC 6585, the drafts of RateLimit fields):

- ``Retry-After`` as seconds or as an HTTP date; ``retry-after-ms`` and ``x-ms-retry-after-ms`` in milliseconds
- ``X-RateLimit-Limit``, ``-Remaining``, ``-Reset`` (unix seconds, unix milliseconds or seconds from now),
  without the ``X-``, with ``x-rate-limit-``, and with ``-requests`` at the end
- ``RateLimit: "name";r=50;t=30`` with ``RateLimit-Policy: "name";q=100;w=60``
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

LONGEST_WAIT = 3600.0
"""Seconds. A longer ``Retry-After`` is cut to this: one wrong header must not silence a target for ever."""
LONGEST_WINDOW = 86_400.0
"""Seconds. A quota that says it ends later than this is taken for unreadable."""

EARLIEST_YEAR, LATEST_YEAR = 2000, 2099
"""An HTTP date outside of these years is told by a clock that was never set, or by none."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)
_COUNT = re.compile(r"\d{1,15}", re.ASCII)
_DURATION = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?", re.ASCII)
_MILLISECONDS = re.compile(r"(\d{1,9})ms", re.ASCII)
_PARAMETER = re.compile(r";\s*([a-z])\s*=\s*(\d{1,12})", re.ASCII)
_PREFIXES = ("x-ratelimit-", "ratelimit-", "x-rate-limit-")
_SUFFIXES = ("", "-requests")


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit that the upstream announces: requests per window, requests left, seconds until the window ends."""

    limit: int | None = None
    remaining: int | None = None
    reset_in: float | None = None

    @property
    def known(self) -> bool:
        return self.limit is not None or self.remaining is not None


def http_date(value: str | None) -> int | None:
    """An HTTP date as integer microseconds since the epoch; None when missing, unreadable or unbelievable."""
    return None if not value or len(value) > 64 else _http_date(value)


@lru_cache(maxsize=64)
def _http_date(value: str) -> int | None:
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
            return None
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The wait in seconds that the upstream asks for, within 0 and ``LONGEST_WAIT``; None when it asks for none.

    ``now`` is our wall clock in unix seconds. A date is compared with the upstream's own ``Date`` when there
    is one, so that a clock that is wrong on either side does not matter.
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = _seconds(headers.get(name))
        if milliseconds is not None:
            return min(milliseconds / 1000, LONGEST_WAIT)
    value = headers.get("retry-after")
    seconds = _seconds(value)
    if seconds is None:
        at = http_date(value)
        if at is None:
            return None
        seconds = at / 1_000_000 - _upstream_now(headers, now)
    return min(max(seconds, 0.0), LONGEST_WAIT)


def asked_wait(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """``retry_after``; for a 429 without one, the end of the announced quota when nothing of it is left."""
    asked = retry_after(headers, now)
    if asked is None and status == 429:
        announced = quota(headers, now)
        return announced.reset_in if not announced.remaining else None
    return asked


def quota(headers: Mapping[str, str], now: float) -> Quota:
    """The announced limit; empty when there is none. ``now`` is our wall clock in unix seconds."""
    if not any("ratelimit" in name or "rate-limit" in name for name in map(str.lower, headers)):
        return Quota()
    upstream_now = _upstream_now(headers, now)
    for prefix in _PREFIXES:
        for suffix in _SUFFIXES:
            found = Quota(
                limit=_count(headers.get(f"{prefix}limit{suffix}")),
                remaining=_count(headers.get(f"{prefix}remaining{suffix}")),
                reset_in=_reset(headers.get(f"{prefix}reset{suffix}"), upstream_now),
            )
            if found.known:
                return found
    policy = _parameters(headers.get("ratelimit-policy"))
    left = _parameters(headers.get("ratelimit"))
    ends = left.get("t", policy.get("w"))
    return Quota(
        limit=policy.get("q"),
        remaining=left.get("r"),
        reset_in=float(ends) if ends is not None and 0 < ends <= LONGEST_WINDOW else None,
    )


def _upstream_now(headers: Mapping[str, str], now: float) -> float:
    date = http_date(headers.get("date"))
    return now if date is None else date / 1_000_000


def _seconds(value: str | None) -> float | None:
    text = (value or "").strip()
    return float(text) if _SECONDS.fullmatch(text) else None


def _count(value: str | None) -> int | None:
    """The first number: ``100``, or ``100, 100;w=60`` of the older draft."""
    found = _COUNT.match((value or "").strip())
    return int(found[0]) if found else None


def _reset(value: str | None, now: float) -> float | None:
    """Seconds until the window ends: from unix seconds, unix milliseconds, seconds, or a duration like 6m0s."""
    text = (value or "").strip()
    seconds = _seconds(text)
    if seconds is None:
        seconds = _duration(text)
    elif seconds > 1e11:
        seconds = seconds / 1000 - now
    elif seconds > 1e9:
        seconds -= now
    if seconds is None or not math.isfinite(seconds) or not 0 < seconds <= LONGEST_WINDOW:
        return None
    return seconds


def _duration(text: str) -> float | None:
    short = _MILLISECONDS.fullmatch(text)
    if short:
        return int(short[1]) / 1000
    found = _DURATION.fullmatch(text)
    if not text or not found:
        return None
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _parameters(value: str | None) -> dict[str, int]:
    """The one-letter parameters of the first item of a structured field list."""
    first = (value or "").split(",", 1)[0]
    return {name: int(number) for name, number in _PARAMETER.findall(first)}
