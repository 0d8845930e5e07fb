"""Days of history in a Prometheus, made in seconds: the program on a clock by hand, its scrapes written as blocks.

The world goes on for two days with an incident now and then (``INCIDENTS``); at its end one agent fails, a
schedule is overdue, a run is stuck and a target is not read. Everything follows from fixed numbers, so that the
same history comes every time, but for what the process tells about itself.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx

from exporter.app.targets import build, expectations
from exporter.catalogue import own
from exporter.config import PLATFORMS as SETTINGS
from exporter.config import Match, Objective, WorkloadRule
from exporter.exposition import Snapshot
from exporter.http import Budgets
from exporter.publisher import Publisher
from exporter.runner import Runner
from exporter.selfmetrics import SelfMetrics
from exporter.simulated import demo_target
from exporter.simulator import ManualClock, Platform, Simulator, demo_world
from exporter.simulator.incidents import IncidentName
from exporter.simulator.quota import RateLimit
from exporter.store.sqlite import SqliteStore
from exporter.target import Target
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros, Moment, from_datetime
from tests.real.binaries import Binaries

END: Final = from_datetime(datetime(2025, 9, 24, 13, 7, tzinfo=UTC))
"""When the history ends: a Wednesday, long ago, so that no block is refused for being too young."""
LENGTH: Final = 2 * DAY
STEP: Final = 10 * MINUTE
"""Between two polls of everything, each followed by a scrape."""
SCRAPE_DELAY: Final = 100 * SECOND
START: Final = END - LENGTH

BLOCK: Final = 18 * HOUR
"""promtool is fast when a file holds one aligned block."""

JOB: Final = "automation"
INSTANCE: Final = "exporter.example.net:10077"
MEMORY: Final = Path("/dev/shm")
"""Where the state is written, since thousands of commits to a disk would take minutes."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An incident from ``ago`` before the end on, for ``lasts`` (None: it is still on)."""

    name: IncidentName
    platform: Platform
    ago: Micros
    lasts: Micros | None = None
    workload: str | None = None


INCIDENTS: Final[Sequence[Trouble]] = (
    Trouble("expired_token", "foundry", 31 * HOUR, 45 * MINUTE),
    Trouble("failure_burst", "foundry", 26 * HOUR, 70 * MINUTE, "ticket-triage"),
    Trouble("dead_upstream", "roboto", 20 * HOUR, 50 * MINUTE),
    Trouble("token_spike", "granite", 12 * HOUR, 90 * MINUTE),
    Trouble("token_spike", "moderately", 12 * HOUR, 90 * MINUTE),
    Trouble("quota_low", "granite", 9 * HOUR, 40 * MINUTE),
    Trouble("failure_burst", "roboto", 7 * HOUR, 45 * MINUTE, "csv_processor"),
    Trouble("stuck_run", "foundry", 5 * HOUR, None, "日次レポート"),
    Trouble("missed_schedule", "foundry", 130 * MINUTE, None, "hourly-digest"),
    Trouble("failure_burst", "moderately", 150 * MINUTE, None, "agent-2"),
)
SECOND_FLEET_DIES: Final = END - 50 * MINUTE

EXPECTED: Final = (
    WorkloadRule(match=Match(workload="*"), objective=Objective(success_ratio=0.9, max_silence="26h", max_active="2h")),
    WorkloadRule(
        match=Match(platform="foundry", workload="hourly-*"),
        labels={"team": "data"},
        objective=Objective(max_silence="2h"),
    ),
)

LIMITS: Final[Mapping[Platform, RateLimit]] = {"granite": RateLimit(300, 3600), "moderately": RateLimit(600, 3600)}


class Clock:
    """The simulator's clock as the program's: world and wall are the same, monotonic goes with them."""

    def __init__(self, world: ManualClock) -> None:
        self.world = world

    def now(self) -> Moment:
        """Return this instant."""
        return Moment(self.world(), self.world())

    def monotonic(self) -> float:
        """Return seconds."""
        return self.world() / SECOND


