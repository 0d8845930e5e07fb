"""The whole program but for web and schedule, against the simulator in process, on a clock set by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from exporter.app.targets import build
from exporter.catalogue import BY_NAME
from exporter.config import PLATFORMS as SETTINGS
from exporter.counting.states import Series, Value, plus
from exporter.exposition import Snapshot
from exporter.http import Budgets
from exporter.poll import Report
from exporter.publisher import Publisher
from exporter.runner import Runner
from exporter.selfmetrics import SelfMetrics
from exporter.simulated import demo_target
from exporter.simulator import ManualClock, Platform, Simulator, Truth, demo_world
from exporter.store.sqlite import SqliteStore
from exporter.target import Target
from exporter.times import DAY, SECOND, Micros, Moment

PLATFORMS: tuple[Platform, ...] = ("roboto", "foundry", "granite", "moderately")
"""Platforms that everything here is shown for; a new one joins by its name."""

AT_ONCE: Mapping[Platform, Mapping[str, Any]] = {"granite": {"deep_interval": "1s"}}
"""Settings by which what is read only now and then is read at every poll, so that all of it can be compared."""

START = 1_790_000_000 * SECOND
WALL_AHEAD = 400 * DAY

Numbers = dict[tuple[str, tuple[str, ...]], int]
"""By family and label values: a counter's number; a histogram's bucket ``le`` and sum as further labels."""


class HandClock:
    """World and wall time by hand; monotonic goes with them. ``wrong`` is how far both are ahead of the upstream's."""

    def __init__(self, world: ManualClock) -> None:
        self.world = world
        self.wrong: Micros = 0

    def now(self) -> Moment:
        now = self.world() + self.wrong
        return Moment(now, now + WALL_AHEAD)

    def monotonic(self) -> float:
        return self.world() / SECOND


class Program:
    """Targets over a simulator, with a state that can be closed and opened again.

    With ``base_url`` requests go over sockets to a simulator that is served there. Waiting moves the clock.
    """

    def __init__(
        self,
        simulator: Simulator,
        clock: ManualClock,
        state: Path | None,
        platforms: Sequence[Platform] = PLATFORMS,
        *,
        holds: bool = False,
        base_url: str | None = None,
        **settings: Any,
    ) -> None:
        self.simulator = simulator
        self.world_clock = clock
        self.clock = HandClock(clock)
        self.metrics = SelfMetrics()
        self.snapshot = Snapshot()
        self.publisher = Publisher(self.snapshot, self.metrics, self.clock)
        self.store = SqliteStore(state, self.clock.now().wall)
        self.runner = Runner(self.store, self.publisher, self.metrics, self.clock)
        self.transport = simulator.transport() if base_url is None else None
        self.endpoints = simulator.endpoints() if base_url is None else simulator.endpoints(base_url)
        self.budgets = Budgets(clock=self.clock.monotonic, wall=lambda: self.clock.now().wall / SECOND)
        self.targets = {platform: self.target(platform, holds=holds, **settings) for platform in platforms}

    def target(self, platform: Platform, *, holds: bool = False, **settings: Any) -> Target:
        """A target of a platform, over the store that all have; another ``name`` makes it another one."""
        raw = demo_target(platform, self.endpoints[platform], self.simulator.credentials)
        raw |= {"requests_per_minute": 100_000, "interval": "60s", **AT_ONCE.get(platform, {}), **settings}
        return build(
            SETTINGS[platform].model_validate(raw),
            store=self.store,
            budgets=self.budgets,
            metrics=self.metrics,
            clock=self.clock,
            transport=self.transport,
            sleep=self.world_clock.advance,
            holds=holds,
        )

    def poll(self, platform: Platform) -> Report:
        return self.runner.run(self.targets[platform])

    def poll_all(self) -> dict[Platform, Report]:
        return {platform: self.poll(platform) for platform in self.targets}

    def close(self) -> None:
        for target in self.targets.values():
            target.client.close()
        self.store.close()

    def text(self) -> str:
        self.publisher.refresh_own()
        for target in self.targets.values():
            self.publisher.refresh(target)
        self.publisher.publish(force=True)
        assert self.snapshot.current is not None
        return self.snapshot.current.text.decode()

    def counted(self, platform: Platform) -> Numbers:
        """What the target of a platform counted."""
        return counted(self.targets[platform])


def counted(target: Target) -> Numbers:
    """What a target counted, in the shape of the truth; corrections added back."""
    found: Numbers = {}
    for key, series in target.ledger.series.items():
        if key.family.startswith("automation_exporter_"):
            continue
        metric = BY_NAME[key.family]
        value = _value(series)
        if metric.type == "counter":
            found[key.family, key.labels] = value[0] - series.debt - series.written_off
        else:
            found |= histogram(key.family, key.labels, [*metric.bounds], value[:-1], value[-1])
    return {key: number for key, number in found.items() if number}


def _value(series: Series) -> Value:
    return plus(series.shown, series.pending)


def histogram(
    family: str, labels: tuple[str, ...], bounds: Sequence[float], counts: Sequence[int], total: int
) -> Numbers:
    """Buckets (not cumulative) and the sum (in stored units) as plain numbers."""
    uppers = [*(str(float(bound)) for bound in bounds), "+Inf"]
    found = {(family, (*labels, f"le={upper}")): count for upper, count in zip(uppers, counts, strict=True)}
    return found | {(family, (*labels, "sum")): total}


def numbers(truth: Truth) -> Numbers:
    """The truth in the same shape."""
    found: Numbers = {}
    for family, by_labels in truth.counters.items():
        names = BY_NAME[family].labels
        for labels, number in by_labels.items():
            found[family, tuple(dict(labels).get(name, "") for name in names)] = number
    for family, histograms in truth.histograms.items():
        names = BY_NAME[family].labels
        for labels, kept in histograms.items():
            values = tuple(dict(labels).get(name, "") for name in names)
            total = kept.sum_micros * BY_NAME[family].unit // SECOND
            found |= histogram(family, values, [*BY_NAME[family].bounds], kept.buckets, total)
    return {key: number for key, number in found.items() if number}


@contextmanager
def program(
    simulator: Simulator,
    clock: ManualClock,
    state: Path | None = None,
    platforms: Sequence[Platform] = PLATFORMS,
    **settings: Any,
) -> Iterator[Program]:
    """A program that is closed at the end."""
    made = Program(simulator, clock, state, platforms, **settings)
    try:
        yield made
    finally:
        made.close()


def assert_exact(made: Program, platform: Platform) -> None:
    """What was counted is what happened, per series, buckets and sums included."""
    truth = numbers(made.simulator.totals(platform))
    counted = {key: n for key, n in made.counted(platform).items() if key[0] != "automation_schedule_missed_total"}
    assert counted == truth


def simulator_of(clock: ManualClock, seed: int = 1, **world: Any) -> Simulator:
    """A simulator over a demo world that begins now."""
    return Simulator(demo_world(seed, clock(), **world), clock=clock)


def advance(clock: ManualClock, step: float, until: Micros) -> Iterator[Micros]:
    """Move the clock by ``step`` seconds until it is ``until``."""
    while clock() < until:
        clock.advance(step)
        yield clock()
