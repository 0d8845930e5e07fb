"""From JSON values to records: times, numbers, envelopes, bad records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from exporter.errors import InvalidResponse
from exporter.http import Reply
from exporter.observations import Skipped
from exporter.platforms.labels import MAX_TEXT
from exporter.platforms.parsing import (
    Count,
    Identifier,
    Record,
    Text,
    Time,
    answer,
    bad_fields,
    believable,
    bulk_record,
    envelope,
    moment,
    records,
    whole,
)
from exporter.times import DAY, HOUR, SECOND, Micros, from_datetime, to_datetime

SEVEN: Micros = 1_780_383_605 * SECOND


class Thing(Record):
    """A record with one field of each type."""

    id: Identifier
    name: Text = None
    at: Time = None
    count: Count = 0


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (1780383605, SEVEN),
        (1780383605.0, SEVEN),
        (1780383605.25, SEVEN + 250_000),
        (1780383605.000001, SEVEN + 1),
        (1780383605000, SEVEN),
        (1780383605123, SEVEN + 123_000),
        (1780383605123.5, SEVEN + 123_500),
        ("1780383605", SEVEN),
        ("1780383605.123456", SEVEN + 123_456),
        ("1780383605123", SEVEN + 123_000),
        (" 1780383605 ", SEVEN),
        ("2026-06-02T07:00:05Z", SEVEN),
        ("2026-06-02t07:00:05z", SEVEN),
        ("2026-06-02 07:00:05+00:00", SEVEN),
        ("2026-06-02T09:00:05+02:00", SEVEN),
        ("2026-06-02T07:00:05", SEVEN),
        ("2026-06-02T07:00:05.1234567Z", SEVEN + 123_456),
        ("2026-06-02T07:00:05.5Z", SEVEN + 500_000),
        (100_000_000_000, 100_000_000_000 * SECOND),
        (100_000_000_001, 100_000_000_001 * 1000),
        (0, None),
        (0.0, None),
        ("0", None),
        (-5, None),
        (None, None),
        (True, None),
        ("", None),
        ("soon", None),
        ("2026-06-02", None),
        ("2026-06-02T25:00:00Z", None),
        ("PT5M", None),
        ("1e9", None),
        ([1780383605], None),
        ({"seconds": 1}, None),
        (10**30, None),
        (10**400, None),
        (1e300, None),
    ],
)
def test_moment(value: object, time: Micros | None) -> None:
    """Seconds, milliseconds, text: exact to the microsecond; anything else is no time."""
    assert moment(value) == time


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e306, -1e306, 1.7e308])
def test_no_moment(value: float) -> None:
    """Floats that are no numbers are no times."""
    assert moment(value) is None


NEAR_A_LIMIT = st.integers(-3, 3).flatmap(lambda by: st.sampled_from([by, 10**11 + by, 10**14 + by, 2**63 + by]))


@given(st.one_of(NEAR_A_LIMIT, st.integers(), st.floats(), st.text(max_size=5), st.none(), st.booleans()))
@example(1780383605).via("the usual one, which pydantic reads by itself")
def test_a_record_reads_a_time_as_moment_does(value: object) -> None:
    """Whether it comes as JSON or as a value."""
    adapter: TypeAdapter[Micros | None] = TypeAdapter(Time)
    assert adapter.validate_python(value) == moment(value)
    if not isinstance(value, float):
        assert adapter.validate_json(json.dumps(value)) == moment(value)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001  made aware below
def test_every_way_to_write_a_time_gives_the_same_microsecond(read: datetime) -> None:
    """ISO text, seconds as a float, and digits."""
    time = from_datetime(read.replace(tzinfo=UTC))
    digits = f"{time // SECOND}.{time % SECOND:06}"
    assert moment(to_datetime(time).isoformat()) == moment(digits) == moment(float(digits)) == time


@pytest.mark.parametrize(
    ("time", "told"),
    [
        (SEVEN, True),
        (SEVEN + HOUR, True),
        (SEVEN + HOUR + 1, False),
        (946_684_800 * SECOND, True),
        (946_684_800 * SECOND - 1, False),
        (SEVEN + 26_000 * DAY, False),
    ],
)
def test_believable(time: Micros, told: bool) -> None:
    """From 2000 to an hour after the upstream's now; else it is missing, not clamped."""
    assert believable(time, SEVEN) == (time if told else None)
    assert believable(None, SEVEN) is None


