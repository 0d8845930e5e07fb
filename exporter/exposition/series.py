"""One series, or one set of histogram buckets: the template of its lines, and the numbers that fill it.

Label values are escaped once, into the template; what changes from poll to poll are its ``%s``.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import cast

from exporter.catalogue.model import Metric
from exporter.counting.ledger import Exemplar, Value
from exporter.exposition.syntax import bound, exemplar_suffix, label_pairs, number
from exporter.families import TargetLabels
from exporter.observations import Labels
from exporter.times import SECOND, Micros

Sample = Value | float
Exemplars = Mapping[int, Exemplar]


def openmetrics_name(metric: Metric) -> str:
    """Return the family's name in OpenMetrics: a counter's without ``_total``."""
    return metric.name.removesuffix("_total") if metric.type == "counter" else metric.name


def target_pairs(target: TargetLabels, further: tuple[tuple[str, str], ...] = ()) -> str:
    """Return the labels that all series of a target begin with, ready to be followed by more.

    ``further`` labels of one series are among them, in place of the target's own of the same name.
    """
    own = {**dict(target.own), **dict(further)}
    return label_pairs((("platform", target.platform), ("target", target.target), *own.items()))


def line_count(metric: Metric) -> int:
    """Return how many lines one series has."""
    return len(metric.bounds) + 3 if metric.type == "histogram" else 1


def template(metric: Metric, target: str, labels: Labels) -> str:
    """Return the lines of one series with ``%s`` for each number; ``target`` as from ``target_pairs``."""
    pairs = _joined(target, label_pairs(zip(metric.labels, labels, strict=True))).replace("%", "%%")
    if metric.type != "histogram":
        return f"{metric.name}{_braced(pairs)} %s\n"
    buckets = bucket_template(metric.name, pairs, [*map(bound, metric.bounds), "+Inf"])
    return f"{buckets}{metric.name}_sum{_braced(pairs)} %s\n{metric.name}_count{_braced(pairs)} %s\n"


def bucket_template(name: str, pairs: str, bounds: list[str]) -> str:
    """Return one ``_bucket`` line for each upper bound."""
    lines = []
    for upper in bounds:
        le = f'le="{upper}"'
        lines.append(f"{name}_bucket{_braced(_joined(pairs, le))} %s\n")
    return "".join(lines)


def created_line(metric: Metric, target: str, labels: Labels, at: Micros) -> str:
    """Return the ``_created`` line of one series; it stands in OpenMetrics only."""
    pairs = _joined(target, label_pairs(zip(metric.labels, labels, strict=True))).replace("%", "%%")
    return f"{openmetrics_name(metric)}_created{_braced(pairs)} {number(at, SECOND)}\n"


def numbers(metric: Metric, sample: Sample) -> tuple[int | str, ...]:
    """Return what the template's ``%s`` are, in their order."""
    if metric.type == "gauge":
        return (number(cast(float, sample), metric.unit),)
    value = cast(Value, sample)
    if metric.type == "counter":
        return (value[0] if metric.unit == 1 else number(value[0], metric.unit),)
    *buckets, total = value
    cumulative = tuple(accumulate(buckets))
    return (*cumulative, number(total, metric.unit), cumulative[-1])


def with_exemplars(metric: Metric, plain: tuple[int | str, ...], exemplars: Exemplars) -> tuple[int | str, ...]:
    """Return ``plain`` with exemplars behind the counter or the buckets that have one."""
    marked = list(plain)
    for index, exemplar in exemplars.items():
        marked[index] = f"{marked[index]}{exemplar_suffix(exemplar, metric.unit)}"
    return tuple(marked)


def _joined(first: str, second: str) -> str:
    return f"{first},{second}" if first and second else first or second


def _braced(pairs: str) -> str:
    return f"{{{pairs}}}" if pairs else ""
