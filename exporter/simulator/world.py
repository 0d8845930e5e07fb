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
import itertools
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Self, Unpack

from exporter.simulator.generate import Profile
from exporter.simulator.generated import GeneratedRuns, birth_order, tally
from exporter.simulator.incidents import Rotation, Script
from exporter.simulator.model import (
    Change,
    Outcome,
    Platform,
    Run,
    RunDetails,
    State,
    Trigger,
    Workload,
    check_changes,
    timeline,
)
from exporter.simulator.workloads import Place, Workloads


class World(Workloads):
    """All workloads and runs, past and future.

    ``history_start`` is the earliest fire time of generated runs. Safe for use by several threads.
    """

    def __init__(self, seed: int = 0, history_start: int = 0, rotation: Rotation | None = None) -> None:
        super().__init__(self._changed)
        self.seed = seed
        self.history_start = history_start
        self.incidents = Script(self._changed, rotation)
        self._scripted: dict[Place, list[Run]] = {}
        self._numbers = itertools.count(1)
        self._generated = GeneratedRuns(
            seed, history_start, self.incidents, lambda place, at: self.workload(*place, at)
        )

    def _changed(self) -> None:
        self._generated.forget()

    @classmethod
    def from_runs(cls, runs: Iterable[Run]) -> Self:
        """A world of exactly these runs; their workloads are made up from the keys."""
        world = cls()
        for run in runs:
            world.add(run)
        return world

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
        if profile is not None:
            self._generated.profiles[platform, key] = profile
        return self.keep(Workload(platform, key, name, owner, enabled, triggers or {}, agent, at, at))

    def end_at(self, at: int | None) -> None:
        """No generated run is fired at or after ``at``: what is under way ends, then the world is at rest."""
        self._generated.end = at
        self._changed()

    # Runs

    def add(self, run: Run) -> Run:
        """Write a run into the world; its workload is made up if there is none with that key."""
        with self._lock:
            place = (run.platform, run.workload)
            if place not in self._versions:
                self.add_workload(run.platform, run.workload)
            insort(self._scripted.setdefault(place, []), run, key=birth_order)
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
        hidden: Iterable[str] = (),
        **details: Unpack[RunDetails],
    ) -> Run:
        """Write one run by hand; ``workload`` is a key, times are microseconds.

        Without ``ended`` the run never ends. ``created`` defaults to the first given of triggered, started and
        ended. ``changes`` replaces the usual history queued, running, outcome. ``visible`` delays its first
        appearance in listings, ``hidden`` are times that the platform does not tell.
        """
        ordered = check_changes(changes) if changes is not None else None
        candidates = (created, triggered, started, ended, ordered[0].at if ordered else None)
        birth = next((time for time in candidates if time is not None), None)
        if birth is None:
            raise ValueError("a run needs at least one time")
        number = next(self._numbers)
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
                hidden=frozenset(hidden),
                **details,
            )
        )

    def remove(self, run: Run) -> None:
        """Take a run that was written by hand out of the world, as if it had never been."""
        with self._lock:
            self._scripted[run.platform, run.workload].remove(run)

    def move(self, run: Run, workload: str) -> Run:
        """Have a run that was written by hand be another workload's, as if it had always been."""
        self.remove(run)
        return self.add(replace(run, workload=workload))

    def runs(self, platform: Platform, key: str, since: int, until: int) -> Iterator[Run]:
        """The runs of a workload that are created in ``[since, until)``, oldest first."""
        generated = self._generated.between((platform, key), since, until)
        yield from heapq.merge(self._scripted_between(platform, key, since, until), generated, key=birth_order)

    def newest_first(
        self, platform: Platform, key: str, now: int, before: tuple[int, str] | None = None
    ) -> Iterator[Run]:
        """The runs visible at ``now``, newest creation first; ``before`` continues behind that (created, id)."""
        until = now + 1 if before is None else before[0] + 1
        scripted = reversed(self._scripted_between(platform, key, None, until))
        generated = self._generated.newest_first((platform, key), until)
        for run in heapq.merge(scripted, generated, key=birth_order, reverse=True):
            if run.visible_at <= now and (before is None or birth_order(run) < before):
                yield run

    def alive(self, platform: Platform, key: str, since: int, until: int) -> Iterator[Run]:
        """Every run that may change state, or become visible, in ``[since, until)``, and perhaps some more."""
        yield from tuple(self._scripted.get((platform, key), ()))
        reach = self._generated.reach((platform, key), until)
        yield from self._generated.between((platform, key), since - reach, until)

    def may_run(self, platform: Platform) -> set[str]:
        """The keys of the workloads that may have runs: of tens of thousands they may be few."""
        return {key for found, key in (*self._generated.profiles, *self._scripted) if found == platform}

    def states(self, platform: Platform, key: str, since: int, until: int, now: int) -> Counter[State]:
        """How many runs created in ``[since, until)`` are in which state at ``now``."""
        scripted = tally(self._scripted_between(platform, key, since, until), now)
        return scripted + self._generated.states((platform, key), since, until, now)

    def _scripted_between(self, platform: Platform, key: str, since: int | None, until: int) -> list[Run]:
        runs = self._scripted.get((platform, key), [])
        low = 0 if since is None else bisect_left(runs, since, key=_birth)
        return runs[low : bisect_left(runs, until, key=_birth)]


def _birth(run: Run) -> int:
    return run.created_at
