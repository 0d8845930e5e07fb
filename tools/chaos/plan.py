"""The decisions of a life: all of them from the seed, none from what happens, so that a seed reproduces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final, get_args

from exporter.killpoints import Point
from exporter.simulator.moderately import Order
from tools.chaos.deck import DECK, UNDATED, Bend
from tools.chaos.worlds import WINDOWED, WORKLOADS

POINTS: Final[tuple[Point, ...]] = get_args(Point)

SPEEDS: Final = (60.0, 300.0, 1440.0, 20.0)
"""How many times faster than real time the worlds of the lives run, in turn. At the fastest, days pass and ids are
pruned; at the slowest, clocks agree best and anchors move on nearly every try."""

EARLY_CYCLES: Final = 3
AIMED_SHARE: Final = 0.5
FROM_LAUNCH_SHARE: Final = 0.2
FASTEST_KILL: Final = 1.0
SLOWEST_KILL: Final = 3.0
FAULTS_AT_ONCE: Final = 3
MOST_FAULTS_AT_ONCE: Final = 8
DEEPEST_AIM: Final[Mapping[Point, int]] = {"start": 1, "release": 2}
USUAL_DEEPEST_AIM: Final = 20
"""A named point is aimed at when it is reached for up to this many times; most are reached again and again."""

SKEWS: Final = (0, 0, 0, 600, -600, 30, -30)
"""Seconds by which the clock of a windowed upstream is ahead of ours."""
ONE_WORKLOAD_SHARE: Final = 0.25

ORDERS: Final[Sequence[Order]] = ("descending", "ascending", "none")
"""In which Moderately lists, two lives after two."""

INCIDENTS: Final = ("failure_burst", "stuck_run", "expired_token", "dead_upstream", "quota_low")
INCIDENT_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class FaultOn:
    """A fault that is switched on for the length of a cycle."""

    name: str
    platform: str | None
    probability: float = 1.0
    times: int | None = None
    """It meets so many requests and no more."""
    path: str | None = None
    """It meets requests of paths with this in them, such as those for one workload."""
    options: dict[str, Any] = field(default_factory=dict)


BOUNDS: Final[Mapping[int, FaultOn]] = {
    3: FaultOn("inclusive_windows", None, options={"seconds": 1}),
    5: FaultOn("rounded_windows", None),
}
"""How windowed upstreams read the bounds of a window in the n-th of seven lives; in the others as they are told."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """From one start of the exporter to its kill: ``seconds`` after it is ready, or earlier at a named point."""

    seconds: float
    from_launch: bool
    """``seconds`` count from when the process was launched, so that the kill can meet it while it starts."""
    point: Point | None
    count: int
    faults: tuple[FaultOn, ...]
    incident: str | None

    @property
    def aim(self) -> str | None:
        """What the exporter is told about its end."""
        return f"{self.point}:{self.count}" if self.point else None


@dataclass(frozen=True, slots=True)
class Life:
    """Everything that is decided about a life before it begins."""

    number: int
    seed: int
    speed: float
    strict: bool
    """Only faults are dealt that bend nothing."""
    bounds: FaultOn | None
    """How windowed upstreams read the bounds of a window, all their life; None: to the microsecond."""
    order: Order
    """In which order Moderately lists, all its life."""
    skew: int
    """Seconds by which the clocks of windowed upstreams are ahead, all their life: sums of runs that were filed under
    another time before would be other sums, and nobody could tell."""
    keyed_by: str
    """Which time puts a run into a window of the windowed upstream."""
    short_windows: bool
    """The longest window is so short that moves of the anchor have to be forced when they were refused for a while."""
    short_memory: bool
    """Ids are remembered for so short that they are pruned, at least where the world runs fast."""
    early: tuple[Cycle, ...]
    """Before the exporter has begun to count, as many of them as that takes."""
    cycles: tuple[Cycle, ...]

    @property
    def always(self) -> tuple[FaultOn, ...]:
        """What is so from the first request to the last."""
        bounds = () if self.bounds is None else tuple(replace(self.bounds, platform=name) for name in WINDOWED)
        skewed = WINDOWED if self.skew else ()
        return bounds + tuple(FaultOn("skewed_clock", name, options={"seconds": self.skew}) for name in skewed)

    @property
    def kind(self) -> str:
        """For the table."""
        return "strict" if self.strict else "bent"

    @property
    def bends(self) -> frozenset[Bend]:
        """What the faults of this life may bend."""
        names = {fault.name for cycle in self.cycles for fault in cycle.faults}
        return frozenset(bend for name in names for bend in DECK[name].bends)


def plan(seed: int, number: int, kills: int, platforms: Sequence[str]) -> Life:
    """Decide about the ``number``-th life of a run."""
    random = Random(f"chaos {seed} {number}")  # noqa: S311  reproducible on purpose
    strict = number % 2 == 0
    speed = SPEEDS[number // 2 % len(SPEEDS)]
    order = ORDERS[number // 2 % len(ORDERS)]
    return Life(
        number=number,
        seed=seed,
        speed=speed,
        strict=strict,
        bounds=BOUNDS.get(number % 7),
        skew=random.choice(SKEWS),
        keyed_by=random.choice(("creation", "creation", "completion")),
        order=order,
        short_windows=random.random() < 0.5,
        short_memory=random.random() < 0.5,
        early=tuple(_cycles(random, EARLY_CYCLES, [name for name, card in DECK.items() if card.early], platforms)),
        cycles=tuple(_cycles(random, kills, dealt(strict, order), platforms)),
    )


def dealt(strict: bool, order: Order) -> list[str]:
    """Name the faults of a life."""
    return [
        name for name, card in DECK.items() if not (strict and card.bends) and not (order == "none" and name in UNDATED)
    ]


def _cycles(random: Random, kills: int, names: Sequence[str], platforms: Sequence[str]) -> list[Cycle]:
    """Deal all the faults named, and again when they are used up."""
    at_once = min(MOST_FAULTS_AT_ONCE, max(FAULTS_AT_ONCE, -(-len(names) // kills)))
    deck: list[str] = []
    cycles = []
    for _ in range(kills):
        if len(deck) < at_once:
            fresh = sorted(set(names) - set(deck))
            random.shuffle(fresh)
            deck = fresh + deck
        dealt = [deck.pop() for _ in range(at_once)]
        point = random.choice(POINTS) if random.random() < AIMED_SHARE else None
        deepest = USUAL_DEEPEST_AIM if point is None else DEEPEST_AIM.get(point, USUAL_DEEPEST_AIM)
        cycles.append(
            Cycle(
                seconds=round(random.uniform(FASTEST_KILL, SLOWEST_KILL), 3),
                from_launch=random.random() < FROM_LAUNCH_SHARE,
                point=point,
                count=round(deepest ** random.random()),
                faults=tuple(_switched(random, name, platforms) for name in dealt),
                incident=random.choice(INCIDENTS) if random.random() < INCIDENT_SHARE else None,
            )
        )
    return cycles


def _switched(random: Random, name: str, platforms: Sequence[str]) -> FaultOn:
    times = 1 if DECK[name].once else random.choice((None, None, 1, 4))
    platform = random.choice(DECK[name].platforms or (None, *platforms))
    one = platform == "foundry" and random.random() < ONE_WORKLOAD_SHARE
    return FaultOn(
        name,
        platform=platform,
        path=f"/{random.choice(WORKLOADS['foundry']).name}/" if one else None,
        probability=round(random.uniform(0.1, 0.6), 2) if times is None else 1.0,
        times=times,
        options=DECK[name].options(random),
    )
