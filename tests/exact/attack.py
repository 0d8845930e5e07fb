"""One platform under attack in process: what ``./run chaos`` does to real processes, on a hand clock and in seconds.

Everything is decided by the seed. World and faults are those of ``tools/chaos``; kills are exceptions at its named
points, which the program does not catch, and failing commits are errors of the database before and after COMMIT.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from exporter import killpoints
from exporter.catalogue.ledger import CORRECTIONS, LATE_RUNS_SKIPPED, RUNS_EXPIRED
from exporter.counting.states import SeriesKey
from exporter.http import client
from exporter.platforms.foundry import fetch
from exporter.platforms.parallel import Job
from exporter.simulator import ManualClock, Platform
from exporter.simulator.truth import active_runs
from exporter.times import HOUR, SECOND, Micros
from tests.exact.world import START, Program, program
from tools.chaos import plan, truth
from tools.chaos.clock import SharedClock
from tools.chaos.deck import DECK, Bend
from tools.chaos.plan import BOUNDS, ORDERS, SKEWS
from tools.chaos.upstream import Upstream
from tools.chaos.worlds import LISTED, WINDOWED

SPEEDS: Final = (20.0, 60.0, 300.0, 1440.0)
"""Seconds of the world between two polls. At the fastest, days pass and ids are pruned."""
POLLS: Final = 40
MOST_POLLS_OF_A_LIFE: Final = 20
SETTLING: Final = 26
AGAIN: Final = 5
KILLED: Final = 0.12
COMMIT_FAILS: Final = 0.05
FAULTY: Final = 0.7
FAULTS_AT_ONCE: Final = 3
CLOCK_STEPS: Final = 0.1
STEPS: Final = (0, -3 * HOUR, 3 * HOUR, -HOUR, 5 * HOUR)
OUTAGE: Final = 0.15
OUTAGES: Final = (15, 40)
"""Polls that are not made, between two lives."""
DATES: Final = frozenset({"no_date", "bad_date", "clock_skew"})
"""Faults by which the upstream does not tell the time: not while our clock is wrong, or nobody knows it."""
TOO_SLOW: Final = frozenset({"oversized_body", "gzip_bomb", "deep_json"})
"""They cost seconds in an attack of many polls, and have tests of their own."""


MOST_WRITTEN_OFF: Final = 3
"""Runs of a strict attack: windows that share an instant tell one twice, and nothing else may. The comparison alone
does not see more, since what was written off is taken from what was counted."""

LACKING: Final = frozenset(
    {"dropped_rows", "empty_list", "endless_empty_pages", "late_rows", "lost_rows", "record_not_an_object"}
    | {"record_without_id", "missing_names"}
)
"""Faults by which an answer lacks rows. Of Moderately they meet executions only: an agent that two answers running lack
is unnamed, and whom its runs were counted for can never be put right."""


class Killed(BaseException):
    """The process is gone."""


@dataclass(frozen=True, slots=True)
class HandTime(SharedClock):
    """World time that one process has for itself."""

    hand: ManualClock

    def __call__(self) -> int:
        return self.hand()


def one_by_one(jobs: Iterable[Job[Any]], workers: int) -> Iterator[Any]:
    """Read listings in turn and not at once, so that a seed that fails fails again."""
    del workers
    for job in jobs:
        yield from job()


class Attack:
    """A seed's world, program and faults; ``run`` returns what is wrong in the end, one line each."""

    def __init__(self, platform: Platform, seed: int, state: Path) -> None:
        self.random = random = Random(f"attack {platform} {seed}")
        self.more = Random(f"clocks and outages {platform} {seed}")
        self.clock_wrong = 0
        self.platform = platform
        self.seed = seed
        self.state = state
        self.wrong: list[str] = []
        self.strict = seed % 2 == 0
        self.speed = SPEEDS[seed // 2 % len(SPEEDS)]
        self.clock = ManualClock(START)
        self.short_memory = random.random() < 0.5
        self.short_windows = random.random() < 0.5
        self.holds = random.random() < 0.5
        given_up = self.short_memory if platform in LISTED else self.short_windows
        world_clock = HandTime(START, 0, self.speed, self.clock)
        order = ORDERS[seed // 2 % len(ORDERS)] if platform == "moderately" else "descending"
        self.simulator = Upstream(seed, world_clock, [] if given_up else [platform], order)
        self.simulator.roboto.keyed_by = self.simulator.granite.keyed_by = random.choice(
            ("creation", "creation", "completion")
        )
        self.simulator.roboto.page_size = 4
        self.always = BOUNDS.get(seed % 7) if platform in WINDOWED else None
        self.skew = Random(f"skew {platform} {seed}").choice(SKEWS) if platform in WINDOWED else 0
        self.bends: set[Bend] = set()
        self.shown: dict[SeriesKey, tuple[int, ...]] = {}
        self.left = 0
        self.error = False

    def run(self) -> list[str]:
        """Attack, settle, compare."""
        pauses = SimpleNamespace(Random=lambda: Random(self.seed))  # which the program draws between retries
        with (
            patch.object(killpoints, "reached", self._reached),
            patch.object(fetch, "in_parallel", one_by_one),
            patch.object(client, "random", pauses),
        ):
            self._begin()
            self._attack()
            self._settle()
        return self.wrong

    def _begin(self) -> None:
        """Take a baseline, perhaps through faults, and wake the world."""
        early = [name for name, card in DECK.items() if card.early and name not in TOO_SLOW]
        for _ in range(self.random.randint(0, 3)):
            if not truth.baselines(self.state):
                self._live(1, early, patient=True)
        self._calm()
        self._live(3, [], patient=True)  # a run without times is history to the first walk of its listing
        self.simulator.script.wake()

    def _attack(self) -> None:
        dealt = [name for name in plan.dealt(self.strict, self.simulator.moderately.order) if name not in TOO_SLOW]
        polls = 0
        while polls < POLLS:
            if self.more.random() < OUTAGE:
                self.clock.advance(self.speed * self.more.choice(OUTAGES))
            polls += self._live(self.random.randint(1, MOST_POLLS_OF_A_LIFE), dealt)

    def _settle(self) -> None:
        self._calm()
        self.simulator.script.rest()
        self._live(SETTLING, [], patient=True)
        self._live(AGAIN, [], patient=True, compare=True)

    def _live(self, polls: int, dealt: list[str], *, patient: bool = False, compare: bool = False) -> int:
        """Start the program and poll until it is killed; returns how often it polled."""
        polled = 0
        if patient:
            self.clock_wrong = 0
        with suppress(Killed), self._program() as made:
            made.clock.wrong = self.clock_wrong
            for _ in range(polls):
                polled += 1
                self._calm()
                if dealt and self.random.random() < FAULTY:
                    self._deal(dealt)
                if not patient:
                    self._aim()
                    self._step(made)
                steps = (1.0,) if patient else (0.1, 0.5, 1.0, 1.0, 1.0, 3.0)
                self.clock.advance(self.speed * self.random.choice(steps))
                made.poll(self.platform)
                if self.holds:
                    made.text()
                    made.runner.end_holds(made.targets[self.platform])
                self._never_down(made)
            if compare:
                self._compare(made)
        return polled

    @contextmanager
    def _program(self) -> Iterator[Program]:
        with program(
            self.simulator, self.clock, self.state, [self.platform], holds=self.holds, **self._settings()
        ) as made:
            yield made

    def _settings(self) -> dict[str, Any]:
        def world(polls: float) -> str:
            return f"{max(60, round(polls * self.speed))}s"

        return {
            "interval": f"{self.speed:g}s",
            "timeout": "1500ms",
            "zero_hold": world(2),
            "max_response_bytes": "1MiB",
            "overlap": f"{4 * self.speed:g}s",
            "deep_interval": f"{1.5 * self.speed:g}s",
            "sweep_interval": f"{3 * self.speed:g}s",
            "settle": world(20),
            "max_window": world(25 if self.short_windows else 900),
            "open_run_max_age": world(60 if self.short_memory else 900),
            "memory": world(70 if self.short_memory else 910),
            "forget_after": world(3000),
        }

    # Faults

    def _calm(self) -> None:
        self.simulator.faults.clear()
        if self.always is not None:
            self.simulator.faults.on(self.always.name, **self.always.options)
        if self.skew:
            self.simulator.faults.on("skewed_clock", seconds=self.skew)
        self.left, self.error = 0, False

    def _deal(self, names: list[str]) -> None:
        for name in self.random.sample(names, FAULTS_AT_ONCE):
            card = DECK[name]
            if (card.platforms and self.platform not in card.platforms) or (self.clock_wrong and name in DATES):
                continue
            self.bends |= card.bends
            times = 1 if card.once else self.random.choice((None, 1, 4))
            probability = self.random.uniform(0.1, 0.6) if times is None else 1.0
            path = "agent-executions" if self.platform == "moderately" and name in LACKING else None
            self.simulator.faults.on(name, path=path, times=times, probability=probability, **card.options(self.random))

    def _step(self, made: Program) -> None:
        """Have our own clock step by hours, and stay wrong until it steps again."""
        if self.more.random() < CLOCK_STEPS:
            before, self.clock_wrong = self.clock_wrong, self.more.choice(STEPS)
            made.clock.wrong = self.clock_wrong
            made.runner.clock_stepped((self.clock_wrong - before) / SECOND)
            for name in DATES:
                self.simulator.faults.off(name)

    def _aim(self) -> None:
        dice = self.random.random()
        if dice < KILLED + COMMIT_FAILS:
            self.left, self.error = self.random.randint(1, 12), dice >= KILLED

    def _reached(self, point: killpoints.Point) -> None:
        """Kill, or let the commit fail: at ``after_commit`` it is on disk, and nobody was told so."""
        if not self.left or (self.error and point not in ("before_commit", "after_commit")):
            return
        self.left -= 1
        if not self.left:
            if self.error:
                raise sqlite3.OperationalError("database or disk is full")
            raise Killed

    # Compare

    def _never_down(self, made: Program) -> None:
        shown = {key: series.shown for key, series in made.targets[self.platform].ledger.series.items()}
        for key, before in self.shown.items():
            now = shown.get(key)
            if now is None or any(map(int.__lt__, now, before)):
                self.wrong.append(f"{key} fell from {before} to {now}")
        self.shown = shown

    def _compare(self, made: Program) -> None:
        written_off = truth.exposed(made.text(), made.targets[self.platform].name).own.get(CORRECTIONS.name, 0)
        if self.strict and written_off > MOST_WRITTEN_OFF:
            self.wrong.append(f"{written_off} runs were counted twice and then written off")
        self.wrong += differences(made, self.platform, self.state, self.bends, self.skew * SECOND)


def differences(made: Program, platform: Platform, state: Path, bends: Iterable[Bend], skew: Micros = 0) -> list[str]:
    """Name where what is exposed is not what happened: counters, buckets, sums, active gauges. Late runs may lack.

    ``skew``: by how much the clock of a windowed upstream is ahead of the world's.
    """
    name, simulator, now = made.targets[platform].name, made.simulator, made.world_clock()
    counted = truth.exposed(made.text(), name)
    wrong = ["something is held back for ever"] if truth.held_back(state, name) else []
    counted.numbers.subtract(truth.corrections(state, name))
    if counted.own.get(RUNS_EXPIRED.name):
        bends = {*bends, Bend.OUTCOME, Bend.TIMES}
    baseline = truth.baselines(state)[name] - skew
    since = baseline - 1 if platform in LISTED else baseline  # a listing's first instant is included
    happened = simulator.truth(platform, since, now, baseline).as_json()
    found = truth.differences(counted.numbers, truth.happened(happened), frozenset(bends))
    wrong += map(str, truth.unexplained(found, counted.own.get(LATE_RUNS_SKIPPED.name, 0)))
    active = active_runs(simulator.world, platform, now)
    told = truth.active([{"labels": dict(labels), "value": number} for labels, number in active.items()])
    return [*wrong, *map(str, truth.differences(counted.active, Counter(told), frozenset()))]
