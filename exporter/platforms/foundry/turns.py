"""Whose turn it is when the budget is too short for all listings of a project. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from exporter.counting.states import ListingState
from exporter.observations import Schedule
from exporter.platforms.foundry.schedules import due_since
from exporter.times import Micros

TURNS_BY_NEED: Final = 3
"""After so many turns by need, one goes to the listing that waited longest: nothing starves."""


class Candidate(NamedTuple):
    """A listing that could be read. ``listed`` is False for a routine that the roster lacks (deleted).

    ``trigger`` is the one that a delivery without a trigger's name comes from.
    """

    key: str
    state: ListingState | None
    schedules: tuple[Schedule, ...] = ()
    enabled: bool = True
    has_open_runs: bool = False
    listed: bool = True
    trigger: str | None = None

    @property
    def last_tried(self) -> Micros:
        """When it was last read or could not be read; 0 for never."""
        if self.state is None:
            return 0
        return max(self.state.last_whole or 0, self.state.failed_at or 0)


def in_turn(candidates: Iterable[Candidate], deep_interval: Micros, now: Micros) -> Iterator[Candidate]:
    """Yield the listings to read, the most urgent first.

    Need comes first: due by a schedule since the last whole read, then those with open runs, then the longest
    unread. Every fourth turn goes to the longest unread, whatever the others need. Disabled and deleted routines
    wait for ``deep_interval``, disabled ones with open runs do not.
    """
    waiting = [each for each in candidates if _wants_turn(each, deep_interval, now)]
    by_age = sorted(waiting, key=lambda each: (each.last_tried, each.key))
    by_need = sorted(by_age, key=lambda each: _need(each, now))
    taken: set[str] = set()
    ages, needs = iter(by_age), iter(by_need)
    for turn in range(len(waiting)):
        queue = ages if turn % (TURNS_BY_NEED + 1) == TURNS_BY_NEED else needs
        chosen = next(each for each in queue if each.key not in taken)
        taken.add(chosen.key)
        yield chosen


def _wants_turn(candidate: Candidate, deep_interval: Micros, now: Micros) -> bool:
    rested = not 0 <= now - candidate.last_tried < deep_interval
    if not candidate.listed:
        gone = candidate.state is None or candidate.state.gone
        return candidate.has_open_runs and not gone and rested
    return candidate.enabled or candidate.has_open_runs or rested


def _need(candidate: Candidate, now: Micros) -> int:
    state = candidate.state
    if state is not None and state.failed is not None:
        return 2  # what fails again and again must not be first each time
    if candidate.enabled and due_since(candidate.schedules, 0 if state is None else state.last_whole or 0, now):
        return 0
    return 1 if candidate.has_open_runs else 2
