"""How many series a target shows, and whether one more fits under ``max_series`` (rule 20).

Counted are samples as text shows them: a histogram has one for each bucket, its sum and its count. Series that differ
only in a label that is dropped are one. What must never fail to find a place is paid for beforehand: ``_other``, and
what belongs to no workload. So are the gauges of a workload, whether it has them now or not, since those come and go
without anybody being asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache
from math import prod
from typing import Final

from exporter.catalogue import ALL, BY_NAME
from exporter.catalogue.model import Metric
from exporter.catalogue.runs import OBJECTIVES, OUTCOMES, SCHEDULE_MISSED, STATES
from exporter.observations import Labels

OTHER: Final = "_other"
"""Where series past a cap are added up."""

Key = tuple[str, Labels]
"""A family's name and the label values of one series."""

CLOSED: Final = {"outcome": len(OUTCOMES), "state": len(STATES), "status": len(OUTCOMES), "kind": 4, "q": 5}
"""How many values a label has whose values are ours. Any other closed label has one."""

WITHOUT_WORKLOAD: Final = 64
"""Series for what the ledger says of its own counting, and for figures that the platform tells of no workload."""

SCHEDULE_GAUGES: Final = sum(
    "trigger_name" in metric.labels for metric in ALL if metric.type == "gauge" and not metric.durable
)
"""Gauges that come with each trigger that is followed, the durable one excepted, which others have too."""


def weight(metric: Metric) -> int:
    """Return as how many a series of this family counts; a trigger brings its gauges."""
    if metric.type == "histogram":
        return len(metric.bounds) + 3
    return 1 + SCHEDULE_GAUGES if metric is SCHEDULE_MISSED else 1


@cache
def gauges(platform: str) -> int:
    """Return how many gauges a workload may have, those of its triggers excepted."""
    rows = [metric for metric in ALL if metric.type == "gauge" and metric.per_workload]
    fed = [metric for metric in rows if platform in metric.sources or metric in OBJECTIVES]
    return sum(_values(metric, 1) for metric in fed if "trigger_name" not in metric.labels)


@cache
def reserved(platform: str, label_values: int) -> int:
    """Return how many series are kept free for ``_other`` and for what belongs to no workload."""
    fed = [metric for metric in ALL if platform in metric.sources and metric.type != "gaugehistogram"]
    levels = sum(_values(metric, label_values) for metric in fed if metric.type == "gauge" and not metric.per_workload)
    other = sum(_values(metric, 1) * weight(metric) for metric in fed if metric.type != "gauge")
    return WITHOUT_WORKLOAD + levels + other + gauges(platform)


def _values(metric: Metric, open_values: int) -> int:
    return prod(CLOSED.get(name, 1) for name in metric.labels) * (open_values if metric.open_labels else 1)


@cache
def places(family: str, names: Collection[str]) -> tuple[int, ...]:
    """Return where the family has labels of these names."""
    return tuple(index for index, name in enumerate(BY_NAME[family].labels) if name in names)


def without(labels: Labels, at: tuple[int, ...]) -> Labels:
    """Return the labels with nothing at these places, which to Prometheus is as if they were not there."""
    return tuple("" if index in at else value for index, value in enumerate(labels)) if at else labels


class Crowd:
    """The counters and histograms that a ledger holds, as they are shown without the labels ``dropped``."""

    def __init__(self, dropped: frozenset[str], keys: Iterable[Key]) -> None:
        self.dropped = dropped
        self.weight = 0
        self._members: Counter[Key] = Counter()
        for key in keys:
            self.put(key, 1)

    def shape(self, key: Key) -> Key:
        """Return the series under which this one is shown."""
        family, labels = key
        return family, without(labels, places(family, self.dropped))

    def count(self, shape: Key) -> int:
        """Return how many series are shown as this one."""
        return self._members[shape]

    def put(self, key: Key, by: int) -> None:
        """Note that a series came (1) or went (-1)."""
        shape = self.shape(key)
        was = self._members[shape]
        if was + by:
            self._members[shape] = was + by
        else:
            del self._members[shape]
        if not paid(key):
            self.weight += weight(BY_NAME[key[0]]) * (bool(was + by) - bool(was))


def paid(key: Key) -> bool:
    """Whether a place is kept free for this series."""
    family, labels = key
    metric = BY_NAME[family]
    if metric.per_workload and labels[0] not in ("", OTHER):
        return False
    return all(labels[index] == OTHER for index in places(family, metric.open_labels))


class Room:
    """What is left under the cap while one batch is counted. A place that was given is given for the whole batch."""

    def __init__(self, crowd: Crowd, left: int, per_workload: int) -> None:
        self.full = False
        """Whether something found no place."""
        self._crowd = crowd
        self._left = left
        self._per_workload = per_workload
        self._given: set[Key] = set()
        self._gone: Counter[Key] = Counter()

    def take(self, *keys: Key, workload: bool = False) -> bool:
        """Give places to all of these series, and to the gauges of a new ``workload``; or to none of them."""
        new: dict[Key, int] = {}
        for key in keys:
            shape = self._crowd.shape(key)
            if not paid(key) and shape not in self._given and self._crowd.count(shape) <= self._gone[shape]:
                new[shape] = weight(BY_NAME[key[0]])
        needed = sum(new.values()) + (self._per_workload if workload else 0)
        if needed > self._left:
            self.full = True
            return False
        self._left -= needed
        self._given.update(new)
        return True

    def leave(self, key: Key) -> None:
        """Take a series' place back."""
        shape = self._crowd.shape(key)
        self._gone[shape] += 1
        if self._gone[shape] == self._crowd.count(shape) and not paid(key):
            self._left += weight(BY_NAME[key[0]])
