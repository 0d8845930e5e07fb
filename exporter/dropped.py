"""Labels that the configuration drops: series that are then the same become one, by adding up and never by collision.

This is done where series are shown. The ledger keeps every label, so that no counter falls when a label is dropped or
shown again: a sum of counters that never fall does not either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.counting.crowd import places, without
from exporter.counting.states import Exemplar, Value, plus
from exporter.families import Family
from exporter.observations import Labels
from exporter.times import Micros

JOINED: Final = {"max": max, "min": min}


def drop(family: Family, names: frozenset[str]) -> Family:
    """Return the family without the labels of these names."""
    at = places(family.metric.name, names)
    if not at:
        return family
    samples: dict[Labels, Value | float] = {}
    created: dict[Labels, Micros] = {}
    exemplars: dict[Labels, dict[int, Exemplar]] = {}
    further: dict[Labels, tuple[tuple[str, str], ...]] = {}
    for labels, value in family.samples.items():
        kept = without(labels, at)
        samples[kept] = value if kept not in samples else _join(family, samples[kept], value)
        if labels in family.created:
            # the oldest: what was added up did not begin at 0 when the label was dropped
            created[kept] = min(family.created[labels], created.get(kept, family.created[labels]))
        _latest(exemplars.setdefault(kept, {}), family.exemplars.get(labels, {}))
        if labels in family.further:
            further[kept] = family.further[labels]
    return Family(family.metric, samples, created, exemplars, further)


def _join(family: Family, one: Value | float, other: Value | float) -> Value | float:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return plus(one, other)
    if isinstance(one, tuple) or isinstance(other, tuple):
        raise TypeError(family.metric.name)
    return JOINED[family.metric.joined](one, other)


def _latest(kept: dict[int, Exemplar], found: Mapping[int, Exemplar]) -> None:
    for bucket, exemplar in found.items():
        if bucket not in kept or exemplar.at > kept[bucket].at:
            kept[bucket] = exemplar
