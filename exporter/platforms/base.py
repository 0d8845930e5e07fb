"""What a platform is: settings, records, ``fetch`` (I/O), ``observe`` (pure), in this order.

``fetch`` gets a client and a read-only view of what the ledger says about reading, and yields batches of typed
records; what is new is known to ``count``, not to ``fetch``. ``observe`` turns a batch of records into a batch of
observations. Both raise errors of ``exporter.errors`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from exporter.catalogue.model import Metric, PlatformName
from exporter.counting.ledger import ListingState, OpenRun, SourceState, WorkloadState
from exporter.http import Client
from exporter.observations import Batch, Labels, Observed
from exporter.times import Clock, Micros


@dataclass(frozen=True, slots=True)
class Birth:
    """A series that is born at 0 with each workload (rule 15); ``labels`` are those after ``workload``."""

    metric: Metric
    labels: Labels


@dataclass(frozen=True, slots=True)
class Limits:
    """Paces and depths of reading and counting, from the configuration. All lengths in microseconds."""

    interval: Micros
    overlap: Micros
    deep_interval: Micros
    sweep_interval: Micros
    memory: Micros
    open_run_max_age: Micros
    settle: Micros
    max_window: Micros
    schedule_grace: Micros
    forget_after: Micros
    stale_after: Micros
    max_workloads: int
    max_label_values: int


@dataclass(frozen=True, slots=True)
class View:
    """What ``fetch`` may know of the ledger, as it stood when the poll began. ``floor`` None: the first poll."""

    baseline_at: Micros | None
    floor: Micros | None
    listings: Mapping[str, ListingState]
    open_runs: Mapping[str, OpenRun]
    workloads: Mapping[str, WorkloadState]
    sources: Mapping[str, SourceState]
    memory: dict[str, Any]
    """A drawer of the target for this process only (caches such as the caller's own org); lost at restart."""


class Platform(Protocol):
    """One configured platform: made from a target's settings, holds no state of its own."""

    name: ClassVar[PlatformName]
    births: ClassVar[tuple[Birth, ...]]
    states: ClassVar[tuple[str, ...]]
    """States of active runs that the platform can tell."""
    roster: ClassVar[bool]
    """Whether the target's levels hang on a roster (else on its windows)."""

    def fetch(self, client: Client, view: View, clock: Clock) -> Iterator[Batch[Any, Any]]:
        """Read what is due and yield it in batches, in the order in which it may be committed."""

    def observe(self, batch: Batch[Any, Any], now: Micros) -> Observed:
        """Say what a batch means. Pure; ``now`` is the upstream's now, else ours."""
