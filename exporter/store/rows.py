"""Between the ledger's states and the rows of the tables.

Each table of states has ``target``, key columns and then the fields of its state in their order, so that one
codec serves them all; tuples within a state are JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from typing import Any, Final, Generic, NamedTuple, TypeVar

from exporter.counting.states import (
    ListingState,
    OpenRun,
    ScheduleState,
    Series,
    SeriesKey,
    SourceState,
    Value,
    WindowKey,
    WindowState,
    WorkloadState,
    zero,
)
from exporter.observations import Labels
from exporter.times import Micros

Row = tuple[Any, ...]
K = TypeVar("K")
V = TypeVar("V")


def pack(value: Any) -> str:
    """Write a tuple as compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _pack_numbers(value: Iterable[int]) -> str:
    """Write whole numbers as ``pack`` does, in less time: each page of runs writes hundreds."""
    return f"[{','.join(map(str, value))}]"


def tuples(value: Any) -> Any:
    """Turn JSON's lists into tuples, however deep."""
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value


def unpack(text: str) -> Any:
    """Read what ``pack`` wrote."""
    return tuples(json.loads(text))


@dataclass(frozen=True, slots=True)
class Table(Generic[K, V]):
    """How one mapping of the ledger is kept: its table, its columns, its rows."""

    name: str
    keys: tuple[str, ...]
    fields: tuple[str, ...]
    key_row: Callable[[K], Row]
    value_row: Callable[[V], Row]
    from_row: Callable[[Row], tuple[K, V]]

    @property
    def width(self) -> int:
        """How many columns a row has."""
        return 1 + len(self.keys) + len(self.fields)

    def upsert(self, number: int) -> str:
        """SQL that writes so many rows; parameters: of each target, key columns, fields."""
        row = f"({', '.join('?' * self.width)})"
        changes = ", ".join(f"{field} = excluded.{field}" for field in self.fields)
        return (
            f"INSERT INTO {self.name} ({', '.join(('target', *self.keys, *self.fields))}) "  # noqa: S608 (names of ours)
            f"VALUES {', '.join([row] * number)} ON CONFLICT (target, {', '.join(self.keys)}) DO UPDATE SET {changes}"
        )

    @property
    def delete(self) -> str:
        """SQL that deletes one row; parameters: target, key columns."""
        where = " AND ".join(f"{key} = ?" for key in self.keys)
        return f"DELETE FROM {self.name} WHERE target = ? AND {where}"  # noqa: S608

    @property
    def select(self) -> str:
        """SQL that reads all rows of a target; parameter: target."""
        return f"SELECT {', '.join((*self.keys, *self.fields))} FROM {self.name} WHERE target = ?"  # noqa: S608

    def load(self, rows: Iterable[Row]) -> dict[K, V]:
        """Read rows back."""
        return dict(map(self.from_row, rows))


@lru_cache(maxsize=1024)
def _series_key(key: SeriesKey) -> Row:
    return (key.family, pack(key.labels))


# Of the parts of a hundred thousand series most are the same few: each is read once and kept once.


@lru_cache(maxsize=8192)
def _labels_of(text: str) -> Labels:
    return tuple(map(intern, unpack(text)))


@lru_cache(maxsize=256)
def _pending_of(text: str) -> Value:
    pending: Value = tuple(json.loads(text))
    return pending if any(pending) else zero(len(pending))


@lru_cache(maxsize=1024)
def _same(moment: Micros) -> Micros:
    return moment


def forget_parts() -> None:
    """Give back what was kept to read series: what the ledgers hold of it stays."""
    for each in (_labels_of, _pending_of, _same):
        each.cache_clear()


def _key_of(family: str, labels: str) -> SeriesKey:
    return SeriesKey(intern(family), _labels_of(labels))


def _series_of(row: Row) -> tuple[SeriesKey, Series]:
    family, labels, shown, pending, created, *rest = row
    return _key_of(family, labels), Series(tuple(json.loads(shown)), _pending_of(pending), _same(created), *rest)


def _state_table(
    name: str, key: str, state: Any, packed: tuple[str, ...] = (), booleans: tuple[str, ...] = ()
) -> Table[str, Any]:
    """A table whose key is one text and whose fields are those of a NamedTuple."""
    fields: tuple[str, ...] = state._fields

    def value_row(value: NamedTuple) -> Row:
        return tuple(pack(item) if field in packed else item for field, item in zip(fields, value, strict=True))

    def from_row(row: Row) -> tuple[str, Any]:
        values = (_read(item, field) for field, item in zip(fields, row[1:], strict=True))
        return row[0], state(*values)

    def _read(item: Any, field: str) -> Any:
        if field in packed:
            return unpack(item)
        return bool(item) if field in booleans and item is not None else item

    return Table(name, (key,), fields, lambda text: (text,), value_row, from_row)


def _workload(row: Row) -> tuple[str, WorkloadState]:
    identity, state = _WORKLOAD_ROWS.from_row(row)
    triggers = tuple((name, ScheduleState(*trigger)) for name, trigger in state.triggers)
    return identity, state._replace(triggers=triggers)


_WORKLOAD_ROWS: Final = _state_table(
    "workload", "identity", WorkloadState, ("info", "schedules", "triggers", "former"), ("enabled",)
)

LISTINGS: Final[Table[str, ListingState]] = _state_table("listing", "key", ListingState, booleans=("unsorted", "gone"))
OPEN_RUNS: Final[Table[str, OpenRun]] = _state_table("open_run", "run_id", OpenRun, ("days",))
WORKLOADS: Final[Table[str, WorkloadState]] = Table(
    "workload",
    _WORKLOAD_ROWS.keys,
    _WORKLOAD_ROWS.fields,
    _WORKLOAD_ROWS.key_row,
    _WORKLOAD_ROWS.value_row,
    _workload,
)
SOURCES: Final[Table[str, SourceState]] = _state_table("source", "name", SourceState)
TIMELESS: Final[Table[str, Micros]] = Table(
    "timeless_run",
    ("run_id",),
    ("seen_at",),
    lambda run_id: (run_id,),
    lambda seen: (seen,),
    lambda row: (row[0], row[1]),
)
FIGURES: Final[Table[WindowKey, WindowState]] = Table(
    "figure",
    ("item", "family", "labels"),
    WindowState._fields,
    lambda key: (key[0], *_series_key(key[1])),
    tuple,
    lambda row: ((row[0], _key_of(row[1], row[2])), WindowState(*row[3:])),
)
SERIES: Final[Table[SeriesKey, Series]] = Table(
    "series",
    ("family", "labels"),
    Series._fields,
    _series_key,
    lambda series: (_pack_numbers(series.shown), _pack_numbers(series.pending), *series[2:]),
    _series_of,
)
MARKS: Final[Table[SeriesKey, Micros]] = Table(
    "mark",
    ("family", "labels"),
    ("at",),
    _series_key,
    lambda at: (at,),
    lambda row: (_key_of(row[0], row[1]), row[2]),
)
