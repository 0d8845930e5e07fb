"""The world of a life: dense, quiet while the exporter takes its baseline, and full of what makes counting hard.

Lengths are given in real seconds and stretched by the speed of the world. Before ``wake`` nothing begins or ends, so
that the baseline is the same at whichever instant the exporter takes it; what is under way then goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final, NamedTuple

from exporter.platforms.foundry.outcome import LAG
from exporter.simulator import Change, Platform, Trigger, World
from exporter.simulator.clock import SECOND
from exporter.simulator.generate import Profile
from exporter.simulator.model import whole_seconds
from exporter.simulator.schedules import Cron, Every, Schedule
from exporter.simulator.workloads import Place
from tools.chaos.clock import SharedClock

PACE: Final = 2.0
"""Real seconds between two runs of a workload."""
DURATION: Final = 0.6
"""Median real seconds that a run works; none works longer than four times that."""
SETTLED_AFTER: Final = 12.0
"""Real seconds after its creation at which every generated run has come to rest, with a margin."""
SPANNING_UNTIL: Final = 15.0
"""Real seconds after the start at which runs end that had begun before; less than ``settle``, so that windows that
begin while they are under way hold them."""
HISTORY: Final = 60.0
"""Real seconds of history before the quiet."""
LATEST: Final = 6.0
"""Real seconds by which runs may become visible late."""
LONG: Final = (4.0, 9.0)
"""Real seconds that long runs last."""

ANSWERED_WITHIN: Final = 1.6
"""Real seconds that an answer may be under way: the timeout of the exporter, and a margin."""

LONG_NAME: Final = "long " * 2000
AWKWARD_NAME: Final = 'quote " slash / backslash \\ newline \n emoji \N{ROCKET} 100%?#'
HALF_NAME: Final = "half a pair \ud83d"


class Made(NamedTuple):
    """How a workload of the world is made."""

    name: str
    trigger: str = "event"
    owner: str = ""
    cron: str | None = None


WORKLOADS: Final[Mapping[Platform, Sequence[Made]]] = {
    "roboto": (
        Made("ros_ingestion"),
        Made("ros_ingestion", owner="og_roboto_public"),
        Made(AWKWARD_NAME),
        Made(LONG_NAME),
        Made(HALF_NAME),
        Made("_other"),
    ),
    "foundry": (
        Made("ticket-triage", "github_issue"),
        Made(AWKWARD_NAME, "custom"),
        Made(LONG_NAME, "custom"),
        Made("hourly-digest", "schedule", cron="0 * * * *"),
        Made("日次レポート", "custom"),
    ),
    "granite": (
        Made("Generate Monthly Report", "scheduled"),
        Made(AWKWARD_NAME, "endpoint"),
        Made(LONG_NAME, "manual"),
        Made("Rechnungsprüfung 請求書", "endpoint"),
    ),
    "moderately": (
        Made("Research Assistant"),
        Made(AWKWARD_NAME),
        Made(LONG_NAME),
        Made(HALF_NAME),
        Made("Data Steward"),
    ),
}
PLATFORMS: Final = tuple(WORKLOADS)
LISTED: Final[Sequence[Platform]] = ("foundry", "moderately")
"""Platforms that tell single runs, each with its id."""
WINDOWED: Final[Sequence[Platform]] = ("roboto", "granite")
"""Platforms that tell sums over windows."""


def build(seed: int, clock: SharedClock) -> World:
    """A world that had a past and is now quiet."""
    start = clock.start
    quiet_from = start - clock.lasting(SETTLED_AFTER)
    world = World(seed, whole_seconds(quiet_from - clock.lasting(HISTORY)))
    random = Random(f"world {seed}")  # noqa: S311  reproducible on purpose
    for platform, workloads in WORKLOADS.items():
        for made in workloads:
            _add(world, random, clock, platform, made)
    for platform, key in _places(world):
        world.edit_workload(platform, key, at=whole_seconds(quiet_from), enabled=False)
        _add_spanning(world, clock, platform, key)
    return world


class Script:
    """What happens beside the generated runs: waking, awkward runs written as time goes by, and rest."""

    def __init__(self, world: World, clock: SharedClock, *, gauges: Sequence[Platform]) -> None:
        self._world = world
        self._clock = clock
        self._gauges = gauges
        self.timeless = True
        """Whether runs are written that tell no time at all. Nobody can say of one, in a listing that is in no order,
        whether it is new."""
        self._random = Random(f"script {world.seed}")  # noqa: S311  reproducible on purpose
        self._next: dict[Place, int] = {}
        self._lock = threading.Lock()

    def wake(self) -> None:
        """From now on runs are fired."""
        now = whole_seconds(self._clock())
        with self._lock:
            for platform, key in _places(self._world):
                self._world.edit_workload(platform, key, at=now, enabled=True)
            self._next = {place: now for place in _places(self._world) if place[0] in LISTED}

    def go_on(self) -> None:
        """Write down what has begun since the last call. To be called before the world is looked at."""
        now = self._clock()
        with self._lock:
            for place in self._next:
                while self._next[place] <= now:
                    _add_awkward(
                        self._world, self._random, self._clock, place, self._next[place], timeless=self.timeless
                    )
                    pause = whole_seconds(self._clock.lasting(self._random.uniform(1, 6)))
                    self._next[place] += max(SECOND, pause)

    def rest(self) -> None:
        """No run is fired any more; of some workloads runs that have just begun never end, for the gauges."""
        now = whole_seconds(self._clock())
        with self._lock:
            self._next = {}
            self._world.end_at(now)
            for number, (platform, key) in enumerate(_places(self._world)):
                for copy in range(number % 3 if platform in self._gauges else 0):
                    started = None if copy else now - SECOND
                    self._world.add_run(
                        platform, key, id=f"open-{number}-{copy}", triggered=now - 2 * SECOND, started=started
                    )


def longest_lag(clock: SharedClock) -> int:
    """Microseconds for which a status may lag behind its run: the exporter takes the outcome for unknown when it still
    does 10 minutes after the end, and an answer is read up to ``ANSWERED_WITHIN`` after it was written."""
    return max(0, LAG - clock.lasting(ANSWERED_WITHIN))


def _places(world: World) -> list[Place]:
    return [(platform, key) for platform in PLATFORMS for key in world.keys(platform)]


def _add(world: World, random: Random, clock: SharedClock, platform: Platform, made: Made) -> None:
    pace = PACE * random.uniform(0.6, 1.5)
    period = max(SECOND, whole_seconds(clock.lasting(pace)))
    schedule: Schedule = Cron(made.cron) if made.cron else Every(period, random.randrange(period // SECOND) * SECOND)
    profile = Profile(
        schedule=schedule,
        trigger_type=made.trigger,
        trigger_name="main",
        attempt_source="schedule_delivery" if made.cron else "event_fire",
        action_type=random.choice(("invoke_agent_responses_api", "invoke_agent_invocations_api")),
        jitter=1 if made.cron else max(1, period // SECOND // 2),
        wait=DURATION / 4 * clock.speed,
        duration=DURATION * random.uniform(0.3, 1.0) * clock.speed,
        failures=0.2,
        cancellations=0.05,
        retries=0.4 if platform == "foundry" else 0.0,
        requeues=0.3 if platform == "roboto" else 0.0,
    )
    world.add_workload(
        platform,
        made.name,
        key=f"{platform}-{len(world.keys(platform))}",
        owner=made.owner,
        triggers={"main": Trigger(made.trigger, made.cron)},
        agent="agent-1" if platform == "foundry" else None,
        at=world.history_start,
        profile=profile,
    )


def _add_spanning(world: World, clock: SharedClock, platform: Platform, key: str) -> None:
    """A run that is under way when the world begins, and mostly at the baseline too."""
    began = whole_seconds(clock.start - clock.lasting(1))
    world.add_run(
        platform,
        key,
        id=f"spanning {key}",
        triggered=began,
        started=began + SECOND,
        ended=whole_seconds(clock.start + clock.lasting(SPANNING_UNTIL)),
        outcome="failed",
        error_type="spanning",
    )


def _add_awkward(world: World, random: Random, clock: SharedClock, place: Place, at: int, *, timeless: bool) -> None:
    """A run that is long, becomes visible late, pauses, tells no times, or has a status that lags."""

    def lasting(least: float, most: float) -> int:
        return SECOND + whole_seconds(clock.lasting(random.uniform(least, most)))

    platform, key = place
    started = at + SECOND
    ended = started + lasting(0.1, 1)
    hard = ("late", "long", *(("timeless",) if timeless else ()), "lagging" if platform == "foundry" else "paused")
    match random.choice(hard):
        case "late":
            visible = at + lasting(0.2, LATEST)
            world.add_run(platform, key, triggered=at, started=started, ended=ended, visible=visible)
        case "long":
            ended = started + lasting(*LONG)
            world.add_run(platform, key, triggered=at, started=started, ended=ended, outcome="failed", status_code=504)
        case "timeless":
            hidden = ("created_at", "triggered_at", "started_at", "ended_at")
            world.add_run(platform, key, triggered=at, started=started, ended=ended, hidden=hidden)
        case "paused":
            ended = (paused := started + lasting(0.1, 2)) + lasting(0.1, 2)
            changes = (
                Change(at, "queued"),
                Change(started, "running"),
                Change(paused, "paused"),
                Change(ended, "cancelled"),
            )
            world.add_run(platform, key, changes=changes, triggered=at)
        case _:
            lag = min(lasting(0.1, 2), longest_lag(clock))
            world.add_run(platform, key, triggered=at, started=started, ended=ended, status_lag=lag)
