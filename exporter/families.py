"""What is exposed: families of samples, between the ledger that knows them and the exposition that renders them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.catalogue.model import Metric
from exporter.counting.states import Exemplar, Value
from exporter.observations import Labels
from exporter.times import Micros


class TargetLabels(NamedTuple):
    """The labels that every series of a target carries, in this order: platform, target, then the user's own."""

    platform: str
    target: str
    own: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """One family of one target.

    ``samples`` by label values (the row's labels, without platform and target). A counter's and a histogram's are
    a ``Value`` of stored integers: ``(n,)``, or buckets that are not cumulative followed by the sum. A gauge's is
    a number in stored units: divide by ``metric.unit`` to get the exposed one.
    ``created`` (wall time) and ``exemplars`` (by bucket, 0 for a counter) where there are any. ``further`` are
    labels that single series have beside the row's; they take the place of the target's own of the same name.
    ``changed`` names all that came, changed or went since the target's family was told of last; None: maybe everything.
    """

    metric: Metric
    samples: Mapping[Labels, Value | float]
    created: Mapping[Labels, Micros] = field(default_factory=dict)
    exemplars: Mapping[Labels, Mapping[int, Exemplar]] = field(default_factory=dict)
    further: Mapping[Labels, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    changed: Collection[Labels] | None = None
