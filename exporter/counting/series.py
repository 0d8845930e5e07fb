"""Durable series: birth at 0, holds, increments, falls and debts, folding (rules 14 to 20)."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache
from typing import Final

from exporter.catalogue import BY_NAME
from exporter.catalogue.ledger import CORRECTIONS
from exporter.catalogue.model import Metric
from exporter.counting.crowd import OTHER
from exporter.counting.draft import Draft
from exporter.counting.states import Exemplar, Series, SeriesKey, Value, empty, plus, zero
from exporter.observations import Labels, Mark
from exporter.times import Micros

EXEMPLAR_CHARS: Final = 128


def width(metric: Metric) -> int:
    """Return how many integers a series of this family keeps: buckets, the one above, the sum."""
    return len(metric.bounds) + 2 if metric.type == "histogram" else 1


@cache
def bounds(metric: Metric) -> tuple[int, ...]:
    """Return the upper bounds of a histogram's buckets in stored integers; nothing for a counter."""
    return tuple(bound * metric.unit for bound in metric.bounds)


def bucket(metric: Metric, amount: int) -> int:
    """Return the index of the bucket that holds ``amount`` (in stored integers)."""
    return bisect_left(bounds(metric), amount)


def key_of(draft: Draft, metric: Metric, slot: str, labels: Labels) -> SeriesKey:
    """Name a series of a workload's slot, folding past the caps (rule 20).

    ``labels`` are those after ``workload`` when the row has one; ``slot`` is ignored when it has none. What has a
    series keeps it. A new one for which ``max_series`` leaves no place is added up with its workload's ``_other`` value
    of an open label, else in the workload ``_other``.
    """
    asked = (metric, slot, labels)
    key = draft.keys.get(asked)
    if key is None:
        key = draft.keys[asked] = _placed(draft, metric, slot, labels)
    return key


def _placed(draft: Draft, metric: Metric, slot: str, labels: Labels) -> SeriesKey:
    if metric.open_labels:
        labels = _folded(draft, metric, labels)
    key = _key(metric, slot, labels)
    if _has_place(draft, metric, key):
        return key
    draft.changes.crowded = True
    if metric.open_labels:
        names = _names(metric)
        draft.fresh_values[metric.name].discard(tuple(labels[names.index(name)] for name in metric.open_labels))
        labels = _with_other(metric, labels)
        key = _key(metric, slot, labels)
        if _has_place(draft, metric, key):
            return key
    return _key(metric, slot and OTHER, labels)


def _key(metric: Metric, slot: str, labels: Labels) -> SeriesKey:
    return SeriesKey(metric.name, (slot, *labels) if metric.per_workload else labels)


def _has_place(draft: Draft, metric: Metric, key: SeriesKey) -> bool:
    return metric.type == "gauge" or draft.series(key) is not None or draft.room.take(key)


def _names(metric: Metric) -> tuple[str, ...]:
    """Name the labels after ``workload``."""
    return metric.labels[1:] if metric.per_workload else metric.labels


def _with_other(metric: Metric, labels: Labels) -> Labels:
    names = _names(metric)
    return tuple(OTHER if names[index] in metric.open_labels else value for index, value in enumerate(labels))


def _folded(draft: Draft, metric: Metric, labels: Labels) -> Labels:
    names = _names(metric)
    values = tuple(labels[names.index(name)] for name in metric.open_labels)
    known = draft.ledger.open_values(metric.name)
    fresh = draft.fresh_values.setdefault(metric.name, set())
    if values in known or values in fresh:
        return labels
    if len(known) + len(fresh) < draft.limits.max_label_values:
        fresh.add(values)
        return labels
    return _with_other(metric, labels)


def born(draft: Draft, key: SeriesKey) -> Series:
    """Return the series, born at 0 if it is new. It is not yet in the changes unless it is new."""
    series = draft.series(key)
    if series is None:
        nothing = zero(width(BY_NAME[key.family]))
        series = Series(nothing, nothing, created=draft.moment.wall)
        draft.changes.series[key] = series
    return series


