"""Names and ids that are nearly the same are not the same, and what is the same in another form counts once."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.catalogue.ledger import RECORDS_SKIPPED
from exporter.catalogue.runs import RUNS
from exporter.platforms.labels import value
from exporter.simulator import ManualClock, Platform, Simulator, World
from exporter.times import DAY, HOUR, MINUTE, SECOND
from tests.exact.world import PLATFORMS, START, Numbers, Program, assert_exact, numbers, program

STEP = 61.0
COMPOSED, DECOMPOSED = normalize("NFC", "Caf\u00e9 \u212b"), normalize("NFD", "Caf\u00e9 \u212b")
NEARLY_THE_SAME = (
    (COMPOSED, DECOMPOSED, "Cafe\u0301 \u212b"),
    ("Nightly", "nightly", "NIGHTLY", "n\u0131ghtly"),
    ("stra\u00dfe", "strasse", "STRASSE"),
    ("a b", "a  b", "a\u00a0b", " a b", "a b ", "a\u200bb"),
    ("\uff21", "A", "\u0391", "\u0410"),
    ("1", "01", "1.0", "\u0661"),
    ("x" * 250, "x" * 251, "x" * 249 + "y"),
    ("a/b", "a%2Fb", "a%2fb"),
    ("null", "None", "true", "-"),
)
"""By normal form, case, spaces, script, digits, what is cut away, escaping, and what others take for nothing."""


def runs(made: Program, platform: Platform) -> Numbers:
    """Runs as they were counted."""
    return {key: number for key, number in made.counted(platform).items() if key[0] == RUNS.name}


@pytest.mark.parametrize("names", NEARLY_THE_SAME, ids=lambda names: ascii(names[0][:12]))
@pytest.mark.parametrize("platform", PLATFORMS)
def test_workloads_and_runs_of_nearly_the_same_name_are_different(platform: Platform, names: tuple[str, ...]) -> None:
    """Each has its own series, whose label is text that Prometheus takes; none of their runs is taken for another."""
    clock, world = ManualClock(START), World()
    for number, name in enumerate(names):
        world.add_workload(platform, name)
        world.add_run(platform, name, triggered=START - DAY, started=START - DAY, ended=START - DAY + MINUTE)
        for copy in range(number + 1):
            at = START + (2 + copy) * MINUTE
            identifier = name if copy == 0 else f"{name}{copy}"
            world.add_run(platform, name, id=identifier, triggered=at, started=at + SECOND, ended=at + 20 * SECOND)
    with program(Simulator(world, clock=clock), clock, platforms=[platform], deep_interval="1s") as made:
        for _ in range(12):
            assert made.poll(platform).good
            clock.advance(STEP)
        truth = numbers(made.simulator.totals(platform))
        shown = {(family, tuple(value(label) for label in labels)): n for (family, labels), n in truth.items()}
        assert made.counted(platform) == shown
        assert sorted(runs(made, platform).values()) == list(range(1, len(names) + 1))
        exposed = {
            sample.labels["workload"]
            for family in text_string_to_metric_families(made.text())
            for sample in family.samples
            if sample.name == RUNS.name
        }
        assert len(exposed) == len(names)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_id_that_comes_as_a_number_now_and_then_counts_once(platform: Platform) -> None:
    """The contracts say text: a record whose id is a number is left out and told of, until its id is text again."""
    clock, world = ManualClock(START), World()
    for name in ("2024", "2025"):
        world.add_workload(platform, name, at=START - DAY)
        for number in range(60):
            at = START + number * MINUTE
            identifier = f"{name}{number:04}"
            world.add_run(platform, name, id=identifier, triggered=at, started=at + SECOND, ended=at + 20 * SECOND)
    simulator = Simulator(world, clock=clock)
    pace: Any = {"deep_interval": "1s", "sweep_interval": "10m"}
    with program(simulator, clock, platforms=[platform], **pace) as made:
        for number in range(40):
            simulator.faults.clear()
            if number % 4 in (1, 2):
                simulator.faults.on("numeric_ids", platform=platform)
            made.poll(platform)
            clock.advance(STEP)
        simulator.faults.clear()
        clock.advance(HOUR / SECOND)
        for _ in range(3):
            assert made.poll(platform).good
            clock.advance(STEP)
        skipped = {key.labels: series.shown[0] for key, series in made.targets[platform].ledger.series.items()
                   if key.family == RECORDS_SKIPPED.name}  # fmt: skip
        assert skipped.get(("no_id",), 0) > 0
        assert_exact(made, platform)
