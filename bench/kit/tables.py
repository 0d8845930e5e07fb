"""Tables in Markdown, and figures as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.kit.script import Goal

NOTHING = "–"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; every column but the first is aligned right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def goals_table(goals: Iterable[Goal]) -> str:
    """What must be reached, and whether it was."""
    rows = [(goal.what, goal.asked, goal.measured, "yes" if goal.reached else "**no**") for goal in goals]
    return table(("what", "asked", "measured", "reached"), rows)


def seconds(value: float | None) -> str:
    """A length of time with three digits; a dash for None."""
    if value is None:
        return NOTHING
    for unit, worth in (("s", 1.0), ("ms", 1e-3)):
        if value >= worth:
            return f"{digits(value / worth)} {unit}"
    return f"{digits(value * 1e6)} µs"


def size(value: float | None) -> str:
    """Bytes, in decimal units with three digits."""
    if value is None:
        return NOTHING
    for unit, worth in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(value) >= worth:
            return f"{digits(value / worth)} {unit}"
    return f"{value:.0f} B"


def times(value: float | None) -> str:
    """A ratio, such as ``1.24×``."""
    return NOTHING if value is None else f"{digits(value)}×"


def count(value: float) -> str:
    """A whole number with separators."""
    return f"{value:,.0f}"


def digits(value: float) -> str:
    """Three digits that count, no exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
