"""Faults of time: wrong or strange times in records, and an upstream whose clock is off."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone

from exporter.simulator.clock import SECOND, http_date, micros
from exporter.simulator.face import Face
from exporter.simulator.faults.registry import Exchange, fault
from exporter.simulator.faults.windows import rebound
from exporter.simulator.messages import Json

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
def times_in_many_forms(exchange: Exchange) -> None:
    """Each time is an ISO 8601 string in another of the forms that are allowed: odd offsets, -00:00, 1 to 9 digits
    behind the second, lower case, a leap second."""
    for row, name, seconds in _times(exchange):
        row[name] = _in_some_form(seconds, zlib.crc32(f"{name} {seconds}".encode()))


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
    start = exchange.face.start_field
    for row in exchange.records:
        for end in exchange.face.end_fields:
            if row.get(start) and row.get(end):
                row[start], row[end] = row[end], row[start]
                break


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
    rebound(exchange, lambda start: start - exchange.skew, lambda end: end - exchange.skew)
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


def ended_at(row: Json, face: Face) -> float | None:
    """When a row says that its run ended, in unix seconds."""
    found = (to_seconds(row.get(name)) for name in face.end_fields)
    return next((seconds for seconds in found if seconds is not None), None)


def first_time(row: Json, face: Face) -> int | None:
    """The earliest time that a row shows, in microseconds."""
    if not isinstance(row, dict):
        return None
    found = (to_seconds(row.get(name)) for name in face.time_fields)
    return min((round(seconds * SECOND) for seconds in found if seconds), default=None)


def to_seconds(value: Json) -> float | None:
    """Unix seconds of a time as the faces, or another fault, write it: seconds, milliseconds, an ISO string, seconds in
    a string."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        value = float(value)
    if isinstance(value, int | float):
        return value / 1000 if abs(value) > MILLISECONDS_FROM else value
    text = str(value).upper()
    inserted = text[16:19] == ":60"  # a leap second
    try:
        return micros(text[:16] + ":59" + text[19:] if inserted else text) / SECOND + inserted
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


OFFSETS = ("Z", "z", "+00:00", "-00:00", "+05:45", "-03:30", "+14:00", "-12:00", "+12:45")


def _in_some_form(seconds: float, dice: int) -> str:
    """A time in a form that ``dice`` chooses; every form says the same instant."""
    offset = OFFSETS[dice % len(OFFSETS)]
    hours, _, minutes = offset.lstrip("+-").partition(":")
    shift = (int(hours) * 3600 + int(minutes) * 60) * (-1 if offset[0] == "-" else 1) if minutes else 0
    micros_in_second = round(seconds * SECOND) % SECOND
    moment = datetime.fromtimestamp(round(seconds * SECOND) // SECOND + shift, UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if text.endswith(":00") and dice // 16 % 2:  # as if a second had been inserted before it
        text = (moment - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:") + "60"
    digits = dice // 32 % 10
    if micros_in_second:
        digits = max(digits, 6)
    fraction = f".{micros_in_second:06d}000"[: digits + 1] if digits else ""
    return text + fraction + offset


def _whole(seconds: float) -> float:
    return int(seconds) if seconds == int(seconds) else seconds


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat().replace("+00:00", "Z")
