"""The exporter about itself: ordinary prometheus_client objects for what need not survive a restart.

Names, labels and types come from ``exporter.catalogue.own``. Values are in seconds and plain numbers. All methods
may be called from any thread. A timer calls ``render`` and gives the result to the snapshot; scrapes never do.
"""

from __future__ import annotations

import platform as system
from collections.abc import Collection, Mapping
from threading import Lock
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from exporter import __version__
from exporter.catalogue import TARGET_LABELS, own
from exporter.catalogue.model import Metric
from exporter.errors import REASONS, Reason
from exporter.exposition.foreign import TargetFamilies, own_families
from exporter.exposition.snapshot import OwnFamily
from exporter.observations import Labels

Instrument = Counter | Gauge | Histogram
Kind = TypeVar("Kind", Counter, Gauge, Histogram)
Target = tuple[str, str]

_PLACE: Final = {metric.name: place for place, metric in enumerate(own.ROWS)}


class SelfMetrics:
    """All ``automation_exporter_*`` families that are not durable, and those of the process and of Python."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._counters = {row.name: self._counter(row) for row in own.ROWS if row.type == "counter"}
        self._gauges = {row.name: self._gauge(row) for row in own.ROWS if row.type == "gauge"}
        self._histograms = {row.name: self._histogram(row) for row in own.ROWS if row.type == "histogram"}
        self._instruments: dict[str, Instrument] = {**self._counters, **self._gauges, **self._histograms}
        self._children: dict[Target, dict[tuple[str, Labels], Instrument]] = {}
        """What each target has, by family and label values, since the library cannot look them up."""
        self._changed: set[Target] = set()
        """Targets with a value that changed since the last ``render``: of a thousand it is few that did."""
        self._of_targets = TargetFamilies([row for row in own.ROWS if row.per_target])
        self._rendering = Lock()
        self._lock = Lock()
        self._silent = {row.name for row in own.ROWS if not _label_names(row)}
        """Families without labels that have no value yet; the library would show 0."""
        self._further = (
            *(self._instruments[row.name] for row in own.ROWS if not row.per_target),
            ProcessCollector(registry=self.registry),
            PlatformCollector(registry=self.registry),
            GCCollector(registry=self.registry),
        )
        self._gauges[own.BUILD_INFO.name].labels(__version__, system.python_version()).set(1)
        self.shard(1, 1)

    def add_target(self, platform: str, target: str) -> None:
        """Show the target's counters at 0, with all known label values. ``target_up`` waits for a poll."""
        self._child(self._counters, own.POLLS, platform, target)
        for reason in REASONS:
            self._child(self._counters, own.POLL_ERRORS, platform, target, reason)
        for row in (own.POLL_DURATION, own.UPSTREAM_REQUEST_DURATION):
            self._child(self._histograms, row, platform, target)
        self._touch(platform, target)

    def forget_target(self, platform: str, target: str) -> None:
        """Remove everything about a target that is no longer polled."""
        with self._lock:
            children = self._children.pop((platform, target), {})
        for name, labels in children:
            self._instruments[name].remove(*labels)
        self._touch(platform, target)

    def poll_finished(self, platform: str, target: str, seconds: float, reason: Reason | None) -> None:
        """Note that a poll ended; with the reason why it was not good, if it was not, which counts as its error."""
        self._increment(own.POLLS, platform, target)
        self._observe(own.POLL_DURATION, platform, target, seconds)
        if reason is not None:
            self.poll_error(platform, target, reason)
        self.set_target(own.TARGET_UP, platform, target, reason is None)

    def poll_error(self, platform: str, target: str, reason: Reason) -> None:
        """Note an error that leaves the poll good, such as one of a single workload."""
        self._increment(own.POLL_ERRORS, platform, target, reason)

    def request(self, platform: str, target: str, code: str, seconds: float) -> None:
        """Note one request; ``code`` is the HTTP status, or the error's reason when no answer came."""
        self._increment(own.UPSTREAM_REQUESTS, platform, target, code)
        self._observe(own.UPSTREAM_REQUEST_DURATION, platform, target, seconds)

    def full_walk(self, platform: str, target: str, reason: str) -> None:
        """Note a completed walk down to the floor."""
        self._increment(own.FULL_WALKS, platform, target, reason)

    def unknown_value(self, platform: str, target: str, field: str, count: int = 1) -> None:
        """Note values outside a documented list. ``field`` is the field's name, never the value."""
        self._increment(own.UNKNOWN_VALUES, platform, target, field, by=count)

    def set_target(self, row: Metric, platform: str, target: str, value: float) -> None:
        """Set a gauge of ``own`` that has no labels but the target's; KeyError for another row."""
        self._child(self._gauges, row, platform, target).set(value)
        self._touch(platform, target)

    def clear_target(self, row: Metric, platform: str, target: str) -> None:
        """Take back what ``set_target`` set, if it did: the value is not known any more."""
        with self._lock:
            child = self._children.get((platform, target), {}).pop((row.name, (platform, target)), None)
        if child is not None:
            self._gauges[row.name].remove(platform, target)
            self._touch(platform, target)

    def degraded(self, platform: str, target: str, reasons: Collection[str]) -> None:
        """Say all reasons why the target is read with reservations now; earlier ones go to 0."""
        name = own.TARGET_DEGRADED.name
        with self._lock:
            children = self._children.get((platform, target), {})
            earlier = {labels[2] for family, labels in children if family == name}
        for reason in earlier.union(reasons):
            self._child(self._gauges, own.TARGET_DEGRADED, platform, target, reason).set(reason in reasons)
        self._touch(platform, target)

    def set_process(self, row: Metric, value: float) -> None:
        """Set a gauge of ``own`` that belongs to no target; KeyError for another row."""
        self._gauges[row.name].set(value)
        self._silent.discard(row.name)

    def state_commit(self, seconds: float) -> None:
        """Note how long a commit took."""
        self.set_process(own.STATE_COMMIT_DURATION, seconds)

    def snapshot_refresh(self, seconds: float) -> None:
        """Note how long a rendering took."""
        self.set_process(own.SNAPSHOT_REFRESH_DURATION, seconds)

    def shard(self, number: int, total: int) -> None:
        """Say which share of the targets is polled here."""
        gauge = self._gauges[own.SHARD_INFO.name]
        gauge.clear()
        gauge.labels(str(number), str(total)).set(1)

    def config_reload(self, ok: bool, at: float) -> None:
        """Note that the configuration was read at ``at`` (seconds since the epoch); the first reading counts too."""
        self.set_process(own.CONFIG_RELOAD_SUCCESSFUL, ok)
        if ok:
            self.set_process(own.CONFIG_RELOAD_SUCCESS, at)

    def render(self) -> tuple[OwnFamily, ...]:
        """Return everything that has samples: our families in the order of the catalogue, then the process's."""
        with self._rendering:
            with self._lock:
                changed, self._changed = self._changed, set()
            for target in changed:
                with self._lock:
                    children = dict(self._children.get(target, {}))
                self._of_targets.update(target, children)
            families = [*self._of_targets.families(), *own_families(self._further)]
        shown = [family for family in families if family.name not in self._silent]
        return tuple(sorted(shown, key=lambda family: _PLACE.get(family.name, len(_PLACE))))

    def _increment(self, row: Metric, platform: str, target: str, *labels: str, by: int = 1) -> None:
        self._child(self._counters, row, platform, target, *labels).inc(by)
        self._touch(platform, target)

    def _observe(self, row: Metric, platform: str, target: str, seconds: float) -> None:
        self._child(self._histograms, row, platform, target).observe(seconds)
        self._touch(platform, target)

    def _child(self, kind: Mapping[str, Kind], row: Metric, *labels: str) -> Kind:
        """Return a target's child of a family, made if need be and remembered; ``labels`` begin with the target's."""
        child = kind[row.name].labels(*labels)
        with self._lock:
            self._children.setdefault((labels[0], labels[1]), {})[row.name, labels] = child
        return child

    def _touch(self, platform: str, target: str) -> None:
        """Have a target rendered: after its value changed, or a rendering in between would be the last."""
        with self._lock:
            self._changed.add((platform, target))

    def _counter(self, row: Metric) -> Counter:
        return Counter(row.name, row.help, _label_names(row), registry=self.registry)

    def _gauge(self, row: Metric) -> Gauge:
        return Gauge(row.name, row.help, _label_names(row), registry=self.registry)

    def _histogram(self, row: Metric) -> Histogram:
        return Histogram(row.name, row.help, _label_names(row), buckets=own.BOUNDS[row.name], registry=self.registry)


def _label_names(row: Metric) -> tuple[str, ...]:
    return (*TARGET_LABELS, *row.labels) if row.per_target else row.labels
