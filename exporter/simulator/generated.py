"""The generated runs of a world, made an hour at a time when somebody asks, and kept for a while.

Asking twice gives the same, so what is kept is only a matter of speed. Everything is made again after a change
of the script or of a workload, since that may change the present hour.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from exporter.simulator.clock import DAY, HOUR
from exporter.simulator.generate import Profile, runs_between
from exporter.simulator.incidents import Script
from exporter.simulator.model import Platform, Run, State, Workload
from exporter.simulator.workloads import Place

SLOTS_KEPT = 4000
"""Hours that stay in memory."""

Slot = tuple[Platform, str, int]
"""An hour of a workload, counted from the epoch."""
Kept = TypeVar("Kept")


class GeneratedRuns:
    """Runs of the workloads that have a profile, between ``start`` and ``end`` (no fires from there on)."""

    def __init__(
        self, seed: int, start: int, script: Script, workload_at: Callable[[Place, int], Workload | None]
    ) -> None:
        self.start = start
        self.end: int | None = None
        self.profiles: dict[Place, Profile] = {}
        self._seed = seed
        self._script = script
        self._workload_at = workload_at
        self._lock = threading.RLock()
        self._fired: OrderedDict[Slot, tuple[Run, ...]] = OrderedDict()
        self._born: OrderedDict[Slot, tuple[Run, ...]] = OrderedDict()
        self._settled: OrderedDict[Slot, Counter[State]] = OrderedDict()
        self._settled_days: dict[Slot, Counter[State]] = {}

    def forget(self) -> None:
        """Make everything again when it is asked for."""
        with self._lock:
            self._fired.clear()
            self._born.clear()
            self._settled.clear()
            self._settled_days.clear()

    def reach(self, place: Place, now: int) -> int:
        """How long after a fire of this workload something can still happen to its runs, in microseconds."""
        profile = self.profiles.get(place)
        return 0 if profile is None else profile.spill + self._script.longest(now)

    def between(self, place: Place, since: int, until: int) -> Iterator[Run]:
        """The runs created in ``[since, until)``, oldest first."""
        if place not in self.profiles:
            return
        since = max(since, self.start)
        for number in range(since // HOUR, -(-until // HOUR)):
            for run in self._slot(place, number):
                if since <= run.created_at < until:
                    yield run

    def newest_first(self, place: Place, until: int) -> Iterator[Run]:
        """The runs created before ``until``, newest first."""
        if place not in self.profiles:
            return
        for number in range(until // HOUR, self.start // HOUR - 1, -1):
            for run in reversed(self._slot(place, number)):
                if run.created_at < until:
                    yield run

    def states(self, place: Place, since: int, until: int, now: int) -> Counter[State]:
        """How many runs created in ``[since, until)`` are in which state at ``now``.

        Hours in which nothing can change any more are tallied once, so that a window of days is cheap.
        """
        found: Counter[State] = Counter()
        if place not in self.profiles:
            return found
        since, until = max(since, self.start), min(until, now + 1)
        settled_before = now - self.reach(place, now)
        number, last = since // HOUR, -(-until // HOUR)
        while number < last:
            begin, end = number * HOUR, (number + 1) * HOUR
            if number % 24 == 0 and since <= begin and begin + DAY <= min(until, settled_before):
                found += self._settled_day(place, number, now)
                number += 24
                continue
            if since <= begin and end <= min(until, settled_before):
                found += self._settled_slot(place, number, now)
            else:
                found += tally((r for r in self._slot(place, number) if since <= r.created_at < until), now)
            number += 1
        return found

    def _settled_day(self, place: Place, number: int, now: int) -> Counter[State]:
        """The 24 hours from ``number`` on, added up once: sums over all time would make every hour anew."""
        with self._lock:
            slot = (*place, number)
            if (found := self._settled_days.get(slot)) is None:
                hours = (self._settled_slot(place, hour, now) for hour in range(number, number + 24))
                found = self._settled_days[slot] = sum(hours, Counter[State]())
            return found

    def _settled_slot(self, place: Place, number: int, now: int) -> Counter[State]:
        with self._lock:
            slot = (*place, number)
            if (found := self._settled.get(slot)) is not None:
                return found
            return _keep(self._settled, slot, tally(self._slot(place, number), now))

    def _slot(self, place: Place, number: int) -> tuple[Run, ...]:
        """Runs by the hour of their creation, from all the hours whose fires can reach into it."""
        with self._lock:
            slot = (*place, number)
            if (found := self._born.get(slot)) is not None:
                return found
            first = number - self.profiles[place].spill // HOUR - 1
            hours = [self._fires(place, hour) for hour in range(first, number + 1)]
            born = (run for hour in hours for run in hour if run.created_at // HOUR == number)
            return _keep(self._born, slot, tuple(sorted(born, key=birth_order)))

    def _fires(self, place: Place, number: int) -> tuple[Run, ...]:
        slot = (*place, number)
        if (found := self._fired.get(slot)) is not None:
            return found
        until = (number + 1) * HOUR
        made = runs_between(
            self._seed,
            lambda at: self._workload_at(place, at),
            self.profiles[place],
            self._script,
            since=max(number * HOUR, self.start),
            until=until if self.end is None else min(until, self.end),
        )
        return _keep(self._fired, slot, tuple(made))


def tally(runs: Iterable[Run], now: int) -> Counter[State]:
    """How many runs are in which state."""
    return Counter(state for run in runs if (state := run.state_at(now)) is not None)


def birth_order(run: Run) -> tuple[int, str]:
    """Runs are listed by creation, and by id where that is equal."""
    return run.created_at, run.id


def _keep(cache: OrderedDict[Slot, Kept], slot: Slot, made: Kept) -> Kept:
    cache[slot] = made
    if len(cache) > SLOTS_KEPT:
        cache.popitem(last=False)
    return made
