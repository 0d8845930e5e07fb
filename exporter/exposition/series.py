"""One series, or one set of histogram buckets: the template of its lines, and the numbers that fill it.

Label values are escaped once, into the template; what changes from poll to poll is what fills it. Templates are filled
as bytes: ``%d``, where a number is always whole, takes half the time of ``%s`` in text, and nothing is encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Final, cast

from exporter.catalogue.model import Metric
from exporter.counting.states import Exemplar, Value
from exporter.exposition.syntax import bound, label_pairs, number
from exporter.families import TargetLabels
from exporter.observations import Labels
from exporter.times import SECOND, Micros

WHOLE: Final = "%d"
ANY: Final = "%b"
"""In a template: a number that is always whole, and one that comes written as bytes."""

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
    """Return the lines of one series with a place for each number; ``target`` as from ``target_pairs``."""
    pairs = _joined(target, label_pairs(zip(metric.labels, labels, strict=True))).replace("%", "%%")
    if metric.type != "histogram":
        return f"{metric.name}{_braced(pairs)} {WHOLE if _is_whole(metric) else ANY}\n"
    buckets = bucket_template(metric.name, pairs, [*map(bound, metric.bounds), "+Inf"])
    return f"{buckets}{metric.name}_sum{_braced(pairs)} {ANY}\n{metric.name}_count{_braced(pairs)} {WHOLE}\n"


def bucket_template(name: str, pairs: str, bounds: list[str], place: str = WHOLE) -> str:
    """Return one ``_bucket`` line for each upper bound."""
    lines = []
    for upper in bounds:
        le = f'le="{upper}"'
        lines.append(f"{name}_bucket{_braced(_joined(pairs, le))} {place}\n")
    return "".join(lines)


def created_line(metric: Metric, target: str, labels: Labels, at: Micros) -> str:
    """Return the ``_created`` line of one series; it stands in OpenMetrics only."""
    pairs = _joined(target, label_pairs(zip(metric.labels, labels, strict=True))).replace("%", "%%")
    return f"{openmetrics_name(metric)}_created{_braced(pairs)} {number(at, SECOND)}\n"


def numbers(metric: Metric, samples: Iterable[Sample]) -> list[int | bytes]:
    """Return what fills these series' templates, in their order."""
    unit = metric.unit
    if metric.type == "gauge":
        return [number(level, unit).encode("ascii") for level in cast(Iterable[float], samples)]
    values = cast(Iterable[Value], samples)
    if metric.type == "counter":
        counts = [count for (count,) in values]
        return [*counts] if _is_whole(metric) else [number(count, unit).encode("ascii") for count in counts]
    found: list[int | bytes] = []
    for value in values:
        found += accumulate(value[:-1])
        found += (number(value[-1], unit).encode("ascii"), found[-1])
    return found


def _is_whole(metric: Metric) -> bool:
    return metric.type == "counter" and metric.unit == 1


def _joined(first: str, second: str) -> str:
    return f"{first},{second}" if first and second else first or second


def _braced(pairs: str) -> str:
    return f"{{{pairs}}}" if pairs else ""
