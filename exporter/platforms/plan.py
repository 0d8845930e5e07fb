"""What is due of a listing: how deep the next walk goes, and whether an earlier one goes on (rule 7). Pure."""

from __future__ import annotations

from typing import NamedTuple

from exporter.counting.limits import Limits
from exporter.counting.states import ListingState
from exporter.observations import WalkKind
from exporter.times import Micros


class Plan(NamedTuple):
    """What is to be read of a listing in this poll."""

    kind: WalkKind
    depth: Micros
    resumes: bool
    """The listing has a stored link to go on at."""


def plan(state: ListingState | None, floor: Micros, oldest_open: Micros | None, limits: Limits, now: Micros) -> Plan:
    """Say what is due. ``oldest_open`` is the birth of the listing's oldest open run, ``now`` the upstream's."""
    if state is None:
        return Plan("sweep", floor, resumes=False)
    kind = _kind(state.kind)
    if state.link is not None and state.top is not None and state.depth is not None and kind is not None:
        return Plan(kind, state.depth, resumes=True)
    if state.horizon is None or _due(state.last_sweep, limits.sweep_interval, now):
        return Plan("sweep", floor, resumes=False)
    if oldest_open is not None and oldest_open < state.horizon and _due(state.last_deep, limits.deep_interval, now):
        return Plan("deep", oldest_open - limits.overlap, resumes=False)
    return Plan("ordinary", state.horizon, resumes=False)


def _kind(stored: str | None) -> WalkKind | None:
    known: tuple[WalkKind, ...] = ("ordinary", "deep", "sweep")
    return next((kind for kind in known if kind == stored), None)


def _due(last: Micros | None, interval: Micros, now: Micros) -> bool:
    return last is None or not 0 <= now - last < interval  # a time to come was told by a clock that was wrong
