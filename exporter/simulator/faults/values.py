"""Faults of values: nulls, missing ids, unknown words, strange names, numbers of other kinds."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence

from exporter.simulator.clock import SECOND
from exporter.simulator.faults.registry import Exchange, fault
from exporter.simulator.faults.times import ended_at, is_chosen
from exporter.simulator.messages import Json

AWKWARD_NAME = 'quote " backslash \\ newline \n tab \t emoji \N{ROCKET}'
MOST = 2**53
FLIPS = {
    "FINISHED": "FAILED",
    "FAILED": "FINISHED",
    "completed": "failed",
    "failed": "completed",
}


@fault("after")
def null_counts(exchange: Exchange) -> None:
    """Counts are null."""
    _rewrite(exchange, exchange.face.count_fields, lambda _: None)


@fault("after")
def counts_as_floats(exchange: Exchange) -> None:
    """Counts are floats without a fraction, such as 3.0."""
    _rewrite(exchange, exchange.face.count_fields, float)


@fault("after")
def counts_as_fractions(exchange: Exchange) -> None:
    """Counts are not whole."""
    _rewrite(exchange, exchange.face.count_fields, lambda count: count + 0.5)


@fault("after")
def negative_counts(exchange: Exchange) -> None:
    """Counts are negative."""
    _rewrite(exchange, exchange.face.count_fields, lambda count: -1 - count)


@fault("after")
def boolean_counts(exchange: Exchange) -> None:
    """Counts are booleans."""
    _rewrite(exchange, exchange.face.count_fields, bool)


@fault("after")
def enormous_counts(exchange: Exchange) -> None:
    """Counts are above 2^53, where a float loses its last digits."""
    _rewrite(exchange, exchange.face.count_fields, lambda count: MOST + 2 + abs(count))


@fault("after")
def fallen_counts(exchange: Exchange, by: int = 1, share: float = 1.0) -> None:
    """Counts of a share of the rows, the same ones, are lower than they are. In the next good answer they are back."""
    face = exchange.face
    for row in exchange.records:
        if is_chosen(row, face, share):
            counts = {name: row.get(name) for name in face.count_fields}
            # what another fault has made of a count stays what it is: no number that anybody could believe
            row.update(
                {n: max(0, count - by) for n, count in counts.items() if type(count) is int and 0 < count <= MOST}
            )


@fault("after")
def record_without_id(exchange: Exchange) -> None:
    """The first row has no id."""
    for row in exchange.records[:1]:
        for name in exchange.face.id_fields:
            row.pop(name, None)


@fault("after")
def numeric_ids(exchange: Exchange) -> None:
    """Ids are numbers: those of digits stay what they are, others become a checksum."""
    _rewrite(exchange, exchange.face.id_fields, _as_number)


@fault("after")
def record_not_an_object(exchange: Exchange) -> None:
    """Among the rows are a string, a number and null."""
    if exchange.is_listing:
        exchange.rows.extend(["not an object", 7, None])


@fault("after")
def null_fields(exchange: Exchange) -> None:
    """Every field but the id, the status and the times is null."""
    face = exchange.face
    kept = {*face.id_fields, *face.name_fields, *face.status_fields, *face.time_fields, *face.count_fields}
    for row in exchange.records:
        row.update({name: None for name in row if name not in kept})


@fault("after")
def unknown_fields(exchange: Exchange) -> None:
    """Every row has fields that nobody has heard of."""
    for row in exchange.records:
        row.update(brand_new_field={"n": [1, 2, {"deep": None}]}, another_field="x" * 100)


@fault("after")
def unknown_statuses(exchange: Exchange) -> None:
    """Runs that are not at an end have a status that nobody has heard of."""
    for row in exchange.records:
        if ended_at(row, exchange.face) is None:
            row.update({n: "WARMING_UP" for n in exchange.face.status_fields if isinstance(row.get(n), str)})


@fault("after")
def uppercase_statuses(exchange: Exchange) -> None:
    """Statuses are in upper case."""
    _rewrite(exchange, exchange.face.status_fields, lambda value: value.upper() if isinstance(value, str) else value)


@fault("after")
def lowercase_statuses(exchange: Exchange) -> None:
    """Statuses are in lower case."""
    _rewrite(exchange, exchange.face.status_fields, lambda value: value.lower() if isinstance(value, str) else value)


@fault("after")
def null_statuses(exchange: Exchange) -> None:
    """Statuses are null."""
    _rewrite(exchange, exchange.face.status_fields, lambda _: None)


@fault("after")
def flipping_statuses(exchange: Exchange, seconds: float = 60, share: float = 0.5) -> None:
    """A share of the runs changes from completed to failed, or back, that long after it ended."""
    face = exchange.face
    for row in _long_ended(exchange, seconds, share):
        for name in face.status_fields:
            row[name] = FLIPS.get(str(row.get(name)), row.get(name))
        if face.end_fields[1:]:
            completed, failed = face.end_fields[:2]
            row[completed], row[failed] = row[failed], row[completed]


@fault("after")
def reopening_runs(exchange: Exchange, seconds: float = 60, share: float = 0.5) -> None:
    """A share of the runs shows as running again, that long after it ended."""
    face = exchange.face
    for row in _long_ended(exchange, seconds, share):
        for name in face.status_fields:
            row[name] = "RUNNING" if str(row.get(name)).isupper() else "running"
        row.update(dict.fromkeys(face.end_fields))


@fault("after")
def surrogate_names(exchange: Exchange) -> None:
    """Names end in half of a surrogate pair, which JSON can carry and UTF-8 cannot."""
    _rewrite(exchange, exchange.face.name_fields, lambda name: f"{name}\ud83d")


@fault("after")
def awkward_names(exchange: Exchange) -> None:
    """Names hold quotes, backslashes, newlines and emoji."""
    _rewrite(exchange, exchange.face.name_fields, lambda name: f"{name} {AWKWARD_NAME}")


@fault("after")
def long_names(exchange: Exchange, length: int = 10_000) -> None:
    """Names are that long."""
    _rewrite(exchange, exchange.face.name_fields, lambda name: str(name).ljust(length, "n"))


@fault("after")
def empty_names(exchange: Exchange) -> None:
    """Names are empty."""
    _rewrite(exchange, exchange.face.name_fields, lambda _: "")


@fault("after")
def missing_names(exchange: Exchange) -> None:
    """The first row has no name."""
    for row in exchange.records[:1]:
        for name in exchange.face.name_fields:
            row.pop(name, None)


def _as_number(value: Json) -> int:
    text = str(value)
    return int(text) if text.isdecimal() else zlib.crc32(text.encode("utf-8", "surrogatepass"))


def _long_ended(exchange: Exchange, seconds: float, share: float) -> Iterator[dict[str, Json]]:
    """That share of the runs that ended at least so long ago."""
    for row in exchange.records:
        ended = ended_at(row, exchange.face)
        if ended is not None and exchange.now / SECOND - ended >= seconds and is_chosen(row, exchange.face, share):
            yield row


def _rewrite(exchange: Exchange, names: Sequence[str], change: Callable[[Json], Json]) -> None:
    """Change these fields of every row that has them and does not have null there."""
    for row in exchange.records:
        for name in names:
            if row.get(name) is not None:
                row[name] = change(row[name])
