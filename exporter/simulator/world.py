"""The world: workloads and their runs, as a pure function of (seed, what was written in by hand, time).

Two sources of runs stand side by side. Generated ones follow from the seed and a profile per workload; they
are made an hour at a time when somebody asks, and asking twice gives the same. Scripted ones are added by
hand, one by one, which is what tests of counting want:

    world = World()
    world.add_run("foundry", "nightly", triggered=t0, started=t0 + SECOND, ended=t0 + MINUTE, outcome="failed")

Everything stays in a world for ever; what a face shows depends only on the time it is asked for.
"""

from __future__ import annotations

import heapq
import threading
from bisect import bisect_left, insort
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Self

from exporter.simulator.clock import HOUR
from exporter.simulator.generate import Profile, runs_between
from exporter.simulator.incidents import Rotation, Script
from exporter.simulator.model import (
    Change,
    Outcome,
    Platform,
    Run,
    State,
    Trigger,
    Workload,
    check_changes,
    timeline,
)

SLOTS_KEPT = 4000
"""Generated hours that stay in memory; older ones are made again when asked for."""


class World:
    """All workloads and runs, past and future.

    ``history_start`` is the earliest fire time of generated runs. Safe for use by several threads.
    """

    def __init__(self, seed: int = 0, history_start: int = 0, rotation: Rotation | None = None) -> None:
        self.seed = seed
        self.history_start = history_start
        self.incidents = Script(self._forget_generated, rotation)
        self._lock = threading.RLock()
        self._versions: dict[tuple[Platform, str], list[tuple[int, Workload | None]]] = {}
        self._profiles: dict[tuple[Platform, str], Profile] = {}
        self._scripted: dict[tuple[Platform, str], list[Run]] = {}
        self._fired: OrderedDict[tuple[Platform, str, int], tuple[Run, ...]] = OrderedDict()
        self._born: OrderedDict[tuple[Platform, str, int], tuple[Run, ...]] = OrderedDict()
        self._settled: dict[tuple[Platform, str, int], Counter[State]] = {}

    @classmethod
    def from_runs(cls, runs: Iterable[Run]) -> Self:
        """A world of exactly these runs; their workloads are made up from the keys."""
        world = cls()
        for run in runs:
            world.add(run)
        return world

    # Workloads

    def add_workload(
        self,
        platform: Platform,
        name: str,
        *,
        key: str | None = None,
        owner: str = "",
        enabled: bool = True,
        triggers: dict[str, Trigger] | None = None,
        agent: str | None = None,
        at: int = 0,
        profile: Profile | None = None,
    ) -> Workload:
        """Add a workload that exists from ``at`` on; with a ``profile`` it has generated runs.

        Its key (identity) is its name, or owner/name when another organization owns it.
        """
        key = key if key is not None else f"{owner}/{name}" if owner else name
        workload = Workload(platform, key, name, owner, enabled, triggers or {}, agent, at, at)
        with self._lock:
            self._versions.setdefault((platform, key), []).append((at, workload))
            if profile is not None:
                self._profiles[platform, key] = profile
            self._forget_generated()
        return workload

    def edit_workload(
        self,
        platform: Platform,
        key: str,
        *,
        at: int,
        name: str | None = None,
        enabled: bool | None = None,
        triggers: dict[str, Trigger] | None = None,
    ) -> Workload:
        """From ``at`` on the workload has this name, switch and triggers (each kept when not given)."""
        with self._lock:
            current = self.workload(platform, key, at)
            if current is None:
                raise KeyError(key)
            edited = replace(
                current,
                name=current.name if name is None else name,
                enabled=current.enabled if enabled is None else enabled,
                triggers=current.triggers if triggers is None else triggers,
                updated_at=at,
            )
            self._versions[platform, key].append((at, edited))
            self._forget_generated()
            return edited

    def rename_workload(self, platform: Platform, key: str, name: str, at: int) -> Workload:
        """The same workload, with its runs, has another name from ``at`` on."""
        return self.edit_workload(platform, key, at=at, name=name)

    def remove_workload(self, platform: Platform, key: str, at: int) -> None:
        """From ``at`` on the workload is gone; add it again to let it return."""
        with self._lock:
            self._versions[platform, key].append((at, None))
            self._forget_generated()

    def workload(self, platform: Platform, key: str, at: int) -> Workload | None:
        """The version of the workload that is valid at a time."""
        found = None
        for since, version in self._versions.get((platform, key), ()):
            if since <= at:
                found = version
        return found

    def workloads(self, platform: Platform, at: int) -> list[Workload]:
        """All workloads of a platform at a time, in the order in which they were added."""
        keys = [key for found, key in list(self._versions) if found == platform]
        return [workload for key in keys if (workload := self.workload(platform, key, at)) is not None]

    def profile(self, platform: Platform, key: str) -> Profile | None:
        """How the generated runs of a workload look, if it has any."""
        return self._profiles.get((platform, key))

    def keys(self, platform: Platform) -> list[str]:
        """The keys of all workloads that a platform ever has."""
        return [key for found, key in list(self._versions) if found == platform]

    # Runs

    def add(self, run: Run) -> Run:
        """Write a run into the world; its workload is made up if there is none with that key."""
        with self._lock:
            place = (run.platform, run.workload)
            if place not in self._versions:
                self.add_workload(run.platform, run.workload)
            insort(self._scripted.setdefault(place, []), run, key=_birth_order)
        return run

    def add_run(
        self,
        platform: Platform,
        workload: str,
        *,
        id: str | None = None,
        created: int | None = None,
        triggered: int | None = None,
        scheduled: int | None = None,
        started: int | None = None,
        ended: int | None = None,
        outcome: Outcome = "completed",
        changes: Iterable[Change] | None = None,
        visible: int | None = None,
        trigger_type: str | None = None,
        trigger_name: str | None = None,
        attempt_source: str | None = None,
        action_type: str | None = None,
        agent: str | None = None,
        error_type: str | None = None,
        status_code: int | None = None,
        status_lag: int = 0,
        tokens: int = 0,
        steps: int = 0,
        step_limit: int | None = None,
        hidden: Iterable[str] = (),
    ) -> Run:
        """Write one run by hand; ``workload`` is a key, times are microseconds.

        Without ``ended`` the run never ends. ``created`` defaults to the first given of triggered, started and
        ended. ``changes`` replaces the usual history queued, running, outcome. ``visible`` delays its first
        appearance in listings.
        """
        ordered = check_changes(changes) if changes is not None else None
        candidates = (created, triggered, started, ended, ordered[0].at if ordered else None)
        birth = next((time for time in candidates if time is not None), None)
        if birth is None:
            raise ValueError("a run needs at least one time")
        number = sum(len(runs) for runs in self._scripted.values()) + 1
        return self.add(
            Run(
                platform=platform,
                workload=workload,
                id=id if id is not None else f"{platform}-{number:06d}",
                created_at=birth,
                visible_at=birth if visible is None else visible,
                changes=ordered or timeline(birth, started, ended, outcome),
                triggered_at=triggered,
                scheduled_fire_at=scheduled,
                trigger_type=trigger_type,
                trigger_name=trigger_name,
                attempt_source=attempt_source,
                action_type=action_type,
                agent=agent,
                error_type=error_type,
                status_code=status_code,
                status_lag=status_lag,
                tokens=tokens,
                steps=steps,
                step_limit=step_limit,
                hidden=frozenset(hidden),
            )
        )

    def runs(self, platform: Platform, key: str, since: int, until: int) -> Iterator[Run]:
        """The runs of a workload that are created in ``[since, until)``, oldest first."""
        scripted = self._scripted.get((platform, key), [])
        low = bisect_left(scripted, since, key=_birth)
        high = bisect_left(scripted, until, key=_birth)
        yield from heapq.merge(scripted[low:high], self._generated(platform, key, since, until), key=_birth_order)

    def newest_first(
        self, platform: Platform, key: str, now: int, before: tuple[int, str] | None = None
    ) -> Iterator[Run]:
        """The runs visible at ``now``, newest creation first; ``before`` continues behind that (created, id)."""
        top = now + 1 if before is None else before[0] + 1
        profile = self._profiles.get((platform, key))
        bottom = self.history_start if profile else top
        scripted = self._scripted.get((platform, key), [])
        high = bisect_left(scripted, top, key=_birth)
        generated = (
            run
            for slot in range(top // HOUR, bottom // HOUR - 1, -1)
            for run in reversed(self._slot(platform, key, slot))
            if run.created_at < top
        )
        for run in heapq.merge(reversed(scripted[:high]), generated, key=_birth_order, reverse=True):
            if run.visible_at <= now and (before is None or _birth_order(run) < before):
                yield run

    def alive(self, platform: Platform, key: str, since: int, until: int) -> Iterator[Run]:
        """Every run that may change state, or become visible, in ``[since, until)``, and perhaps some more."""
        profile = self._profiles.get((platform, key))
        reach = (profile.spill if profile else 0) + self.incidents.longest(until)
        yield from self._scripted.get((platform, key), [])
        yield from self._generated(platform, key, since - reach, until)

    def states(self, platform: Platform, key: str, since: int, until: int, now: int) -> Counter[State]:
        """How many runs created in ``[since, until)`` are in which state at ``now``.

        Hours in which nothing can change any more are tallied once, so that a window of days is cheap.
        """
        scripted = self._scripted.get((platform, key), [])
        low, high = (bisect_left(scripted, edge, key=_birth) for edge in (since, until))
        found = _tally(scripted[low:high], now)
        if (profile := self._profiles.get((platform, key))) is None:
            return found
        since, until = max(since, self.history_start), min(until, now + 1)
        settled_before = now - profile.spill - self.incidents.longest(now)
        for slot in range(since // HOUR, -(-until // HOUR)):
            begin, end = slot * HOUR, (slot + 1) * HOUR
            if since <= begin and end <= min(until, settled_before):
                found += self._settled_slot(platform, key, slot, now)
            else:
                found += _tally((r for r in self._slot(platform, key, slot) if since <= r.created_at < until), now)
        return found

    def _settled_slot(self, platform: Platform, key: str, slot: int, now: int) -> Counter[State]:
        with self._lock:
            place = (platform, key, slot)
            if place not in self._settled:
                self._settled[place] = _tally(self._slot(platform, key, slot), now)
            return self._settled[place]

    def _generated(self, platform: Platform, key: str, since: int, until: int) -> Iterator[Run]:
        if (platform, key) not in self._profiles:
            return
        since = max(since, self.history_start)
        for slot in range(since // HOUR, (until - 1) // HOUR + 1):
            for run in self._slot(platform, key, slot):
                if since <= run.created_at < until:
                    yield run

    def _slot(self, platform: Platform, key: str, slot: int) -> tuple[Run, ...]:
        """Runs by the hour of their creation, from all the hours whose fires can reach into it."""
        with self._lock:
            place = (platform, key, slot)
            if (found := self._born.get(place)) is not None:
                return found
            profile = self._profiles[platform, key]
            first = max(slot - profile.spill // HOUR - 1, self.history_start // HOUR)
            hours = [self._fires(platform, key, hour) for hour in range(first, slot + 1)]
            born = (run for hour in hours for run in hour if run.created_at // HOUR == slot)
            return _keep(self._born, place, tuple(sorted(born, key=_birth_order)))

    def _fires(self, platform: Platform, key: str, slot: int) -> tuple[Run, ...]:
        place = (platform, key, slot)
        if (found := self._fired.get(place)) is not None:
            return found
        since, until = max(slot * HOUR, self.history_start), (slot + 1) * HOUR
        made = runs_between(
            self.seed,
            lambda at: self.workload(platform, key, at),
            self._profiles[platform, key],
            self.incidents,
            since=since,
            until=until,
        )
        return _keep(self._fired, place, tuple(made))

    def _forget_generated(self) -> None:
        with self._lock:
            self._fired.clear()
            self._born.clear()
            self._settled.clear()


def _tally(runs: Iterable[Run], now: int) -> Counter[State]:
    return Counter(state for run in runs if (state := run.state_at(now)) is not None)


def _birth(run: Run) -> int:
    return run.created_at


def _birth_order(run: Run) -> tuple[int, str]:
    return run.created_at, run.id


def _keep(
    cache: OrderedDict[tuple[Platform, str, int], tuple[Run, ...]],
    place: tuple[Platform, str, int],
    runs: tuple[Run, ...],
) -> tuple[Run, ...]:
    cache[place] = runs
    if len(cache) > SLOTS_KEPT:
        cache.popitem(last=False)
    return runs
