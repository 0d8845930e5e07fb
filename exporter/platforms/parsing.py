"""From JSON values to typed records: item by item, tolerant of what is not used, exact in times and numbers.

A bad envelope fails the batch, a bad record is left out and counted (counting rule 23). Nothing here shows what
it read. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Final, TypeVar, cast, dataclass_transform

from annotated_types import Gt, Le, MaxLen, MinLen
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    Strict,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic.dataclasses import dataclass

from exporter.errors import InvalidResponse
from exporter.http import Reply
from exporter.observations import Skipped
from exporter.platforms.labels import MAX_TEXT, kept
from exporter.times import HOUR, SECOND, Micros, from_datetime

EARLIEST: Final = 946_684_800 * SECOND
"""2000-01-01: an earlier time is no time (rule 5)."""
AHEAD: Final = HOUR
"""How far after the upstream's now a time may lie (rule 5)."""
MILLISECONDS_FROM: Final = 100_000_000_000
"""A larger number is milliseconds, any other seconds; as seconds this is the year 5138."""
LARGEST: Final = 2**53
"""The largest whole number that a double, and so a sample, holds exactly (rule 18)."""

NO_ID: Final = Skipped("no_id")
"""A record without what would tell it from others."""
BAD_RECORD: Final = Skipped("bad_record")
"""A record that is no object."""

Skips = tuple[Skipped, ...]

_LATEST: Final = 253_402_300_800 * SECOND  # the year 10000, where datetime ends
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:", re.ASCII)


class Record(BaseModel):
    """Base of all records: only the fields we use, unknown ones ignored, silent about values."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


M = TypeVar("M")


@dataclass_transform(frozen_default=True)
def bulk_record(model: type[M]) -> type[M]:
    """Make a record of a class of which pages hold hundreds: what ``Record`` is, for half of what a model costs."""
    made: Any = dataclass(frozen=True, config=ConfigDict(extra="ignore", hide_input_in_errors=True))(model)
    return made  # type: ignore[no-any-return]  # it is the class that came in


def moment(value: object) -> Micros | None:
    """Return a time as microseconds, None when there is none.

    Unix seconds or milliseconds as a number or its digits, or RFC 3339 text (UTC where no offset is given).
    Zero, negative and unreadable values are none.
    """
    if value is None or isinstance(value, bool):
        return None
    micros: Micros | None = None
    if isinstance(value, int):
        micros = value * (SECOND // 1000 if value > MILLISECONDS_FROM else SECOND)
    elif isinstance(value, float):
        micros = _from_number(value)
    elif isinstance(value, str):
        micros = _from_text(value.strip())
    return micros if micros is not None and 0 < micros < _LATEST else None


def _from_number(number: float | Decimal) -> Micros | None:
    if not math.isfinite(number):
        return None
    micros = number * (SECOND // 1000 if number > MILLISECONDS_FROM else SECOND)
    return round(micros) if math.isfinite(micros) else None  # a float so large becomes infinite only now


def _from_text(text: str) -> Micros | None:
    text = text.upper()
    if not _DATE_TIME.match(text):
        return _from_number(Decimal(text)) if _NUMBER.fullmatch(text) else None
    leap = SECOND if text[17:19] == "60" else 0  # the second that is inserted is the first of what comes next
    try:
        read = datetime.fromisoformat(f"{text[:17]}59{text[19:]}" if leap else text)
    except ValueError:
        return None
    return from_datetime(read if read.tzinfo else read.replace(tzinfo=UTC)) + leap


def believable(time: Micros | None, now: Micros) -> Micros | None:
    """Return ``time``, or None when it is before 2000 or too far after the upstream's ``now`` (rule 5)."""
    return time if time is not None and EARLIEST <= time <= now + AHEAD else None


def whole(value: object) -> int:
    """Return a count: a whole number from 0 to 2^53, as a number (``3.0`` is 3) or in digits (rule 18).

    Raises ValueError for everything else; its text does not show the value.
    """
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= len(str(LARGEST)):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        return value
    raise ValueError("is no whole number from 0 to 2^53")


def _text(value: object) -> str | None:
    return kept(value) if isinstance(value, str) else None


def _required_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("is no text")  # noqa: TRY004  pydantic turns a ValueError into its own
    return kept(value)


