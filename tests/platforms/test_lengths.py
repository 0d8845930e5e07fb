"""Lengths of time, and what they add."""

from __future__ import annotations

import pytest

from exporter.catalogue.runs import RUN_DURATION, RUN_LATENESS, RUN_WAIT
from exporter.platforms.lengths import NEGATIVE, Told, effects, length, told
from exporter.times import Micros


@pytest.mark.parametrize(
    ("start", "end", "lasted"), [(3, 5, 2), (5, 3, -2), (3, 3, 0), (0, 3, 3), (None, 5, None), (3, None, None)]
)
def test_length(start: Micros | None, end: Micros | None, lasted: Micros | None) -> None:
    """Only between two moments that are both known."""
    assert length(start, end) == lasted


@pytest.mark.parametrize(
    ("values", "given", "counts"),
    [
        ((), (), ()),
        ((5, 0, 7), (True, True, True), (5, 0, 7)),
        ((5, None, 7), (True, None, True), (5, 7)),
        ((None, None), (None, None), ()),
        ((5, -1, 7), (True, False, True), (5, 7)),
        ((-1,), (False,), ()),
        ((None, -1, 7), (None, False, True), (7,)),
    ],
)
def test_a_negative_value_is_left_out_and_those_beside_it_count(
    values: tuple[int | None, ...], given: Told, counts: tuple[int, ...]
) -> None:
    """Rule 18: a sum would fall by it."""
    assert told(values) == (given, counts)


def test_each_negative_value_is_told_of_and_each_other_goes_to_its_own_histogram() -> None:
    """In the order of the values."""
    series = ((RUN_DURATION, ("completed",)), (RUN_WAIT, ()), (RUN_LATENESS, ()))
    assert effects((True, True, True), *series) == ((), series)
    assert effects((False, None, True), *series) == ((NEGATIVE,), series[2:])
    assert effects((False, True, False), *series) == ((NEGATIVE, NEGATIVE), series[1:2])
