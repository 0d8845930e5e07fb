"""Faults of time: wrong or strange times in records, and an upstream whose clock is off."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import urlencode

from exporter.simulator.clock import SECOND, http_date, iso, micros
from exporter.simulator.face import Face
from exporter.simulator.faults.registry import Exchange, fault
from exporter.simulator.messages import Json, parse_json

YEAR_2099 = 4_083_955_200
MILLISECONDS_FROM = 1e11
"""A number above this is no time in seconds (it would be the year 5138)."""
LOGICAL = frozenset({"created_at", "createdAt", "triggered_at"})
"""Fields that say for when a run was meant, rather than when something happened."""


@fault("after")
def times_in_2099(exchange: Exchange, share: float = 1.0) -> None:
    """A share of the rows has all its times in the year 2099."""
    _retime(exchange, lambda seconds: YEAR_2099 + int(seconds) % 86400, share)


@fault("after")
def times_in_1970(exchange: Exchange, share: float = 1.0) -> None:
    """A share of the rows has all its times in January 1970."""
    _retime(exchange, lambda seconds: 1 + int(seconds) % 86400, share)


@fault("after")
def times_as_milliseconds(exchange: Exchange) -> None:
    """Times are unix milliseconds."""
    _retime(exchange, lambda seconds: round(seconds * 1000), text=False)


@fault("after")
def times_as_floats(exchange: Exchange) -> None:
    """Times are unix seconds as floats."""
    _retime(exchange, float, text=False)


@fault("after")
def times_as_iso(exchange: Exchange) -> None:
    """Times are ISO 8601 strings that end in Z."""
    _retime(exchange, _iso, text=False)


@fault("after")
def times_as_text(exchange: Exchange) -> None:
    """Times are unix seconds in strings."""
    _retime(exchange, lambda seconds: f"{seconds:g}" if seconds % 1 else str(int(seconds)), text=False)


@fault("after")
def times_in_zone(exchange: Exchange) -> None:
    """Times are ISO 8601 strings with an offset that is not zero."""
    india = timezone(timedelta(hours=5, minutes=30))
    _retime(exchange, lambda seconds: datetime.fromtimestamp(seconds, india).isoformat(), text=False)


@fault("after")
def zero_times(exchange: Exchange) -> None:
    """Times are 0, which means that there is none."""
    for row, name, _ in _times(exchange):
        row[name] = 0


@fault("after")
def no_times(exchange: Exchange, share: float = 1.0) -> None:
    """A share of the rows has no time at all: every time is null."""
    for row in exchange.records:
        if exchange.random.random() < share:
            row.update({name: None for name in exchange.face.time_fields if name in row})


@fault("after")
def invisible_key(exchange: Exchange, seconds: float = 7200, share: float = 0.5, whole: bool = False) -> None:
    """Rows stand in the order of a key that is not shown: a share of them, always the same, was created and triggered
    that much earlier by its own account, as the retry of an old run is; with ``whole``, all its times are that old."""
    for row, name, at in _times(exchange):
        if (whole or name in LOGICAL) and is_chosen(row, exchange.face, share):
            row[name] = _iso(at - seconds) if isinstance(row[name], str) else at - seconds


@fault("after")
def negative_durations(exchange: Exchange) -> None:
    """Runs end before they start."""
    for row in exchange.records:
        if row.get("started_at") and row.get("ended_at"):
            row["started_at"], row["ended_at"] = row["ended_at"], row["started_at"]


@fault("after")
def late_rows(exchange: Exchange, seconds: float = 120) -> None:
    """Rows appear only that long after their first time."""
    if exchange.is_listing:
        limit = exchange.now - round(seconds * SECOND)
        exchange.rows[:] = [row for row in exchange.rows if (first_time(row, exchange.face) or 0) <= limit]


@fault("after")
def clock_skew(exchange: Exchange, seconds: float = 600) -> None:
    """Only ``Date`` is wrong: that far ahead (or behind, when negative)."""
    exchange.response.headers["Date"] = http_date(exchange.now + round(seconds * SECOND))


@fault("before")
def skewed_clock(exchange: Exchange, seconds: float = 600) -> None:
    """All of the upstream's clocks are that far ahead: ``Date``, the times in records, the bounds of windows."""
    exchange.skew = round(seconds * SECOND)
    parameters, body = exchange.request.parameters, parse_json(exchange.request.body)
    for named in (parameters, body if isinstance(body, dict) else {}):
        for name in ("start_time", "end_time", "start_date", "end_date"):
            if isinstance(named.get(name), str):
                named[name] = iso(micros(named[name]) - exchange.skew)
    content = exchange.request.body if body is None else json.dumps(body).encode()
    exchange.request = replace(exchange.request, query=urlencode(parameters), body=content)
    exchange.response.headers["Date"] = http_date(exchange.now + exchange.skew)
    exchange.afterwards.append(lambda: _retime(exchange, lambda time: _whole(time + seconds)))


@fault("after")
def no_date(exchange: Exchange) -> None:
    """The answer has no ``Date``."""
    exchange.response.headers.pop("Date", None)


@fault("after")
def bad_date(exchange: Exchange) -> None:
    """``Date`` is not a date."""
    exchange.response.headers["Date"] = "yesterday, or so"


def is_chosen(row: dict[str, Json], face: Face, share: float) -> bool:
    """Whether a row belongs to that share of the rows: by its id, so always the same."""
    ids = [str(row[name]) for name in face.id_fields if row.get(name) is not None]
    return zlib.crc32("".join(ids[:1]).encode("utf-8", "surrogatepass")) % 100 < share * 100


def first_time(row: Json, face: Face) -> int | None:
    """The earliest time that a row shows, in microseconds."""
    if not isinstance(row, dict):
        return None
    found = (to_seconds(row.get(name)) for name in face.time_fields)
    return min((round(seconds * SECOND) for seconds in found if seconds), default=None)


def to_seconds(value: Json) -> float | None:
    """Unix seconds of a time as the faces, or another fault, write it: seconds, milliseconds, an ISO string."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value / 1000 if abs(value) > MILLISECONDS_FROM else value
    try:
        return micros(str(value)) / SECOND
    except ValueError:
        return None


def _times(exchange: Exchange) -> Iterator[tuple[dict[str, Json], str, float]]:
    for row in exchange.records:
        for name in exchange.face.time_fields:
            if (seconds := to_seconds(row.get(name))) is not None:
                yield row, name, seconds


def _retime(exchange: Exchange, change: Callable[[float], Json], share: float = 1.0, *, text: bool = True) -> None:
    """Rewrite the times of a share of the rows; with ``text``, a time that was a string stays one."""
    chosen = {id(row) for row in exchange.records if exchange.random.random() < share}
    for row, name, seconds in _times(exchange):
        if id(row) in chosen:
            changed = change(seconds)
            row[name] = _iso(changed) if text and isinstance(row[name], str) else changed


def _whole(seconds: float) -> float:
    return int(seconds) if seconds == int(seconds) else seconds


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat().replace("+00:00", "Z")
