"""Lengths of time between two moments of a run, and other values that it may lack, as what they add. Pure."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.ledger import RECORDS_SKIPPED
from exporter.observations import Add, Named
from exporter.times import Micros

NEGATIVE: Final = Add(RECORDS_SKIPPED, ("negative_duration",))
"""What is told of a length that ends before it begins, which is left out (rule 18)."""

Told = tuple[bool | None, ...]
"""What a run tells of its values: a number (True), one below 0 (False), nothing (None)."""


def length(start: Micros | None, end: Micros | None) -> Micros | None:
    """Return how long it was between two moments, None when one is missing."""
    return None if start is None or end is None else end - start


def told(values: tuple[int | None, ...]) -> tuple[Told, tuple[int, ...]]:
    """Return what is told of these values, and those that count."""
    given = tuple([value for value in values if value is not None])
    if len(given) == len(values) and (not given or min(given) >= 0):  # as nearly always
        return (True,) * len(given), given
    return (
        tuple([None if value is None else value >= 0 for value in values]),
        tuple([value for value in values if value is not None and value >= 0]),
    )


def effects(told: Told, *series: Named) -> tuple[tuple[Add, ...], tuple[Named, ...]]:
    """Return what is counted beside values, a negative one being told of instead, and the histograms that take some."""
    return (
        (NEGATIVE,) * told.count(False),
        tuple([named for named, counts in zip(series, told, strict=True) if counts]),
    )
