"""What the page and the API show, as the application tells it. Times are microseconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from exporter.catalogue.model import PlatformName
from exporter.errors import Reason
from exporter.times import Micros

TargetState = Literal["starting", "up", "down"]
"""Of a target: no poll has finished since the start; the last finished poll was good; it was not."""


Exposure = Literal["certificate not verified", "not encrypted"]
"""What the configuration of a target gives away."""


@dataclass(frozen=True, slots=True)
class ErrorView:
    """The newest error of a target; ``message`` holds neither secrets nor payloads."""

    reason: Reason
    message: str
    at: Micros


@dataclass(frozen=True, slots=True)
class PaceView:
    """What may be asked of the upstream, and what was.

    ``requests`` were sent since the start. ``quota_*`` is what the upstream announced last, ``budget_remaining`` what
    our own budget allows now, ``backoff_seconds`` a pause that it asked for or that follows failures.
    ``probing`` says that the circuit is open: polls begin with one request without retries.
    """

    requests: int = 0
    quota_limit: int | None = None
    quota_remaining: int | None = None
    quota_reset: Micros | None = None
    budget_remaining: int = 0
    backoff_seconds: float = 0.0
    probing: bool = False


@dataclass(frozen=True, slots=True)
class TargetView:
    """One target.

    ``last_poll`` is when its last poll ended, ``last_success`` when its last good one did, ``data`` the time up to
    which what it publishes is whole (``automation_exporter_target_data_timestamp_seconds``). ``gap`` adds up the
    lengths of the gaps in reading that were closed, ``gap_end`` is when the last one was.
    ``degraded`` names what is wrong although it is up, ``warnings`` what its configuration gives away. ``error`` is its
    newest error, also when later polls were good.
    """

    name: str
    platform: PlatformName
    state: TargetState
    interval: Micros = 0
    last_poll: Micros | None = None
    last_success: Micros | None = None
    next_poll: Micros | None = None
    data: Micros | None = None
    gap: Micros = 0
    gap_end: Micros | None = None
    degraded: tuple[str, ...] = ()
    warnings: tuple[Exposure, ...] = ()
    error: ErrorView | None = None
    pace: PaceView = field(default_factory=PaceView)
    workloads: int = 0
    series: int = 0
    open_runs: int = 0


@dataclass(frozen=True, slots=True)
class StatusView:
    """The whole service. ``reload_error`` says why the newest configuration was not taken, if it was not."""

    version: str
    now: Micros
    started: Micros
    targets: tuple[TargetView, ...]
    reload_error: str | None = None


OPEN: Literal["open"] = "open"
"""The outcome of a run that has none yet."""


@dataclass(frozen=True, slots=True)
class RunView:
    """One run, ended or open.

    ``workload`` is its name, ``series`` the label value of its series: the same, or ``_other``. ``outcome`` is ``open``
    for a run that has not ended, and ``state`` is set only then. ``late`` is by how much it started after it was due.
    ``ids`` are those that the vendor's console understands, by kind; ``url`` leads there if the configuration says how.
    """

    target: str
    platform: PlatformName
    workload: str
    series: str
    run_id: str
    outcome: str
    state: str | None = None
    created: Micros | None = None
    triggered: Micros | None = None
    due: Micros | None = None
    started: Micros | None = None
    ended: Micros | None = None
    last_seen: Micros | None = None
    late: Micros | None = None
    reason: str = ""
    status_code: str = ""
    trigger: str = ""
    ids: tuple[tuple[str, str], ...] = ()
    url: str | None = None

    @property
    def at(self) -> Micros:
        """When it ended, else the latest time known of it; of an open run its birth."""
        if self.outcome == OPEN:
            return self.created or 0
        return self.ended or max(self.created or 0, self.triggered or 0, self.started or 0)


@dataclass(frozen=True, slots=True)
class RunsView:
    """Runs that people look for. ``now`` is on the clock of the upstreams.

    ``ended`` failed, were late or were given up, newest first; ``open`` has the oldest ones first. The totals are how
    many there are, those left out included.
    """

    now: Micros
    ended: tuple[RunView, ...] = ()
    open: tuple[RunView, ...] = ()
    ended_total: int = 0
    open_total: int = 0
