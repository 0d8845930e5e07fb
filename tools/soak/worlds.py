"""The world of a soak: workloads that stay, a rare one, some that come and go, and one that comes back.

All of it is written down before it begins, so that a seed says everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from exporter.simulator import Platform, Trigger, World
from exporter.simulator.clock import DAY, HOUR, SECOND
from exporter.simulator.generate import Profile
from exporter.simulator.schedules import Every

PLATFORMS: Final[tuple[Platform, ...]] = ("roboto", "foundry", "granite", "moderately")
STAYING: Final = 3
STAYING_NAME: Final = "stays"
RARE: Final = "rare"
RETURNING: Final = "returns"
PASSING: Final = "passes"


@dataclass(frozen=True, slots=True)
class Course:
    """How a soak goes, in days. ``forget_after`` is the exporter's setting."""

    days: int = 160
    forget_after: int = 100
    rare_every: int = 30
    passing_every: int = 4
    passing_for: int = 12

    @property
    def gone_at(self) -> int:
        """When the one that returns leaves."""
        return self.passing_for

    @property
    def back_at(self) -> int:
        """When it is back: it was forgotten by then."""
        return self.gone_at + self.forget_after + 2 * self.passing_every


def build(seed: int, start: int, course: Course) -> World:
    """A world that begins a day before ``start`` (microseconds)."""
    world = World(seed, start - DAY)
    random = Random(f"soak {seed}")  # noqa: S311  reproducible on purpose
    for platform in PLATFORMS:
        for name, pace, since, until in _workloads(course):
            period = round(pace * SECOND)
            profile = Profile(
                Every(period, random.randrange(period // SECOND) * SECOND),
                trigger_type="event",
                trigger_name="main",
                action_type="invoke_agent_responses_api",
                jitter=60,
                wait=20.0,
                duration=120.0,
                failures=0.1,
                requeues=0.0,
            )
            made = world.add_workload(
                platform,
                name,
                triggers={"main": Trigger("event")},
                agent="agent-1" if platform == "foundry" else None,
                at=start + since * DAY if since else world.history_start,
                profile=profile,
            )
            if until is not None:
                world.remove_workload(platform, made.key, start + until * DAY)
            if name == RETURNING:
                back = start + course.back_at * DAY
                world.keep(replace(made, created_at=back, updated_at=back))
    return world


def _workloads(course: Course) -> Iterator[tuple[str, float, int, int | None]]:
    """Name, seconds between runs, first day and last day of each."""
    hour = HOUR / SECOND
    for number in range(STAYING):
        yield f"{STAYING_NAME} {number}", 2 * hour, 0, None
    yield RARE, course.rare_every * 24 * hour, 0, None
    yield RETURNING, 6 * hour, 0, course.gone_at
    for number, since in enumerate(range(2, course.days, course.passing_every)):
        yield f"{PASSING} {number}", 6 * hour, since, since + course.passing_for
