"""What changes between two starts: settings, the size and order of pages, and a state that comes from a backup."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exporter.catalogue.runs import RUN_DURATION, RUNS
from exporter.platforms.foundry import api as foundry
from exporter.platforms.moderately import api as moderately
from exporter.simulator import ManualClock, Platform
from exporter.times import HOUR, SECOND
from tests.exact.world import PLATFORMS, START, advance, assert_exact, numbers, program, simulator_of
from tools.chaos import truth


def drawn(random: Random) -> dict[str, Any]:
    """Settings that a user may change at any time; only what is to come is counted by them. ``settle`` is longer than
    any run, as it must be where runs are filed by their creation."""
    age = random.choice((24, 30))
    return {
        "overlap": random.choice(("0s", "10m", "2h")),
        "deep_interval": random.choice(("1s", "30m")),
        "sweep_interval": random.choice(("10m", "2h")),
        "settle": random.choice(("3h", "4h", "6h")),
        "max_window": random.choice(("12h", "24h")),
        "open_run_max_age": f"{age}h",
        "memory": f"{age + random.choice((3, 30))}h",
        "max_series": random.choice((20_000, 200_000)),
    }


@pytest.mark.parametrize("platform", PLATFORMS)
def test_other_settings_after_every_start_change_no_total(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Depths, paces and windows; where there are pages, their size, and of Moderately the order of its listing too."""
    random, clock = Random(f"changes {platform}"), ManualClock(START)
    simulator = simulator_of(clock, pace=900.0, workloads=3, history_days=0.3)
    for _ in range(6):
        size = random.choice((5, 20, 100))
        monkeypatch.setattr(foundry, "PAGE_SIZE", size)
        monkeypatch.setattr(moderately, "PAGE_SIZE", size)
        simulator.roboto.page_size = random.choice((1, 2, None))
        simulator.moderately.order = random.choice(("ascending", "descending"))
        with program(simulator, clock, tmp_path / "state.db", [platform], **drawn(random)) as made:
            for _ in advance(clock, 1200, clock() + 3 * HOUR):
                made.poll(platform)
    with program(simulator, clock, tmp_path / "state.db", [platform], sweep_interval="10m") as made:
        for _ in advance(clock, 1200, clock() + 3 * HOUR):
            made.poll(platform)
        assert_exact(made, platform)


def test_what_is_left_out_at_first_is_counted_from_when_it_is_let_in(tmp_path: Path) -> None:
    """What ran before would be a burst that pages people; and of what runs while it is left out nothing is counted."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=200.0, workloads=3, history_days=1.0)
    out = simulator.world.workloads("roboto", clock())[0].name

    def counted(hours: int, **selection: Any) -> int:
        settings = {"settle": "3h", "max_window": "12h", "sweep_interval": "1m", **selection}
        with program(simulator, clock, tmp_path / "state.db", ["roboto"], **settings) as made:
            for _ in advance(clock, 600, clock() + hours * HOUR):
                assert made.poll("roboto").good
            return sum(n for (name, labels), n in made.counted("roboto").items() if labels[0] == out)

    def happened() -> int:
        happened = numbers(simulator.totals("roboto"))
        return sum(n for (_, labels), n in happened.items() if labels[0] == out)

    assert counted(10, exclude=[out]) == 0
    before = happened()
    assert before > 10
    with_it = counted(10)
    assert with_it == happened() - before
    before = happened()
    assert counted(10, exclude=[out]) == with_it
    left_out, before = happened() - before, happened()
    assert left_out > 10
    assert counted(10) == with_it + happened() - before


def of_runs(found: truth.Numbers) -> Counter[str]:
    """Runs and their durations, added up over all labels but ``le``."""
    sums: Counter[str] = Counter()
    for (name, labels), number in found.items():
        if number and name.startswith((RUNS.name, RUN_DURATION.name)):
            sums[f"{name} {dict(labels).get('le', '')}"] += number
    return sums


@pytest.mark.parametrize("platform", PLATFORMS)
def test_other_settings_while_counts_are_held_back_lose_none_of_them(platform: Platform, tmp_path: Path) -> None:
    """It is stopped whenever something is pending, and starts with another hold, pace, cap and other labels: what is
    shown never falls, and in the end all of it is."""
    random, clock = Random(f"held {platform}"), ManualClock(START)
    simulator = simulator_of(clock, pace=120.0, workloads=4, history_days=0.1)
    name, state, before = f"demo-{platform}", tmp_path / "state.db", Counter[str]()
    held_back = 0
    for start in range(8):
        settings = drawn(random) | {
            "interval": random.choice(("30s", "10m")),
            "zero_hold": random.choice(("10s", "2m", "1h")),
            "max_workloads": random.choice((1, 1000)),
            "max_label_values": random.choice((1, 50)),
            "max_series": random.choice((2_000, 200_000)),
            "drop_labels": random.choice(([], ["reason", "trigger_type"], ["kind", "endpoint_slug"])),
        }
        with program(simulator, clock, state, [platform], holds=True, **settings) as made:
            for _ in advance(clock, 300, clock() + (3 + start % 3) * 300 * SECOND):
                made.poll(platform)
                now = of_runs(truth.exposed(made.text(), name).numbers)
                assert all(now[key] >= number for key, number in before.items())
                before = now
                if random.random() < 0.3:
                    made.runner.end_holds(made.targets[platform])
            held_back += truth.held_back(state, name)
    assert held_back > 2
    simulator.world.end_at(clock())
    with program(simulator, clock, state, [platform], holds=True, sweep_interval="10m") as made:
        for _ in advance(clock, 1200, clock() + 3 * HOUR):
            assert made.poll(platform).good
            made.text()
            made.runner.end_holds(made.targets[platform])
        assert not truth.held_back(state, name)
        told = truth.exposed(made.text(), name).numbers
        told.subtract(truth.corrections(state, name))
        assert of_runs(told) == of_runs(truth.happened(simulator.totals(platform).as_json()))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_state_from_a_backup_counts_what_it_lacks_and_nothing_twice(platform: Platform, tmp_path: Path) -> None:
    """To Prometheus it looks like a reset (rule 29); from there on it is the truth again."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=300.0, workloads=3, history_days=0.1)
    state, backup = tmp_path / "state.db", tmp_path / "backup.db"
    for hours in (2, 3, 1):
        with program(simulator, clock, state, [platform]) as made:
            for _ in advance(clock, 600, clock() + hours * HOUR):
                assert made.poll(platform).good
            assert_exact(made, platform)
        if not backup.exists():
            shutil.copy(state, backup)
        else:
            shutil.copy(backup, state)
