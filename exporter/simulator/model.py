"""What the world consists of: workloads with triggers, and runs with a history of states.

A run is a value: everything that will ever happen to it is in it, and a face shows the part that has happened
up to a moment. So a run needs no bookkeeping, and any window of time can be asked for in any order.
All times are integer microseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, TypedDict

from exporter.simulator.clock import MINUTE, SECOND

Platform = Literal["roboto", "foundry", "granite", "moderately"]
State = Literal["queued", "running", "paused", "completed", "failed", "cancelled", "unknown"]
Outcome = Literal["completed", "failed", "cancelled", "unknown"]

Part = Literal["cancelled", "others"]
"""Of what a reader counts: Granite is asked about cancelled executions by themselves, all else comes together."""

TERMINAL: frozenset[State] = frozenset({"completed", "failed", "cancelled", "unknown"})
LAG_LIMIT = 10 * MINUTE
"""After this long an end time settles a run whose status still says that it runs (counting rule 4)."""


@dataclass(frozen=True, slots=True)
class Change:
    """A run enters a state."""

    at: int
    state: State


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts the runs of a workload: a schedule, a one-shot timer or an outside event.

    ``kind`` is the wire name of Foundry (schedule, timer, github_issue, custom, or anything else).
    """

    kind: str
    cron: str | None = None
    zone: str = "UTC"
    at: int | None = None
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workload:
    """One version of a workload: an edit is a new version with a later ``updated_at``.

    ``key`` is its identity and never changes; ``name`` is what people see.
    ``owner`` is the Roboto organization that owns the action (empty: the caller's own).
    """

    platform: Platform
    key: str
    name: str
    owner: str = ""
    enabled: bool = True
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    agent: str | None = None
    created_at: int = 0
    updated_at: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a workload, from its birth to its end.

    ``changes`` are in order of time; a run may leave a terminal state again (a re-queued Roboto invocation).
    ``created_at`` sorts listings and is not always shown; ``visible_at`` is when listings first show the run.
    ``status_lag`` is how long after the end one of two status fields still says that the run is running.
    ``hidden`` names fields (ours: started_at, ended_at, triggered_at ...) that the platform does not tell.
    """

    platform: Platform
    workload: str
    id: str
    created_at: int
    changes: tuple[Change, ...]
    visible_at: int
    triggered_at: int | None = None
    scheduled_fire_at: int | None = None
    trigger_type: str | None = None
    trigger_name: str | None = None
    attempt_source: str | None = None
    action_type: str | None = None
    agent: str | None = None
    error_type: str | None = None
    status_code: int | None = None
    status_lag: int = 0
    tokens: int = 0
    steps: int = 0
    step_limit: int | None = None
    hidden: frozenset[str] = frozenset()

    def state_at(self, now: int) -> State | None:
        """The state at ``now``, or nothing when the run is not born or not yet visible."""
        if now < self.visible_at:
            return None
        state: State | None = None
        for change in self.changes:
            if change.at > now:
                break
            state = change.state
        return state

    def started_at(self, now: int) -> int | None:
        """When it first began to work, if it has by ``now``."""
        return next((c.at for c in self.changes if c.state == "running" and c.at <= now), None)

    def ended_at(self, now: int) -> int | None:
        """When it entered the terminal state that it is in at ``now``; nothing while it is active."""
        end: int | None = None
        for change in self.changes:
            if change.at > now:
                break
            end = change.at if change.state in TERMINAL else None
        return end

    def shown(self, name: str, now: int) -> int | None:
        """A time as the platform tells it at ``now``: not when it is hidden, nor before it has come."""
        if name in self.hidden:
            return None
        if name == "started_at":
            return self.started_at(now)
        if name == "ended_at":
            return self.ended_at(now)
        time = {
            "created_at": self.created_at,
            "triggered_at": self.triggered_at,
            "scheduled_fire_at": self.scheduled_fire_at,
        }[name]
        return time if time is not None and time <= now else None

    @property
    def outcome(self) -> Outcome | None:
        """The state it ends in for good, or nothing if it never ends."""
        last = self.changes[-1].state
        return last if last in TERMINAL else None  # type: ignore[return-value]

    @property
    def settled_at(self) -> int | None:
        """When its last change was, if that ended it."""
        return self.changes[-1].at if self.outcome else None

    @property
    def countable_at(self) -> int | None:
        """When a reader of listings first can, and must, see it as ended; nothing if it never ends.

        Failures and cancellations show at once, since the field that does not lag says so.
        """
        first = next((change for change in self.changes if change.state in TERMINAL), None)
        if first is None:
            return None
        lag = 0 if first.state in ("failed", "cancelled") else min(self.status_lag, LAG_LIMIT)
        return max(self.visible_at, first.at + lag)


class RunDetails(TypedDict, total=False):
    """What else can be said of a run when it is written by hand; the fields of ``Run``."""

    trigger_type: str | None
    trigger_name: str | None
    attempt_source: str | None
    action_type: str | None
    agent: str | None
    error_type: str | None
    status_code: int | None
    status_lag: int
    tokens: int
    steps: int
    step_limit: int | None


def timeline(
    created: int,
    started: int | None = None,
    ended: int | None = None,
    outcome: Outcome = "completed",
) -> tuple[Change, ...]:
    """The usual history: queued, then running if ``started``, then ``outcome`` if ``ended``."""
    changes = [Change(created, "queued")]
    if started is not None:
        changes.append(Change(started, "running"))
    if ended is not None:
        changes.append(Change(ended, outcome))
    return tuple(changes)


def check_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes as a tuple; ValueError when there are none or they are out of order."""
    ordered = tuple(changes)
    if not ordered or any(later.at < earlier.at for earlier, later in pairwise(ordered)):
        raise ValueError("a run needs at least one change, in order of time")
    return ordered


def whole_seconds(time: int) -> int:
    """``time`` rounded down to a second: generated worlds use these, so that every wire format is exact."""
    return time // SECOND * SECOND
