"""A target as the running program has it: configured platform, client, ledger, and what is known only now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from exporter.catalogue.runs import RUNS, UNKNOWN
from exporter.counting.feed import Ids
from exporter.counting.limits import Limits, Rules
from exporter.counting.memory import MemoryLedger
from exporter.errors import Reason
from exporter.expectations import Expect, expect_nothing
from exporter.families import TargetLabels
from exporter.http import Circuit, Client
from exporter.platforms.base import Platform, View
from exporter.platforms.run_links import link
from exporter.times import Micros

STALE_INTERVALS: Final = 5
"""After so many effective intervals without a reading, levels are stale, whatever the configuration says."""


@dataclass(frozen=True, slots=True)
class LastError:
    """The newest error of a target, for people."""

    reason: Reason
    message: str
    at: Micros


@dataclass(slots=True, eq=False)
class Target:
    """One configured target.

    ``lock`` is held around each transaction and each rendering of this target, so that a poll and the timer that
    ends holds never see half of each other. ``memory`` is the platform's drawer, lost at restart.
    """

    labels: TargetLabels
    platform: Platform
    limits: Limits
    zero_hold: float
    """Seconds."""
    client: Client
    circuit: Circuit
    ledger: MemoryLedger
    requests: Callable[[], int]
    """How many requests were sent since the start."""
    expect: Expect = expect_nothing
    run_url: str | None = None
    """Template of the link to one run in the vendor's console."""
    tls_insecure: bool = False
    jitter: float = 0.1
    lock: threading.RLock = field(default_factory=threading.RLock)
    polling: threading.Lock = field(default_factory=threading.Lock)
    """Held for the length of a poll, so that a reload can wait for it."""
    retired: bool = False
    """Taken out by a reload; polls no more."""
    memory: dict[str, Any] = field(default_factory=dict)
    rendered: bool = False
    up: bool | None = None
    """Whether the last finished poll was good; None before the first."""
    last_poll: Micros | None = None
    last_success: Micros | None = None
    last_error: LastError | None = None
    skew: Micros | None = None
    """Our clock less the upstream's, as of the last poll in which it told its."""
    degraded: frozenset[str] = frozenset()
    """What is wrong although it may be up: labels of ``target_degraded``."""
    effective_interval: Micros = 0
    release_after: float = 0.0
    """Monotonic seconds before which held counts are not tried again, after the state could not be written."""

    @property
    def name(self) -> str:
        """The target's unique name."""
        return self.labels.target

    @property
    def rules(self) -> Rules:
        """What counting goes by for this target.

        What is read in rounds that are longer than the configured interval is not stale because of that (rule 24).
        """
        stale_after = max(self.limits.stale_after, STALE_INTERVALS * self.effective_interval)
        limits = replace(self.limits, stale_after=stale_after)
        return Rules(
            limits,
            self.labels.platform,
            self.platform.births,
            self.platform.states,
            self.platform.listings_per_workload,
        )

    def run_link(self, run_id: str, workload: str, ids: Ids) -> str | None:
        """Return the URL of a run in the vendor's console, if the configuration says how it is made."""
        return link(self.run_url, {"run_id": run_id, "workload": workload, "target": self.name, **dict(ids)})

    def view(self) -> View:
        """Return what reading may know: copies, since this poll's own commits go on changing the ledger."""
        ledger = self.ledger
        state = ledger.target
        return View(
            baseline_at=None if state is None else state.baseline_at,
            floor=None if state is None else state.floor,
            listings=MappingProxyType(dict(ledger.listings)),
            open_runs=MappingProxyType(dict(ledger.open_runs)),
            workloads=MappingProxyType(dict(ledger.workloads)),
            sources=MappingProxyType(dict(ledger.sources)),
            memory=self.memory,
            windows=MappingProxyType(dict(ledger.windows)),
            counted=sum(
                series.shown[0] + series.pending[0]
                for key, series in ledger.series.items()
                if key.family == RUNS.name and key.labels[-1] != UNKNOWN
            ),
        )
