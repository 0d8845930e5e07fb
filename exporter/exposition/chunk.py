"""The lines of one family of one target, cut into blocks of which only changed ones are rendered anew.

In steady state a family comes with the same label values in the same order, so that finding what changed costs
one comparison of lists, and a changed block one ``%``.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Final, cast

from exporter.catalogue.model import Metric
from exporter.exposition.pieces import EMPTY, Piece
from exporter.exposition.series import (
    ANY,
    Exemplars,
    Sample,
    bucket_template,
    created_line,
    line_count,
    numbers,
    target_pairs,
    template,
)
from exporter.exposition.syntax import bound, encoded, exemplar_suffix, label_pairs, number
from exporter.exposition.templates import Template
from exporter.families import Family, TargetLabels
from exporter.observations import Labels

BLOCK_LINES: Final = 128
"""About as many lines make a block: fewer cost more joining, more cost more rendering in vain."""


class Block:
    """Neighbouring series of one family: their templates, and the numbers last rendered into them."""

    __slots__ = ("_exemplars", "_metric", "_openmetrics", "_samples", "_starts", "_text", "lines", "piece")

    def __init__(
        self, metric: Metric, text: Template, openmetrics: Template, starts: Sequence[int], lines: int
    ) -> None:
        """Take both templates; ``starts`` is where the lines of each series begin in OpenMetrics."""
        self._metric = metric
        self._text = text
        self._openmetrics = openmetrics
        self._starts = starts
        self._samples: Sequence[Sample] = ()
        self._exemplars: Sequence[Exemplars | None] = ()
        self.lines = lines
        self.piece = EMPTY

    def put(self, series: Mapping[int, tuple[Sample, Exemplars | None]]) -> None:
        """Bring the lines up to date, of which only these series may have changed."""
        samples, exemplars = list(self._samples), list(self._exemplars)
        for index, (sample, marks) in series.items():
            samples[index], exemplars[index] = sample, marks
        self.render(samples, exemplars)

    def render(self, samples: Sequence[Sample], exemplars: Sequence[Exemplars | None]) -> bool:
        """Bring the lines up to date; tell whether anything changed."""
        if samples == self._samples and exemplars == self._exemplars:
            return False
        metric, marked = self._metric, any(exemplars)
        # Counters and buckets are written by the hundred in no time; a fraction or an exemplar costs as much as ten.
        changed = self._changed(samples, exemplars) if marked or metric.type == "gauge" else None
        if changed is not None and metric.type == "gauge":
            openmetrics = text = self._with_numbers(changed, samples)
        else:
            plain = tuple(numbers(metric, samples))
            openmetrics = text = self._text % plain
            if self._openmetrics is not self._text:
                openmetrics = self._openmetrics % plain
            if marked:
                openmetrics = self._with_exemplars(openmetrics, changed, exemplars)
        self.piece = Piece.of(text, openmetrics, self.lines)
        if not self._samples and self.piece.openmetrics.alone:
            self.piece.openmetrics.deflate()  # at a start all are new, and what was plain would not be given back
        self._samples, self._exemplars = samples, exemplars
        return True

    def _changed(self, samples: Sequence[Sample], exemplars: Sequence[Exemplars | None]) -> list[int] | None:
        """Return which series changed; None when so many did that all are better written anew."""
        if not self._samples:
            return None
        pairs = zip(samples, self._samples, exemplars, self._exemplars, strict=True)
        changed = [
            index
            for index, (sample, known, marks, known_marks) in enumerate(pairs)
            if sample != known or (marks is not known_marks and marks != known_marks)
        ]
        return changed if len(changed) * 2 <= len(samples) else None

    def _with_numbers(self, changed: list[int], samples: Sequence[Sample]) -> bytes:
        """Return the lines of gauges, with the numbers of some written anew."""
        lines = self.piece.text.plain.split(b"\n")
        for index, written in zip(changed, numbers(self._metric, [samples[each] for each in changed]), strict=True):
            name, _, _ = lines[index].rpartition(b" ")
            lines[index] = b"%b %b" % (name, cast(bytes, written))
        return b"\n".join(lines)

    def _with_exemplars(self, plain: bytes, changed: list[int] | None, exemplars: Sequence[Exemplars | None]) -> bytes:
        """Return OpenMetrics with exemplars; those of series that did not change are taken from what is there."""
        lines = fresh = plain.split(b"\n")
        if changed is not None:
            lines = self.piece.openmetrics.plain.split(b"\n")
        width = line_count(self._metric)
        for index in range(len(exemplars)) if changed is None else changed:
            start = self._starts[index]
            lines[start : start + width] = fresh[start : start + width]
            for line, exemplar in (exemplars[index] or {}).items():
                lines[start + line] += encoded(exemplar_suffix(exemplar, self._metric.unit))
        return b"\n".join(lines)


class Chunk:
    """One family of one target. ``pieces`` are in the order of label values."""

    def __init__(self, metric: Metric, target: TargetLabels, *, created: bool) -> None:
        self.target = target
        self.pieces: tuple[Piece, ...] = ()
        self._metric = metric
        self._with_created = created
        self._labels: list[Labels] = []
        self._created: dict[Labels, int] = {}
        self._further: dict[Labels, tuple[tuple[str, str], ...]] = {}
        self._order = array("I")
        self._blocks: list[Block] = []

    def update(self, family: Family) -> None:
        """Bring ``pieces`` up to date."""
        if self._metric.type == "gaugehistogram":
            self.pieces = (_gauge_histogram(family, self.target),)
            return
        if family.changed is not None and self._update_some(family, family.changed):
            return
        labels = list(family.samples)
        created = dict(family.created) if self._with_created else {}
        further = dict(family.further)
        if labels != self._labels or created != self._created or further != self._further:
            self._created, self._further = created, further
            self._plan(labels)
        given = list(family.samples.values())
        samples = [given[index] for index in self._order]
        exemplars: list[Exemplars | None] = [None] * len(samples)
        if family.exemplars:
            exemplars = [family.exemplars.get(labels[index]) for index in self._order]
        step = _series_per_block(self._metric)
        changed = [
            block.render(samples[start : start + step], exemplars[start : start + step])
            for block, start in zip(self._blocks, range(0, len(samples), step), strict=True)
        ]
        if any(changed):
            self.pieces = tuple([block.piece for block in self._blocks])

    def _update_some(self, family: Family, changed: Collection[Labels]) -> bool:
        """Bring those blocks up to date that have a series that changed; False when all must be looked at.

        That is when others came or went, or many changed: to find one costs as much as to look at ten. For few it is
        what matters: to look at all would cost more than to render what changed.
        """
        if self._with_created or family.further or self._further or len(family.samples) != len(self._order):
            return False
        if len(changed) * 10 > len(self._order):
            return False
        step = _series_per_block(self._metric)
        told: dict[int, dict[int, Labels]] = defaultdict(dict)
        for labels in changed:
            place = bisect_left(self._order, labels, key=self._labels.__getitem__)
            known = place < len(self._order) and self._labels[self._order[place]] == labels
            if not known or labels not in family.samples:
                return False
            number, index = divmod(place, step)
            told[number][index] = labels
        pieces = list(self.pieces)
        for number, series in told.items():
            block = self._blocks[number]
            block.put(
                {index: (family.samples[labels], family.exemplars.get(labels)) for index, labels in series.items()}
            )
            pieces[number] = block.piece
        self.pieces = tuple(pieces)
        return True

    def _plan(self, labels: list[Labels]) -> None:
        """Cut the series, in the order of their label values, into new blocks."""
        self._labels = labels
        self._order = array("I", sorted(range(len(labels)), key=labels.__getitem__))
        step = _series_per_block(self._metric)
        ordered = [labels[index] for index in self._order]
        self._blocks = [self._block(ordered[start : start + step]) for start in range(0, len(ordered), step)]

    def _block(self, labels: list[Labels]) -> Block:
        metric, target = self._metric, target_pairs(self.target)
        series = [
            template(metric, target_pairs(self.target, self._further[each]) if each in self._further else target, each)
            for each in labels
        ]
        width = line_count(metric)
        starts: Sequence[int] = range(0, len(labels) * width, width)
        openmetrics = text = Template(encoded("".join(series)))
        if any(each in self._created for each in labels):
            series = [
                lines + created_line(metric, target, each, self._created[each]) if each in self._created else lines
                for each, lines in zip(labels, series, strict=True)
            ]
            openmetrics = Template(encoded("".join(series)))
            starts = [*accumulate((each.count("\n") for each in series[:-1]), initial=0)]
        return Block(metric, text, openmetrics, starts, len(labels) * width)


def _series_per_block(metric: Metric) -> int:
    return max(1, BLOCK_LINES // line_count(metric))


def _gauge_histogram(family: Family, target: TargetLabels) -> Piece:
    """Render levels that are buckets: the last label value is the upper bound, counts are not cumulative.

    There is no ``_gsum``, since the platform tells none, and therefore no ``_gcount``.
    """
    metric = family.metric
    lines: list[str] = []
    counted: list[bytes] = []
    ordered = sorted(family.samples.items(), key=lambda item: (item[0][:-1], float(item[0][-1])))
    for labels, buckets in groupby(ordered, key=lambda item: item[0][:-1]):
        uppers, counts = zip(*((float(each[-1]), cast(float, count)) for each, count in buckets), strict=True)
        if uppers[-1] != float("inf"):
            uppers, counts = (*uppers, float("inf")), (*counts, 0)
        pairs = f"{target_pairs(target)},{label_pairs(zip(metric.labels, labels, strict=True))}".replace("%", "%%")
        lines.append(bucket_template(metric.name, pairs, list(map(bound, uppers)), ANY))
        counted.extend(number(count, metric.unit).encode("ascii") for count in accumulate(counts))
    return Piece.of(b"", encoded("".join(lines)) % tuple(counted), len(counted))
