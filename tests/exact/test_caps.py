"""A target that reaches ``max_series``: the cap holds in what is exposed, sums stay exact, and it says so."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from exporter.catalogue import own
from exporter.catalogue.runs import RUN_DURATION, RUNS
from exporter.simulator import ManualClock
from tests.exact.world import START, Program, numbers, program, simulator_of

CAP = 2_000


def by_family(found: dict[tuple[str, tuple[str, ...]], int]) -> Counter[str]:
    """Add up over all labels, buckets and sums apart."""
    totals: Counter[str] = Counter()
    for (family, labels), number in found.items():
        last = labels[-1] if (labels and labels[-1].startswith("le=")) or labels[-1:] == ("sum",) else ""
        totals[f"{family} {last}"] += number
    return totals


def degraded(made: Program, target: str) -> set[str]:
    """Reasons that are exposed with 1."""
    told = re.findall(rf'^{own.TARGET_DEGRADED.name}{{(.*target="{target}".*)}} 1$', made.text(), re.MULTILINE)
    return {labels.partition('reason="')[2].rstrip('"') for labels in told}


def test_a_full_target_stays_full_and_counts_on() -> None:
    """Fifty routines with their histograms would be some 4,000 series."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, 1, workloads=50, pace=40.0)
    with program(simulator, clock, platforms=["foundry"], max_series=CAP, interval="10m") as made:
        target = made.targets["foundry"]
        for _ in range(3):
            assert made.poll("foundry").good
            made.text()
            assert made.snapshot.series(target.name) <= CAP
            clock.advance(900)
        made.poll("foundry")
        assert made.snapshot.series(target.name) > CAP * 0.6
        truth = by_family(numbers(simulator.totals("foundry")))
        counted = by_family(made.counted("foundry"))
        for metric in (RUNS, RUN_DURATION):
            assert {key: n for key, n in counted.items() if key.startswith(metric.name)} == {
                key: n for key, n in truth.items() if key.startswith(metric.name)
            }
        assert "max_series" in degraded(made, target.name)


def test_a_target_with_room_is_not_degraded() -> None:
    clock = ManualClock(START)
    with program(simulator_of(clock, 1), clock, platforms=["foundry"]) as made:
        made.poll("foundry")
        assert "max_series" not in degraded(made, made.targets["foundry"].name)


def test_what_max_workloads_folded_is_not_blamed_on_max_series(tmp_path: Path) -> None:
    """Nobody is unfolded when the cap is raised, and yet there is room."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, 1, workloads=3)
    for cap in (1, 10):
        with program(simulator, clock, tmp_path / "caps", platforms=["foundry"], max_workloads=cap) as made:
            made.poll("foundry")
            assert "max_series" not in made.targets["foundry"].degraded
        clock.advance(900)
