"""The families as a prometheus_client collector: for programs that embed the exporter, and to check our renderer.

    registry.register(Collector(lambda: [(labels, families), ...]))

It renders at each scrape and in floats, so that integers above 2^53 lose digits; ``exporter.exposition`` does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate, chain, groupby
from typing import cast

from prometheus_client.metrics_core import Metric as ClientMetric
from prometheus_client.registry import Collector as ClientCollector
from prometheus_client.samples import Exemplar as ClientExemplar

from exporter import catalogue
from exporter.catalogue import own
from exporter.counting.states import Exemplar, Value
from exporter.exposition.pieces import help_text
from exporter.exposition.series import openmetrics_name
from exporter.exposition.syntax import EXEMPLAR_LABEL, bound, fits
from exporter.families import Family, TargetLabels
from exporter.observations import Labels
from exporter.times import SECOND

Source = Callable[[], Iterable[tuple[TargetLabels, Iterable[Family]]]]


class Collector(ClientCollector):
    """Collects what ``source`` returns, each family once, over all targets, in the order of the catalogue."""

    def __init__(self, source: Source, *, created: bool = False) -> None:
        self._source = source
        self._created = created

    def describe(self) -> Iterator[ClientMetric]:
        """Yield the families that targets may have, so that a registry refuses a second collector of them."""
        for metric in catalogue.ALL:
            if metric not in own.ROWS:
                yield ClientMetric(openmetrics_name(metric), help_text(metric), metric.type)

    def collect(self) -> Iterator[ClientMetric]:
        """Yield the families that have samples now."""
        gathered: dict[str, list[tuple[TargetLabels, Family]]] = {metric.name: [] for metric in catalogue.ALL}
        for target, families in self._source():
            for family in families:
                if family.samples:
                    gathered[family.metric.name].append((target, family))
        for name, found in gathered.items():
            if found:
                yield self._family(catalogue.BY_NAME[name], found)

    def _family(self, metric: catalogue.Metric, found: list[tuple[TargetLabels, Family]]) -> ClientMetric:
        name = openmetrics_name(metric)
        exposed = ClientMetric(name, help_text(metric), metric.type)
        for target, family in found:
            common = {"platform": target.platform, "target": target.target, **dict(target.own)}
            if metric.type == "gaugehistogram":
                _add_gauge_histogram(exposed, common, family)
                continue
            for values in sorted(family.samples):
                labels = common | dict(family.further.get(values, ())) | dict(zip(metric.labels, values, strict=True))
                _add_series(exposed, labels, family, values)
                if self._created and values in family.created:
                    exposed.add_sample(f"{name}_created", labels, family.created[values] / SECOND)
        return exposed


def _add_series(exposed: ClientMetric, labels: dict[str, str], family: Family, values: Labels) -> None:
    metric, sample = family.metric, family.samples[values]
    exemplars = family.exemplars.get(values, {})
    if metric.type == "gauge":
        exposed.add_sample(metric.name, labels, cast(float, sample) / metric.unit)
        return
    if metric.type == "counter":
        amount = cast(Value, sample)[0] / metric.unit
        exposed.add_sample(metric.name, labels, amount, exemplar=_exemplar(exemplars, 0, metric.unit))
        return
    *buckets, total = cast(Value, sample)
    cumulative = list(accumulate(buckets))
    for index, upper in enumerate(chain(map(bound, metric.bounds), ["+Inf"])):
        exemplar = _exemplar(exemplars, index, metric.unit)
        exposed.add_sample(f"{metric.name}_bucket", labels | {"le": upper}, cumulative[index], exemplar=exemplar)
    exposed.add_sample(f"{metric.name}_sum", labels, total / metric.unit)
    exposed.add_sample(f"{metric.name}_count", labels, cumulative[-1])


def _add_gauge_histogram(exposed: ClientMetric, common: dict[str, str], family: Family) -> None:
    """Add levels that are buckets: the last label value is the upper bound, counts are not cumulative."""
    ordered = sorted(family.samples.items(), key=lambda item: (item[0][:-1], float(item[0][-1])))
    for values, buckets in groupby(ordered, key=lambda item: item[0][:-1]):
        labels = common | dict(zip(family.metric.labels, values, strict=True))
        seen = 0.0
        uppers = set()
        for each, count in buckets:
            seen += cast(float, count)
            uppers.add(bound(float(each[-1])))
            exposed.add_sample(f"{exposed.name}_bucket", labels | {"le": bound(float(each[-1]))}, seen)
        if "+Inf" not in uppers:
            exposed.add_sample(f"{exposed.name}_bucket", labels | {"le": "+Inf"}, seen)


def _exemplar(exemplars: Mapping[int, Exemplar], index: int, unit: int) -> ClientExemplar | None:
    found = exemplars.get(index)
    if found is None or not fits(found):
        return None
    return ClientExemplar({EXEMPLAR_LABEL: found.run_id}, found.value / unit, found.at / SECOND)
