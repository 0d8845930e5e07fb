"""Families of a prometheus_client registry, rendered into both formats like our own.

Unlike the library's renderers this one leaves ``_created`` out, which in the text format would be further
families, and sorts the series. Counters, gauges and histograms without exemplars are all that it knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as ClientMetric
from prometheus_client.samples import Sample

from exporter.catalogue.model import Metric, MetricType
from exporter.exposition.pieces import Piece, header
from exporter.exposition.snapshot import OwnFamily
from exporter.exposition.syntax import encoded, label_pairs, number


def own_families(registry: CollectorRegistry) -> Iterator[OwnFamily]:
    """Yield the registry's families that have samples, named as in the text format."""
    for metric in registry.collect():
        samples = [each for each in metric.samples if not each.name.endswith("_created")]
        if samples:
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            yield OwnFamily(name, _piece(name, metric, samples))


def _piece(name: str, metric: ClientMetric, samples: list[Sample]) -> Piece:
    head = header(Metric(name, cast(MetricType, metric.type), metric.documentation))
    # Sorting is stable: buckets, count and sum of one series stay in their order.
    lines = encoded("".join(map(_line, sorted(samples, key=_series))))
    return Piece(head.text + lines, head.openmetrics + lines, head.lines + len(samples))


def _series(sample: Sample) -> tuple[str, ...]:
    return tuple(value for name, value in sample.labels.items() if name != "le")


def _line(sample: Sample) -> str:
    pairs = label_pairs(sample.labels.items())
    return f"{sample.name}{{{pairs}}} {number(sample.value)}\n" if pairs else f"{sample.name} {number(sample.value)}\n"