class Distance(httpx.BaseTransport):
    """A simulator that takes its time: each request moves the clock by some tenths of a second."""

    def __init__(self, simulator: Simulator, clock: ManualClock) -> None:
        self._transport = simulator.transport()
        self._clock = clock
        self._random = Random(7)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a while later."""
        self._clock.advance(self._random.lognormvariate(-1.9, 0.5))
        return self._transport.handle_request(request)


class Exporter:
    """All of the program but schedule and web: four platforms, and a second Roboto organization."""

    def __init__(self, clock: ManualClock, state: Path) -> None:
        self.clock = Clock(clock)
        self.metrics = SelfMetrics()
        self.snapshot = Snapshot()
        self.publisher = Publisher(self.snapshot, self.metrics, self.clock)
        self.store = SqliteStore(state, clock(), self.metrics.state_commit)
        self.runner = Runner(self.store, self.publisher, self.metrics, self.clock)
        self.budgets = Budgets(clock=self.clock.monotonic, wall=self.clock.monotonic)
        self.targets: list[Target] = []
        self.metrics.config_reload(True, clock() / SECOND)
        self.metrics.set_process(own.STATE_CREATED, self.store.created_at() / SECOND)

    def add(self, name: str, platform: Platform, simulator: Simulator, **settings: Any) -> None:
        """Poll a simulated platform under this name."""
        clock = self.clock.world
        raw = demo_target(platform, simulator.endpoints()[platform], simulator.credentials)
        raw |= {"name": name, "interval": f"{STEP // SECOND}s", "overlap": "20m", **settings}
        target = build(
            SETTINGS[platform].model_validate(raw),
            store=self.store,
            budgets=self.budgets,
            metrics=self.metrics,
            clock=self.clock,
            transport=Distance(simulator, clock),
            sleep=clock.advance,
            holds=False,
        )
        target.expect = expectations(EXPECTED, target.labels)
        self.targets.append(target)

    def poll(self) -> None:
        """Poll all targets that their circuit allows."""
        for target in self.targets:
            if target.circuit.allow(self.clock.monotonic()):
                self.runner.run(target)

    def scrape(self) -> str:
        """Return what a scrape would get now."""
        self.metrics.set_process(own.STATE_SIZE, self.store.size_bytes())
        for target in self.targets:
            self.publisher.refresh(target)
        self.publisher.refresh_own()
        assert self.snapshot.current is not None
        return self.snapshot.current.text.decode()

    def close(self) -> None:
        """End it."""
        for target in self.targets:
            target.client.close()
        self.store.close()


def scrapes(state: Path) -> Iterator[tuple[float, str]]:
    """Yield times (unix seconds) and text expositions of the two days."""
    clock = ManualClock(START - STEP)
    world = demo_world(3, clock(), workloads=6, pace=1100.0, failures=0.03, requeues=0.3)
    simulator = Simulator(world, clock=clock)
    simulator.rate_limits |= LIMITS
    for trouble in INCIDENTS:
        world.incidents.start(trouble.name, END - trouble.ago, trouble.lasts, trouble.platform, trouble.workload)
    second = Simulator(demo_world(4, clock(), ("roboto",), workloads=3, pace=900.0, failures=0.02), clock=clock)
    second.world.incidents.start("dead_upstream", SECOND_FLEET_DIES)
    exporter = Exporter(clock, state)
    try:
        exporter.add("fleet", "roboto", simulator)
        exporter.add("fleet-eu", "roboto", second)
        exporter.add("support-routines", "foundry", simulator)
        exporter.add("back-office", "granite", simulator, workflow_tokens=True, deep_interval="30m")
        exporter.add("agents", "moderately", simulator)
        for at in range(START, END, STEP):
            clock.set(at)
            exporter.poll()
            clock.set(max(clock(), at + SCRAPE_DELAY))
            yield clock() / SECOND, exporter.scrape()
    finally:
        exporter.close()


def write(folder: Path) -> list[Path]:
    """Write the history as OpenMetrics with timestamps, a file for each block; return the files."""
    files: list[Path] = []
    samples: dict[str, list[str]] = defaultdict(list)
    block = START // BLOCK
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as state:
        for at, text in scrapes(Path(state, "state.db")):
            if round(at * SECOND) // BLOCK != block:
                files.append(_file(folder, len(files), samples))
                samples.clear()
                block = round(at * SECOND) // BLOCK
            _take(text, at, samples)
    return [*files, _file(folder, len(files), samples)]


def _take(text: str, at: float, samples: dict[str, list[str]]) -> None:
    """Sort the lines of one scrape under their series, with the labels that Prometheus would give them."""
    samples[f'up{{job="{JOB}",instance="{INSTANCE}"}}'].append(f"1 {at:.3f}")
    for line in text.splitlines():
        if not line.startswith("#"):
            series, _, value = line.rpartition(" ")
            name, brace, labels = series.partition("{")
            if name == "process_start_time_seconds":  # of the process that writes this, which is younger
                value = repr(START / SECOND)
            around = f'job="{JOB}",instance="{INSTANCE}"'
            whole = f"{name}{{{around},{labels}" if brace else f"{name}{{{around}}}"
            samples[whole].append(f"{value} {at:.3f}")


def _file(folder: Path, number: int, samples: Mapping[str, Sequence[str]]) -> Path:
    """Write one file, series by series. It has no types: promtool would not keep them."""
    path = folder / f"history-{number}.om"
    with path.open("w", encoding="utf-8") as file:
        for series, values in samples.items():
            file.writelines(f"{series} {value}\n" for value in values)
        file.write("# EOF\n")
    return path


def load(files: Sequence[Path], binaries: Binaries, data: Path) -> None:
    """Make blocks of the history in ``data``, the folder of a Prometheus that is not started yet."""
    data.mkdir(parents=True, exist_ok=True)
    for path in files:
        subprocess.run(
            (binaries.promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", path, data),
            check=True,
            capture_output=True,
            text=True,
        )