def _identifier(value: object) -> str:
    text = _required_text(value)
    if not text:
        raise ValueError("is empty")
    return text


_UsualText = Annotated[str, Strict(), MinLen(0), MaxLen(MAX_TEXT)]
"""What pydantic reads without asking us. It looks into text, and refuses lone surrogates, only for a length."""

Text = Annotated[_UsualText | Annotated[str | None, PlainValidator(_text)] | None, Field(union_mode="left_to_right")]
"""Text that may be missing; what is no text is missing too."""
RequiredText = Annotated[str, BeforeValidator(_required_text)]
"""Text, possibly empty."""
Identifier = Annotated[
    Annotated[str, Strict(), MinLen(1), MaxLen(MAX_TEXT)] | Annotated[str, PlainValidator(_identifier)],
    Field(union_mode="left_to_right"),
]
"""What tells one of very many records from others: text that is not empty. A secret in it is left to ``observe``."""
SafeIdentifier = Annotated[str, PlainValidator(_identifier)]
"""The same for what is remembered by it: made safe here."""
_UsualTime = Annotated[int, Strict(), Gt(0), Le(MILLISECONDS_FROM), AfterValidator(SECOND.__mul__)]
"""Unix seconds, without a call of ours: what is asked to multiply is written in C."""

Time = Annotated[
    _UsualTime | Annotated[Micros | None, PlainValidator(moment)] | None, Field(union_mode="left_to_right")
]
"""A point in time in any of the shapes of ``moment``, else None."""
Count = Annotated[int, BeforeValidator(whole)]
"""A whole number, required."""


def envelope(where: str, payload: object, *names: str) -> tuple[Mapping[str, Any], list[Any]]:
    """Return the object and its list, which is the first array among ``names``. ``where`` is for messages.

    Raises InvalidResponse that says what was missing: an answer without its list is never an empty one.
    """
    if not isinstance(payload, dict):
        raise InvalidResponse(f"{where}: found {kind_of(payload)}, expected an object with a list {names[0]!r}")
    for name in names:
        found = payload.get(name)
        if isinstance(found, list):
            return payload, found
    held = kind_of(payload[names[0]]) if names[0] in payload else "none"
    raise InvalidResponse(f"{where}: found {held}, expected a list {names[0]!r}")


def answer(where: str, reply: Reply, model: type[M], *names: str) -> tuple[Mapping[str, Any], tuple[M, ...], Skips]:
    """Return an answer's object, its records, and what was left out of its list: the first array among ``names``.

    An answer that is as documented is read at once by pydantic's own parser. Any other, be it for one bad record or
    one lone surrogate, is read step by step, which says what is wrong and loses no more than that.
    """
    if not any(word in reply.body for word in _NO_NUMBERS):
        with suppress(ValidationError):
            whole = _whole(cast(Any, model), names[0]).model_validate_json(reply.body)
            return whole.model_extra or {}, tuple(getattr(whole, names[0])), ()
    head, values = envelope(where, reply.json(), *names)
    return head, *records(values, model)


_NO_NUMBERS: Final = (b"NaN", b"Infinity")
"""Words that pydantic's parser takes for numbers and JSON does not know."""


@cache
def _whole(model: Any, name: str) -> type[BaseModel]:
    # Ids come once: a cache of strings would be filled with what nobody asks for again.
    config = ConfigDict(extra="allow", hide_input_in_errors=True, cache_strings="keys")
    fields: dict[str, Any] = {name: (list[model], ...)}
    made: type[BaseModel] = create_model("Answer", __config__=config, **fields)
    return made


@cache
def _alone(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def records(items: Iterable[object], model: type[M]) -> tuple[tuple[M, ...], Skips]:
    """Validate the items of an envelope one by one; those that are no record are left out and told of."""
    found: list[M] = []
    skipped: list[Skipped] = []
    for item in items:
        try:
            found.append(_alone(cast(Any, model)).validate_python(item))
        except ValidationError:
            skipped.append(NO_ID if isinstance(item, dict) else BAD_RECORD)
    return tuple(found), tuple(skipped)


def bad_fields(error: ValidationError) -> Sequence[str]:
    """Name the fields that were refused, without what they held."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(dict.fromkeys(str(detail["loc"][0]) for detail in details if detail["loc"]))


def kind_of(value: object) -> str:
    """Name the JSON type of a value, for messages."""
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