def add(draft: Draft, key: SeriesKey, amount: int, run_id: str | None = None) -> None:
    """Add a counter's increment, or observe a histogram's value; ``run_id`` becomes the exemplar."""
    metric = BY_NAME[key.family]
    counts = zero(width(metric) - 1)
    at = 0
    if counts:
        at = bucket(metric, amount)
        counts = (*counts[:at], 1, *counts[at + 1 :])
    if increase(draft, key, counts, amount) and run_id is not None:
        exemplify(draft, key, at, amount, run_id)


def increase(draft: Draft, key: SeriesKey, counts: Value, amount: int) -> bool:
    """Raise a series by ``amount``, a histogram's buckets by ``counts``; return whether anything is left to show.

    A counter's debt takes its part first (rule 14).
    """
    series = born(draft, key)
    if not counts:
        absorbed = min(series.debt, amount)
        if absorbed:
            debt = series.debt - absorbed
            series = series._replace(debt=debt, debt_since=series.debt_since if debt else None)
            draft.changes.series[key] = series
        amount -= absorbed
    increment = (*counts, amount)
    if empty(increment):
        return False
    if draft.ledger.held(key):
        series = series._replace(pending=plus(series.pending, increment))
    else:
        series = series._replace(shown=plus(series.shown, increment))
    draft.changes.series[key] = series
    return True


def exemplify(draft: Draft, key: SeriesKey, at: int, amount: int, run_id: str) -> None:
    """Keep a run beside the bucket ``at`` (0 for a counter) that it raised by ``amount``."""
    if len(run_id) + len("run_id") <= EXEMPLAR_CHARS:
        draft.changes.exemplars.setdefault(key, {})[at] = Exemplar(run_id, amount, draft.moment.wall)


def fall(draft: Draft, key: SeriesKey, amount: int) -> int:
    """Take ``amount`` back: first from what is held back, the rest becomes debt and is returned (rule 14)."""
    series = born(draft, key)
    held = min(series.pending[0], amount)
    rest = amount - held
    draft.changes.series[key] = series._replace(
        pending=(series.pending[0] - held,),
        debt=series.debt + rest,
        debt_since=(series.debt_since if series.debt else draft.now) if series.debt + rest else None,
    )
    return rest


def shift(draft: Draft, key: SeriesKey, delta: int) -> None:
    """Apply a difference of either sign."""
    if delta > 0:
        add(draft, key, delta)
    elif delta < 0:
        fall(draft, key, -delta)


def write_off(draft: Draft, key: SeriesKey, amount: int) -> None:
    """Give up ``amount`` of the series' debt; ``corrections_total`` says so."""
    series = born(draft, key)
    debt = series.debt - amount
    draft.changes.series[key] = series._replace(
        debt=debt,
        debt_since=series.debt_since if debt else None,
        written_off=series.written_off + amount,
    )
    add(draft, SeriesKey(CORRECTIONS.name, (key.family,)), amount)


def write_off_old(draft: Draft) -> None:
    """Write off every debt whose oldest fall is ``settle`` old, as the target was last read.

    While nothing is read nobody knows whether what fell has come back.
    """
    read = None if draft.target is None else draft.target.data_at
    if read is None or not draft.steady:
        return
    for key, series in draft.all_series():
        since = series.debt_since
        if series.debt and since is not None and read - since >= draft.limits.settle:
            write_off(draft, key, series.debt)


def release(draft: Draft, keys: list[SeriesKey]) -> None:
    """End the hold of these series: what was held back is shown (rule 16)."""
    for key in keys:
        series = draft.series(key)
        if series is not None and not empty(series.pending):
            shown = plus(series.shown, series.pending)
            draft.changes.series[key] = series._replace(shown=shown, pending=zero(len(shown)))


def apply_marks(draft: Draft, slot: str, marks: tuple[Mark, ...]) -> None:
    """Keep the latest time of each event."""
    for metric, labels, at in marks:
        mark(draft, key_of(draft, metric, slot, labels), at)


def mark(draft: Draft, key: SeriesKey, at: Micros) -> None:
    """Keep the time of an event if none of this series is later."""
    known = draft.mark(key)
    if known is None or at > known:
        draft.changes.marks[key] = at
