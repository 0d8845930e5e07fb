"""What the runs of a batch add, summed up before any series is touched: a page of many runs has few effects."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from exporter.catalogue.model import Metric
from exporter.counting.draft import Draft, Sum, Tally
from exporter.counting.series import bounds, exemplify, increase, key_of, mark, width
from exporter.observations import Labels, Run


def apply_run(draft: Draft, slot: str, run: Run) -> None:
    """Note what a run adds, under its workload's slot; ``settle`` applies it together with that of the other runs."""
    asked = (slot, run.effect)
    tally = draft.tallies.get(asked)
    if tally is None:
        counts = [(_sum(draft, metric, slot, labels), amount) for metric, labels, amount in run.effect.counts]
        values = [_sum(draft, metric, slot, labels) for metric, labels in run.effect.values]
        tally = draft.tallies[asked] = Tally(counts, values)
    draft.counted += 1
    tally.runs.append((draft.counted, run))


def _sum(draft: Draft, metric: Metric, slot: str, labels: Labels) -> Sum:
    """Return what is summed up for a series, begun at its first sight in this batch."""
    keeps_examples = metric.type == "histogram" or "reason" in metric.labels
    nothing = Sum(bounds(metric), [0] * (width(metric) - 1), keeps_examples)
    return draft.sums.setdefault(key_of(draft, metric, slot, labels), nothing)


def settle(draft: Draft) -> None:
    """Apply what was noted: a column of values at a time, since a page has few effects and many runs."""
    for tally in draft.tallies.values():
        _sum_up(tally)
    for key, found in draft.sums.items():
        if increase(draft, key, tuple(found.counts), found.amount):
            for at, (_, run_id, amount) in found.examples.items():
                exemplify(draft, key, at, amount, run_id)
    for events in draft.events.values():
        for known, times in zip(events.keys, zip(*events.told, strict=True), strict=True):
            if known is not None:
                mark(draft, known, max(times))
    for noted in (draft.tallies, draft.sums, draft.events, draft.unspoken):
        noted.clear()


def _sum_up(tally: Tally) -> None:
    places = [place for place, _ in tally.runs]
    ids = [run.id for _, run in tally.runs]
    for found, amount in tally.counts:
        found.amount += amount * len(ids)
        if found.keeps_examples:
            _take_examples(found, {0: (places[-1], ids[-1], amount)})
    for found, column in zip(tally.values, zip(*[run.values for _, run in tally.runs], strict=True), strict=True):
        found.amount += sum(column)
        bounds, counts = found.bounds, found.counts
        buckets = [bisect_left(bounds, value) for value in column]
        for at in buckets:
            counts[at] += 1
        _take_examples(found, dict(zip(buckets, zip(places, ids, column, strict=True), strict=True)))


def _take_examples(found: Sum, examples: Mapping[int, tuple[int, str, int]]) -> None:
    """Keep the later one of each bucket, whichever tally it is of."""
    for at, example in examples.items():
        found.examples[at] = max(example, found.examples.get(at, example))
