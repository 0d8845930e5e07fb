"""Families of prometheus_client, rendered into both formats like our own.

Unlike the library's renderers this one leaves ``_created`` out, which in the text format would be further
families, and sorts the series. Counters, gauges and histograms without exemplars are all that it knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

from prometheus_client.metrics_core import Metric as ClientMetric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from exporter.catalogue import TARGET_LABELS
from exporter.catalogue.model import Metric, MetricType
from exporter.exposition.pieces import Piece, header
from exporter.exposition.snapshot import OwnFamily, OwnLines
from exporter.exposition.syntax import encoded, label_pairs, number
from exporter.observations import Labels

BLOCK_LINES: Final = 128
"""Lines of neighbouring targets make a block of about so many, which is compressed anew when one of them changed."""


def own_families(collectors: Iterable[Collector]) -> Iterator[OwnFamily]:
    """Yield families that have samples and are no target's, named as in the text format."""
    for collector in collectors:
        for metric in collector.collect():
            samples = [each for each in metric.samples if not each.name.endswith("_created")]
            if samples:
                yield _family(metric, samples)


def _family(metric: ClientMetric, samples: list[Sample]) -> OwnFamily:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    head = header(Metric(name, cast(MetricType, metric.type), metric.documentation))
    # Sorting is stable: buckets, count and sum of one series stay in their order.
    text = encoded("".join([_line(sample, "") for sample in sorted(samples, key=_series)]))
    return OwnFamily(name, (head, Piece.of(text, text, len(samples))))


class TargetFamilies:
    """Families that have series of targets: each target's lines are kept until it has others."""

    def __init__(self, rows: Iterable[Metric]) -> None:
        self._heads = {row.name: header(Metric(row.name, row.type, row.help)) for row in rows}
        self._names = {row.name: (*TARGET_LABELS, *row.labels) for row in rows}
        self._lines: dict[str, dict[Labels, OwnLines]] = {name: {} for name in self._heads}
        self._families: dict[str, OwnFamily] = {}
        self._changed: set[str] = set()

    def update(self, target: tuple[str, str], children: Mapping[tuple[str, Labels], Collector]) -> None:
        """Render a target (platform, name) anew; ``children`` are all it has, by family and label values."""
        found: dict[str, list[str]] = defaultdict(list)
        for (name, values), child in sorted(children.items(), key=lambda item: item[0]):
            pairs = label_pairs(zip(self._names[name], values, strict=True))
            for metric in child.collect():
                found[name] += [_line(each, pairs) for each in metric.samples if not each.name.endswith("_created")]
        for name, kept in self._lines.items():
            text = encoded("".join(found.get(name, ())))
            if text != (kept[target].piece.text.plain if target in kept else b""):
                self._changed.add(name)
                kept[target] = OwnLines(target[0], Piece.of(text, text, len(found[name])))
                if not text:
                    del kept[target]

    def families(self) -> Iterator[OwnFamily]:
        """Yield those that have series."""
        for name in self._changed:
            self._families[name] = self._family(name)
        self._changed.clear()
        yield from (family for family in self._families.values() if family.targets)

    def _family(self, name: str) -> OwnFamily:
        kept = self._lines[name]
        ordered = sorted(kept)
        blocks, block = [self._heads[name]], list[Piece]()
        for target in ordered:
            block.append(kept[target].piece)
            if sum(piece.lines for piece in block) >= BLOCK_LINES:
                blocks.append(_joined(block))
                block = []
        if block:
            blocks.append(_joined(block))
        return OwnFamily(name, tuple(blocks), self._heads[name], {target[1]: kept[target] for target in ordered})


def _joined(block: list[Piece]) -> Piece:
    text = b"".join([piece.text.plain for piece in block])
    return Piece.of(text, text, sum(piece.lines for piece in block))


def _series(sample: Sample) -> tuple[str, ...]:
    return tuple(value for name, value in sample.labels.items() if name != "le")


def _line(sample: Sample, pairs: str) -> str:
    """Return a sample's line; ``pairs`` are label pairs that stand before its own."""
    if sample.labels:
        pairs = f"{pairs},{label_pairs(sample.labels.items())}" if pairs else label_pairs(sample.labels.items())
    return f"{sample.name}{{{pairs}}} {number(sample.value)}\n" if pairs else f"{sample.name} {number(sample.value)}\n"
