"""The order of a table's rows: a query parameter such as ``sort=series``, or ``sort=-series`` for the other way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from exporter.web.markup import Markup, element
from exporter.web.selection import address

T = TypeVar("T")
Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column of a table: its heading, the name it is sorted by, the key, and its cell."""

    title: str
    name: str
    key: Callable[[T], Any]


@dataclass(frozen=True, slots=True)
class Order:
    """By which column; ``name`` None for the table's own order."""

    name: str | None = None
    falling: bool = False

    def __str__(self) -> str:
        """Return the value of the query parameter."""
        return f"{'-' * self.falling}{self.name or ''}"


def order_of(text: str, columns: Iterable[Column[T]]) -> Order:
    """Read the parameter; what names no column is the table's own order."""
    name = text.removeprefix("-")
    known = any(column.name == name for column in columns)
    return Order(name, text.startswith("-")) if known else Order()


def in_order(rows: Sequence[T], columns: Iterable[Column[T]], order: Order) -> list[T]:
    """Return the rows, those without a value for the column last."""
    key: Mapping[str, Callable[[T], Any]] = {column.name: column.key for column in columns}
    if order.name is None:
        return list(rows)
    of = key[order.name]
    told = [row for row in rows if of(row) is not None]
    return [*sorted(told, key=of, reverse=order.falling), *(row for row in rows if of(row) is None)]


def headings(columns: Iterable[Column[T]], order: Order, parameter: str, others: Pairs, place: str) -> Markup:
    """Return the row of headings; each is a link that sorts by it, and by it the other way once it does."""
    kept = list(others)
    return element("tr", *(_heading(column, order, parameter, kept, place) for column in columns), role="row")


def _heading(column: Column[T], order: Order, parameter: str, others: Pairs, place: str) -> Markup:
    sorted_by = order.name == column.name
    wanted = Order(column.name, falling=sorted_by and not order.falling)
    href = f"{address('/', others, [(parameter, str(wanted))])}#{place}"
    direction = ("descending" if order.falling else "ascending") if sorted_by else None
    arrow = ({"ascending": " ▲", "descending": " ▼"}[direction]) if direction else ""
    link = element("a", column.title, element("span", arrow, aria_hidden="true"), href=href)
    return element("th", link, scope="col", role="columnheader", aria_sort=direction)
