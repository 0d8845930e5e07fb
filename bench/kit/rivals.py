"""The same series in prometheus_client, in both ways that one would use it: a custom collector, ordinary objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as ClientMetric
from prometheus_client.registry import Collector

from exporter import exposed
from exporter.catalogue.model import Metric
from exporter.counting.states import Value
from exporter.target import Target
from exporter.times import SystemClock

Row = tuple[list[str], float | Value]


class Table(NamedTuple):
    """One family over all targets: label names, and label values with a value each, in stored integers."""

    metric: Metric
    names: list[str]
    rows: list[Row]


def tables(targets: Iterable[Target]) -> list[Table]:
    """What the exporter would show of its targets."""
    found: dict[str, Table] = {}
    now = SystemClock().now().world
    for target in targets:
        own = target.labels
        for family in exposed.families(target.ledger, target.rules, now, expect=target.expect):
            metric = family.metric
            names = ["platform", "target", *(name for name, _ in own.own), *metric.labels]
            rows = found.setdefault(metric.name, Table(metric, names, [])).rows
            common = [own.platform, own.target, *(value for _, value in own.own)]
            rows += [([*common, *labels], value) for labels, value in family.samples.items()]
    return [table for table in found.values() if table.rows]


class CustomCollector(Collector):
    """Makes the library's families at each scrape, from rows that are ready: what such a collector does at best."""

    def __init__(self, found: Sequence[Table]) -> None:
        self._tables = found

    def collect(self) -> Iterator[ClientMetric]:
        """Yield them."""
        for metric, names, rows in self._tables:
            if metric.type == "counter":
                counter = CounterMetricFamily(metric.name, metric.help, labels=names)
                for labels, value in rows:
                    counter.add_metric(labels, cast(Value, value)[0])
                yield counter
            elif metric.type == "gauge":
                gauge = GaugeMetricFamily(metric.name, metric.help, labels=names)
                for labels, value in rows:
                    gauge.add_metric(labels, cast(float, value) / metric.unit)
                yield gauge
            else:
                bounds = [*map(str, map(float, metric.bounds)), "+Inf"]
                histogram = HistogramMetricFamily(metric.name, metric.help, labels=names)
                for labels, value in rows:
                    *counts, total = cast(Value, value)
                    buckets = list(zip(bounds, map(float, accumulate(counts)), strict=True))
                    histogram.add_metric(labels, buckets, total / metric.unit)
                yield histogram


def custom_collector(found: Sequence[Table]) -> CollectorRegistry:
    """A registry with the collector."""
    registry = CollectorRegistry()
    registry.register(CustomCollector(found))
    return registry


def ordinary_objects(found: Sequence[Table]) -> CollectorRegistry:
    """A registry with a metric object for each family, filled by its own methods."""
    registry = CollectorRegistry()
    for metric, names, rows in found:
        if metric.type == "counter":
            counter = Counter(metric.name, metric.help, names, registry=registry)
            for labels, value in rows:
                counter.labels(*labels).inc(cast(Value, value)[0])
        elif metric.type == "gauge":
            gauge = Gauge(metric.name, metric.help, names, registry=registry)
            for labels, value in rows:
                gauge.labels(*labels).set(cast(float, value) / metric.unit)
        else:
            histogram = Histogram(metric.name, metric.help, names, buckets=metric.bounds, registry=registry)
            for labels, _ in rows:
                child = histogram.labels(*labels)
                for bound in metric.bounds:
                    child.observe(bound)
    return registry
