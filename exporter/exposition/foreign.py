"""Families of a prometheus_client registry, rendered into both formats like our own.

Unlike the library's renderers this one leaves ``_created`` out, which in the text format would be further
families, and sorts the series. Counters, gauges and histograms without exemplars are all that it knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, cast

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as ClientMetric
from prometheus_client.samples import Sample

from exporter.catalogue import TARGET_LABELS
from exporter.catalogue.model import Metric, MetricType
from exporter.exposition.pieces import Piece, header
from exporter.exposition.snapshot import OwnFamily, OwnLines
from exporter.exposition.syntax import encoded, label_pairs, number

_OF_TARGET: Final = frozenset(TARGET_LABELS)


def own_families(registry: CollectorRegistry) -> Iterator[OwnFamily]:
    """Yield the registry's families that have samples, named as in the text format."""
    for metric in registry.collect():
        samples = [each for each in metric.samples if not each.name.endswith("_created")]
        if samples:
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            yield _family(name, metric, samples)


def _family(name: str, metric: ClientMetric, samples: list[Sample]) -> OwnFamily:
    head = header(Metric(name, cast(MetricType, metric.type), metric.documentation))
    # Sorting is stable: buckets, count and sum of one series stay in their order.
    ordered = sorted(samples, key=_series)
    lines = [_line(sample) for sample in ordered]
    text = encoded("".join(lines))
    whole = Piece(head.text + text, head.openmetrics + text, head.lines + len(samples))
    if not samples[0].labels.keys() >= _OF_TARGET:
        return OwnFamily(name, whole)
    by_target: dict[tuple[str, str], list[str]] = defaultdict(list)
    for sample, line in zip(ordered, lines, strict=True):
        by_target[sample.labels["platform"], sample.labels["target"]].append(line)
    targets = {target: OwnLines(platform, tuple(told)) for (platform, target), told in by_target.items()}
    return OwnFamily(name, whole, head, targets)


def _series(sample: Sample) -> tuple[str, ...]:
    return tuple(value for name, value in sample.labels.items() if name != "le")


def _line(sample: Sample) -> str:
    pairs = label_pairs(sample.labels.items())
    return f"{sample.name}{{{pairs}}} {number(sample.value)}\n" if pairs else f"{sample.name} {number(sample.value)}\n"
