"""What a platform is: settings, records, ``fetch`` (I/O), ``observe`` (pure), in this order.

``fetch`` gets a client and a read-only view of what the ledger says about reading, and yields batches of typed
records; what is new is known to ``count``, not to ``fetch``. ``observe`` turns a batch of records into a batch of
observations. Both raise errors of ``exporter.errors`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from exporter.catalogue.model import PlatformName
from exporter.counting.limits import Birth, Limits
from exporter.counting.states import ListingState, OpenRun, SourceState, WindowKey, WindowState, WorkloadState
from exporter.errors import UpstreamError
from exporter.http import Auth, Client
from exporter.observations import Batch, Observed
from exporter.times import Clock, Micros

__all__ = ["Birth", "Limits", "Platform", "View"]


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
    windows: Mapping[WindowKey, WindowState] = field(default_factory=dict)
    counted: int = 0
    """Runs counted as completed, failed or cancelled."""


class Platform(Protocol):
    """One configured platform: made from a target's settings, holds no state of its own."""

    name: ClassVar[PlatformName]
    births: ClassVar[tuple[Birth, ...]]
    states: ClassVar[tuple[str, ...]]
    """States that runs of its listings can be in while active; empty when it tells active runs as figures."""
    listings_per_workload: ClassVar[bool]
    """Whether there is a listing of runs for each workload, whose key is the workload's identity."""

    def auth(self) -> Auth:
        """Return what gives the credentials of each request, for the target's client."""

    def classify(self, status: int, body: bytes) -> type[UpstreamError] | None:
        """Return what an answer means that is no success; None for what its status says."""

    def fetch(self, client: Client, view: View, clock: Clock) -> Generator[Batch[Any, Any], None, None]:
        """Read what is due and yield it in batches, in the order in which it may be committed."""

    def observe(self, batch: Batch[Any, Any], now: Micros) -> Observed:
        """Say what a batch means. Pure; ``now`` is the upstream's now, else ours."""
