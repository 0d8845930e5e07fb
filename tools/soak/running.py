"""One soak: polls over simulated months, and a measurement a simulated day."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from exporter.simulator import ManualClock, Simulator
from tests.exact.world import START, Program
from tools.soak.worlds import PLATFORMS, Course, build

POLL_EVERY: Final = 6 * 3600.0
"""Simulated seconds between two polls of a target."""
POLLS_A_DAY: Final = round(24 * 3600 / POLL_EVERY)
COLLECT_EVERY: Final = 5
"""Days between two full collections, which make what is measured what is held."""
SETTLING: Final = 3
"""Polls at the last instant, after which all that ended is counted."""
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Day(NamedTuple):
    """What was measured at the end of a day."""

    day: int
    memory: int
    """Bytes of the process that are in memory, the simulator's included."""
    state: int
    """Bytes of the state on disk, its journal included."""
    series: int
    """Durable series, over all targets."""
    workloads: int
    """Workloads that the ledgers know."""
    exposition: int
    """Bytes of the exposition."""


class Soak(NamedTuple):
    """A soak that is over, with the program still open."""

    course: Course
    days: list[Day]
    made: Program
    simulator: Simulator
    clock: ManualClock


def soak(seed: int, course: Course, state: Path, tell: Callable[[Day], None]) -> Iterator[Soak]:
    """Run a soak and yield it once; ``tell`` is called with each day."""
    clock = ManualClock(START)
    simulator = Simulator(build(seed, START, course), clock=clock)
    made = Program(
        simulator,
        clock,
        state,
        PLATFORMS,
        interval=f"{POLL_EVERY:g}s",
        sweep_interval="12h",
        deep_interval="2h",
        forget_after=f"{course.forget_after}d",
    )
    days: list[Day] = []
    try:
        for day in range(course.days + 1):
            for _ in range(POLLS_A_DAY):
                made.poll_all()
                clock.advance(POLL_EVERY)
            days.append(_measured(day, made))
            tell(days[-1])
        for _ in range(SETTLING):
            made.poll_all()
        yield Soak(course, days, made, simulator, clock)
    finally:
        made.close()


def _measured(day: int, made: Program) -> Day:
    ledgers = [target.ledger for target in made.targets.values()]
    size = len(made.text())
    if day % COLLECT_EVERY == 0:
        gc.collect()
    resident = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return Day(
        day=day,
        memory=resident * PAGE_BYTES,
        state=made.store.size_bytes(),
        series=sum(len(ledger.series) for ledger in ledgers),
        workloads=sum(len(ledger.workloads) for ledger in ledgers),
        exposition=size,
    )
