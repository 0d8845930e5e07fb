"""What must hold at the end of a soak; each function returns sentences about what does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from exporter.catalogue.runs import RUNS
from exporter.simulator import Platform
from exporter.simulator.clock import DAY
from exporter.times import Micros
from tests.exact.world import START, Numbers, numbers
from tools.soak.running import Day, Soak
from tools.soak.worlds import PASSING, PLATFORMS, RARE, RETURNING, STAYING, STAYING_NAME, Course

TOLERANCE: Final = 1.05
"""What is flat may still wave: a page of memory or of the file more or less."""


def wrong(soak: Soak) -> list[str]:
    """Everything that is not as it must be."""
    return [*growing(soak.days, soak.course), *(text for platform in PLATFORMS for text in _wrong_at(soak, platform))]


def growing(days: Sequence[Day], course: Course) -> Iterator[str]:
    """Compare the last days with those before, when as many workloads were forgotten as came."""
    full = course.forget_after + course.passing_for + course.passing_every
    steady = [day for day in days if day.day >= full]
    half = len(steady) // 2
    if half < 2:
        yield f"{course.days} days are too few: nothing is steady before day {full}"
        return
    for field in Day._fields[1:]:
        before = max(getattr(day, field) for day in steady[:half])
        after = max(getattr(day, field) for day in steady[half:])
        if after > before * TOLERANCE:
            yield f"{field} grows: {before} at most until day {steady[half - 1].day}, {after} after it"


def _wrong_at(soak: Soak, platform: Platform) -> Iterator[str]:
    target = soak.made.targets[platform]
    labels = {state.label for state in target.ledger.workloads.values()}
    course, last = soak.course, soak.days[-1].day
    for name in (RARE, RETURNING, *(f"{STAYING_NAME} {number}" for number in range(STAYING))):
        if name not in labels:
            yield f"{platform}: {name!r} is not known any more"
    numbered = (label for label in labels if label.startswith(PASSING))
    for label in numbered:
        gone = 2 + int(label.rpartition(" ")[2]) * course.passing_every + course.passing_for
        if last > gone + course.forget_after + 2:
            yield f"{platform}: {label!r} left on day {gone} and is still known on day {last}"
    counted = soak.made.counted(platform)
    for names, since in (((RARE, STAYING_NAME), START), ((RETURNING,), START + course.back_at * DAY)):
        expected = _runs(_truth(soak, platform, since), names)
        found = _runs(counted, names)
        if found != expected:
            yield f"{platform}: counted {found}, happened {expected}"


def _truth(soak: Soak, platform: Platform, since: Micros) -> Numbers:
    baseline = soak.simulator.baseline(platform) or START
    since = max(since, baseline)
    windowed = next(face.windowed for face in soak.simulator.faces if face.platform == platform)
    return numbers(soak.simulator.truth(platform, since if windowed else since - 1, soak.clock(), baseline))


def _runs(found: Numbers, names: tuple[str, ...]) -> dict[tuple[str, ...], int]:
    return {
        labels: number
        for (family, labels), number in sorted(found.items())
        if family == RUNS.name and labels[0].startswith(names)
    }