@pytest.mark.parametrize(
    ("value", "number"), [(0, 0), (3, 3), (3.0, 3), ("3", 3), (2**53, 2**53), (float(2**53), 2**53), ("0007", 7)]
)
def test_whole(value: object, number: int) -> None:
    """Whole numbers as the vendor's own SDK takes them."""
    result = whole(value)
    assert (result, type(result)) == (number, int)


@pytest.mark.parametrize(
    "value",
    [None, True, False, -1, 3.5, 2**53 + 1, "", "-3", "3.0", "x", "٣", "9" * 5000, float("nan"), float("inf"), [], {}],
)
def test_not_whole(value: object) -> None:
    """Everything else is refused, in words that do not repeat it."""
    with pytest.raises(ValueError, match=r"^is no whole number from 0 to 2\^53$"):
        whole(value)


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"data": [1]}, [1]),
        ({"data": []}, []),
        ({"value": [2]}, [2]),
        ({"data": None, "value": [2]}, [2]),
        ({"data": [1], "value": [2]}, [1]),
    ],
)
def test_envelope(payload: object, found: list[int]) -> None:
    """The first list among the names."""
    assert envelope("/things", payload, "data", "value")[1] == found


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({}, "/things: found none, expected a list 'data'"),
        ({"data": None}, "/things: found null, expected a list 'data'"),
        ({"data": {"a": 1}}, "/things: found an object, expected a list 'data'"),
        ({"data": "secret"}, "/things: found text, expected a list 'data'"),
        ([1], "/things: found a list, expected an object with a list 'data'"),
        (None, "/things: found null, expected an object with a list 'data'"),
        (7, "/things: found a number, expected an object with a list 'data'"),
    ],
)
def test_no_envelope(payload: object, message: str) -> None:
    """Never an empty list, and never a word of what was there."""
    with pytest.raises(InvalidResponse) as raised:
        envelope("/things", payload, "data", "value")
    assert str(raised.value) == message


def test_bad_records_are_left_out_one_by_one() -> None:
    """The others stay, in order; each one left out is told of."""
    items = [{"id": "a"}, {"name": "no id"}, None, "text", {"id": ""}, {"id": 7}, {"id": "b", "extra": {"x": 1}}]
    found, skipped = records(items, Thing)
    assert [each.id for each in found] == ["a", "b"]
    reasons = ["no_id", "bad_record", "bad_record", "no_id", "no_id"]
    assert skipped == tuple(Skipped(reason) for reason in reasons)


def test_fields_of_other_types_are_missing() -> None:
    """What is not needed does not cost the record."""
    assert Thing.model_validate({"id": "a", "name": 5, "at": "never"}) == Thing(id="a")


def test_lone_surrogates_are_replaced() -> None:
    """They come as JSON escapes, and would make a label that no scrape can carry."""
    read = json.loads('{"id": "a\\ud800", "name": "\\udfff\\ud83d\\ude00"}')
    assert Thing.model_validate(read) == Thing(id="a\ufffd", name="\ufffd\U0001f600")


def test_an_error_does_not_show_what_was_read() -> None:
    """Its text goes to logs."""
    with pytest.raises(ValidationError) as raised:
        Thing.model_validate({"id": ["private"], "count": "private"})
    assert "private" not in str(raised.value)
    assert bad_fields(raised.value) == ("id", "count")


@bulk_record
class Row:
    """A record of which there are many, with one field of each type."""

    id: Identifier
    name: Text = None
    at: Time = None


