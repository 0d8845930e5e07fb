"""Each fault that spoils no whole answer, alone: whatever it says of runs, each counts once and no counter falls."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from exporter.platforms.foundry import api as foundry
from exporter.platforms.moderately import api as moderately
from exporter.simulator import ManualClock, Platform
from tests.exact.attack import LACKING, differences
from tests.exact.test_bad_input import TABLE
from tests.exact.world import PLATFORMS, START, Program, program, simulator_of
from tools.chaos.deck import DECK

STEP = 61.0
FAULTY = 4
"""Polls under the fault, whose share of rows or length differs from one to the next: less than two sweeps take."""
LONG = 601.0
"""Seconds in which every listing is swept; also longer than a clock of the upstream is wrong."""
SETTINGS: dict[str, Any] = {"sweep_interval": "5m", "deep_interval": "1s", "overlap": "5m"}
WORLD: dict[str, Any] = {"pace": 40.0, "workloads": 3, "history_days": 0.02}

AT_ONCE = frozenset(
    {"ascending", "duplicated_rows", "fallen_counts", "flipping_statuses", "late_rows", "lost_rows", "reopening_runs"}
    | {"skewed_clock", "times_in_many_forms", "unknown_statuses", "unsorted"}
)
"""The others are dealt at every push in random company, and alone at night."""

ROWS = [
    pytest.param(name, platform, marks=() if name in AT_ONCE else pytest.mark.nightly)
    for name, card in DECK.items()
    if name not in {bad.fault for bad in TABLE}
    for platform in (card.platforms or PLATFORMS)
]


@pytest.mark.parametrize(("name", "platform"), ROWS)
def test_a_fault_alone(name: str, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it may change for good is in its card, and is left out of the comparison."""
    for api in (foundry, moderately):
        monkeypatch.setattr(api, "PAGE_SIZE", 8)
    random, clock, card = Random(name), ManualClock(START), DECK[name]
    simulator = simulator_of(clock, **WORLD)
    simulator.roboto.page_size = 2
    path = "agent-executions" if platform == "moderately" and name in LACKING else None
    state = tmp_path / "state.db"
    with program(simulator, clock, state, [platform], **SETTINGS) as made:
        assert made.poll(platform).good
        shown = totals(made, platform)
        for step, faulty in ((LONG, False), *[(STEP, True)] * FAULTY, (LONG, False), (LONG, False), (STEP, False)):
            clock.advance(step)
            simulator.faults.clear()
            if faulty:
                simulator.faults.on(name, path=path, times=1 if card.once else None, **card.options(random))
            report = made.poll(platform)
            now = totals(made, platform)
            assert all(now[key] >= number for key, number in shown.items())
            shown = now
        assert report.good, report.message
        assert simulator.faults.used[name] > 0
        assert differences(made, platform, state, card.bends) == []


def totals(made: Program, platform: Platform) -> dict[Any, int]:
    """What each series shows, added up over buckets."""
    return {key: sum(series.shown[:1]) for key, series in made.targets[platform].ledger.series.items()}
