"""The words of the exposition formats: label values, help texts, numbers, bounds, exemplars.

Text 0.0.4 and 1.0.0 differ in their Content-Type only, since our names are valid in both. OpenMetrics 1.0.0 is
defined in https://prometheus.io/docs/specs/om/open_metrics_spec/.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from exporter.counting.states import Exemplar
from exporter.times import SECOND

EXEMPLAR_LABEL: Final = "run_id"
EXEMPLAR_LIMIT: Final = 128
"""Characters that the names and values of an exemplar's labels may have together."""

_VALUE: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


def escaped(value: str) -> str:
    """Return a label value as it stands between quotes."""
    if '"' in value or "\\" in value or "\n" in value:  # looking is cheaper than translating, and few have one
        return value.translate(_VALUE)
    return value


def escaped_help(text: str, *, openmetrics: bool) -> str:
    """Return a help text as it stands after ``# HELP name``; only OpenMetrics escapes quotes there."""
    return text.translate(_VALUE if openmetrics else _HELP)


def label_pairs(labels: Iterable[tuple[str, str]]) -> str:
    """Return ``a="b",c="d"``."""
    return ",".join([f'{name}="{escaped(value)}"' for name, value in labels])


def number(value: float, unit: int = 1) -> str:
    """Return ``value / unit`` in decimal; exact for whole numbers of any size when ``unit`` is a power of ten."""
    if isinstance(value, float):
        if not value.is_integer():
            return _fraction(value / unit)
        value = int(value)
    if unit == 1:
        return f"{value:d}"
    whole, rest = divmod(abs(value), unit)
    sign = "-" if value < 0 else ""
    if not rest:
        return f"{sign}{whole:d}"
    digits = str(unit + rest).rstrip("0")  # the 1 in front keeps the zeros that follow the point
    return f"{sign}{whole:d}.{digits[1:]}"


def _fraction(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def bound(value: float) -> str:
    """Return a bucket's upper bound as ``le`` has it: always a float, so that it is one series in both formats."""
    return _fraction(float(value))


def fits(exemplar: Exemplar) -> bool:
    """Whether OpenMetrics allows an exemplar of this length. One that is too long is left out: a cut id is no use."""
    return len(EXEMPLAR_LABEL) + len(exemplar.run_id) <= EXEMPLAR_LIMIT


def exemplar_suffix(exemplar: Exemplar, unit: int) -> str:
    """Return what follows a sample's value; nothing for an exemplar that does not fit."""
    if not fits(exemplar):
        return ""
    run_id, value, at = exemplar
    return f' # {{{EXEMPLAR_LABEL}="{escaped(run_id)}"}} {number(value, unit)} {number(at, SECOND)}'


def encoded(text: str) -> bytes:
    """Return UTF-8. Labels are made safe at parsing; should one hold a lone surrogate, the scrape must survive."""
    return text.encode("utf-8", "replace")