def at_once_and_step_by_step(body: bytes) -> tuple[object, object]:
    """What an answer gives, read as platforms read it, and read value by value; or the error."""
    reply = Reply(200, httpx.Headers(), body, url="https://example.net/things")

    def step_by_step() -> tuple[Mapping[str, Any], tuple[Row, ...], tuple[Skipped, ...]]:
        head, values = envelope("/things", reply.json(), "data", "value")
        return head, *records(values, Row)

    results: list[object] = []
    for read in (partial(answer, "/things", reply, Row, "data", "value"), step_by_step):
        try:
            head, rows, skipped = read()
            results.append(({key: held for key, held in head.items() if key != "data"}, rows, skipped))
        except InvalidResponse as error:
            results.append(str(error))
    return results[0], results[1]


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [{"id": "a", "name": "b", "at": 1780383605.25}], "next": "c"}',
        b'{"data": [{"id": "a", "id": "b", "name": "c", "name": null}], "next": 1, "next": 2}',
        b'{"data": [{"id": "a"}], "data": [{"id": "b"}]}',
        b'{"data": [{"id": "a"}, {"id": ""}, {"id": 5}, {"name": "b"}, 7, null, "c"]}',
        b'{"data": [{"id": "a", "name": 5, "at": "never"}, {"id": "b", "name": ["x"], "at": true}]}',
        b'{"data": [{"id": "\\ud800", "name": "\\ud83d\\ude00"}]}',
        b'{"data": [{"id": "\xed\xa0\x80"}]}',
        b'{"data": [{"id": "a", "at": NaN}]}',
        b'{"data": [{"id": "a", "else": -Infinity}]}',
        b'{"data": [{"id": "a", "at": 1' + b"0" * 400 + b"}]}",
        b'{"data": [{"id": "a", "else": ' + b"1" * 5000 + b"}]}",
        b'{"data": [{"id": "a", "else": ' + b"[" * 5000 + b"]" * 5000 + b"}]}",
        b'{"data": null, "value": [{"id": "a"}]}',
        b'{"data": [{"id": "a"}], "value": [{"id": "b"}]}',
        b'{"data": {}}',
        b'{"data": [{"id": "a"}]} and more',
        b'{"data": [{"id": "a"}',
        b'\xef\xbb\xbf{"data": []}',
        '{"data": [{"id": "\u00e4"}]}'.encode("utf-16"),
        b"[]",
        b"",
    ],
    ids=range(21),
)
def test_an_answer_read_at_once_is_what_it_is_step_by_step(body: bytes) -> None:
    """Records, what was left out, what stands beside the list, and errors."""
    at_once, step_by_step = at_once_and_step_by_step(body)
    assert at_once == step_by_step


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "name", "at", "else"), VALUES)), max_size=5))
def test_any_records_read_at_once_are_what_they_are_step_by_step(rows: list[dict[str, Any]]) -> None:
    """Whatever the fields hold."""
    at_once, step_by_step = at_once_and_step_by_step(json.dumps({"data": rows, "next": None}).encode())
    assert at_once == step_by_step


def test_a_number_beyond_a_double_is_no_time_and_no_reason_to_lose_a_page() -> None:
    """Nothing that is used can hold it."""
    at_once, _ = at_once_and_step_by_step(b'{"data": [{"id": "a", "at": 1e999, "else": 1e999}]}')
    assert at_once == ({}, (Row("a"),), ())


def test_a_bad_record_keeps_its_values_to_itself() -> None:
    """Also one of a class."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Row).validate_python({"id": ["private"], "name": "private"})
    assert "private" not in str(caught.value)


def test_an_id_or_a_text_of_a_megabyte_is_cut() -> None:
    """What is read without asking us has the same end as everything that is remembered."""

    class Thing(Record):
        id: Identifier
        text: Text = None

    thing = Thing.model_validate({"id": "i" * 1_000_000, "text": "t" * 1_000_000})
    assert len(thing.id) == MAX_TEXT
    assert thing.text is not None
    assert len(thing.text) == MAX_TEXT
