"""Numbers, escapes and exemplars, one by one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.catalogue.model import MICRO
from exporter.counting.states import Exemplar
from exporter.exposition.syntax import bound, encoded, escaped, escaped_help, exemplar_suffix, number


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, 1, "0"),
        (True, 1, "1"),
        (-3, 1, "-3"),
        (2**53 + 1, 1, "9007199254740993"),
        (10**22, 1, "10000000000000000000000"),
        (12_500_000, MICRO, "12.5"),
        (1, MICRO, "0.000001"),
        (-1, MICRO, "-0.000001"),
        (-1_500_000, MICRO, "-1.5"),
        (1_772_442_300_000_000, MICRO, "1772442300"),
        (10**24 + 1, MICRO, "1000000000000000000.000001"),
        (5.0, 1, "5"),
        (0.25, 1, "0.25"),
        (2_500_000.0, MICRO, "2.5"),
        (2_500_000.5, MICRO, "2.5000005"),
        (1e-9, 1, "1e-09"),
        (1e22, 1, "10000000000000000000000"),
        (-0.0, 1, "0"),
        (math.inf, 1, "+Inf"),
        (-math.inf, MICRO, "-Inf"),
        (math.nan, 1, "NaN"),
    ],
)
def test_numbers_are_decimal_and_exact(value: float, unit: int, text: str) -> None:
    """Whole stored numbers lose no digit; floats are written so that they read back equal."""
    assert number(value, unit) == text


@given(st.integers() | st.floats(allow_nan=False), st.sampled_from([1, 1000, MICRO]))
def test_numbers_read_back_equal(value: float, unit: int) -> None:
    """What a parser makes of the text is the quotient as a float would hold it."""
    try:
        expected = value / unit
    except OverflowError:
        return
    assert float(number(value, unit)) == pytest.approx(expected, rel=1e-15)
    if isinstance(value, int):
        assert float(number(value, unit)) == expected


@pytest.mark.parametrize(("value", "text"), [(1, "1.0"), (86400, "86400.0"), (0.25, "0.25"), (math.inf, "+Inf")])
def test_bounds_are_floats(value: float, text: str) -> None:
    """One spelling in both formats, else the buckets would be other series when the format changes."""
    assert bound(value) == text


def test_label_values_escape_backslash_newline_and_quote() -> None:
    """Everything else stands as it is."""
    assert escaped('a\\b"c\nd\te\r{é}') == 'a\\\\b\\"c\\nd\te\r{é}'


def test_help_escapes_quotes_in_openmetrics_only() -> None:
    """The two specifications differ here."""
    assert escaped_help('say "\\"\n', openmetrics=False) == 'say "\\\\"\\n'
    assert escaped_help('say "\\"\n', openmetrics=True) == 'say \\"\\\\\\"\\n'


def test_an_exemplar_has_id_value_and_time() -> None:
    """All in exposed units."""
    exemplar = Exemplar("run-1", 12_500_000, 1_772_442_300_250_000)
    assert exemplar_suffix(exemplar, MICRO) == ' # {run_id="run-1"} 12.5 1772442300.25'


@pytest.mark.parametrize(("length", "shown"), [(122, True), (123, False)])
def test_an_exemplar_of_more_than_128_characters_is_left_out(length: int, shown: bool) -> None:
    """Name and value together, counted in characters."""
    assert bool(exemplar_suffix(Exemplar("ü" * length, 1, 0), 1)) is shown


def test_a_lone_surrogate_does_not_break_the_exposition() -> None:
    """It cannot be said in UTF-8."""
    assert encoded("a\ud800b") == b"a?b"
