"""Figures of windows: how they are named, which series they belong to, and their differences per series."""

from __future__ import annotations

from collections import Counter

from exporter.catalogue import BY_NAME
from exporter.catalogue.runs import LAST_RUN, RUNS
from exporter.counting import workloads
from exporter.counting.draft import Draft
from exporter.counting.series import apply_marks, key_of
from exporter.counting.states import SeriesKey, WindowKey
from exporter.observations import Mark, Reading, Source, WindowTotal

Figures = dict[WindowKey, int]

Nets = Counter[SeriesKey]
"""Differences added up per series, so that in one that several items share a fall and a rise meet (rule 14)."""


def figures_of(reading: Reading[WindowTotal]) -> Figures:
    """Name a reading's figures; of one that is told twice the larger (rule 23)."""
    figures: Figures = {}
    for total in reading.items:
        labels = (total.item, *total.labels) if total.metric.per_workload else total.labels
        key = total.item, SeriesKey(total.metric.name, labels)
        figures[key] = max(total.value, figures.get(key, 0))
    return figures


def wanted(draft: Draft, reading: Reading[WindowTotal]) -> Figures:
    """Name a reading's figures that are to be counted."""
    return {key: value for key, value in figures_of(reading).items() if key[0] not in draft.left_out}


def applied(draft: Draft, source: Source[WindowTotal]) -> Figures:
    """Return the values last applied of a source's figures that have the anchor of its whole reading."""
    return {
        key: window.value
        for key, window in draft.windows()
        if window.source == source.name and window.anchor == source.whole.start and key[0] not in draft.left_out
    }


def series_of(draft: Draft, key: WindowKey) -> SeriesKey:
    """Name the series to which a figure's difference is added."""
    item, figure = key
    metric = BY_NAME[figure.family]
    if metric.per_workload:
        slot = workloads.slot_of(draft, item) if item else ""
        return key_of(draft, metric, slot, figure.labels[1:])
    return key_of(draft, metric, "", figure.labels)


def note(draft: Draft, nets: Nets, key: WindowKey, delta: int) -> None:
    """Add a figure's difference to its series' net."""
    series = series_of(draft, key)
    nets[series] += delta
    if delta > 0 and series.family == RUNS.name:
        # the platform tells no times: the poll that saw the count rise is the latest we know of
        apply_marks(draft, series.labels[0], (Mark(LAST_RUN, series.labels[1:], draft.now),))


def none_falls(draft: Draft, deltas: Figures) -> bool:
    """Whether no series would fall by these differences, those of its items added up."""
    nets = Nets()
    for key, delta in deltas.items():
        nets[series_of(draft, key)] += delta
    return all(net >= 0 for net in nets.values())


def ended_runs(figures: Figures, like: Figures) -> int:
    """Add up the ended runs; where ``like``, the source's figures, has none of them, whatever is told."""
    tells_runs = any(series.family == RUNS.name for _, series in like)
    return sum(value for (_, series), value in figures.items() if series.family == RUNS.name or not tells_runs)
