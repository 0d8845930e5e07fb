"""The table of failure modes: every test, alert and metric that it names exists, and no row is without proof."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from exporter.catalogue import ALL
from exporter.errors import REASONS
from exporter.simulator.faults import catalogue
from tests.counting.test_mutations import exists
from tests.real.binaries import ROOT
from tools.chaos.deck import DECK

COLUMNS = ["fault", "in metrics and log", "alert", "how it recovers", "shown by"]
NAMES = frozenset(row.name for row in ALL)
PREFIX = "automation_exporter_"


def table(heading: str = "Failure modes", columns: Sequence[str] = COLUMNS) -> list[list[str]]:
    """The rows, as cells."""
    _, _, section = (ROOT / "docs/reliability.md").read_text("utf-8").partition(f"## {heading}\n")
    lines = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == list(columns)
    return cells[2:]


FAULTS = table("Every fault, its switch and its test", ["fault", "switch", "dealt", "shown alone by"])


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row[0])
def test_a_fault_has_a_switch_and_tests_that_exist(row: list[str]) -> None:
    assert row[1]
    assert row[2]
    named = re.findall(r"`([^`]+)`", row[3])
    assert ", ".join(f"`{test}`" for test in named) == row[3] != ""
    assert [test for test in named if not exists(test)] == []


@pytest.mark.parametrize("row", table("Properties", ["whatever happens", "property"]), ids=lambda row: row[0])
def test_a_property_is_held_by_tests_that_exist(row: list[str]) -> None:
    named = re.findall(r"`([^`]+)`", row[1])
    assert ", ".join(f"`{test}`" for test in named) == row[1] != ""
    assert [test for test in named if not exists(test)] == []


def test_every_fault_of_the_simulator_is_in_the_list_of_faults() -> None:
    """And what is said to be dealt is."""
    listed = {name: row[2] for row in FAULTS for name in re.findall(r"`(\w+)`", row[1]) if name in catalogue()}
    assert listed.keys() == catalogue().keys()
    assert {name for name, dealt in listed.items() if dealt == "yes"} <= DECK.keys()
    assert DECK.keys() - {name for name, dealt in listed.items() if dealt != "no"} == set()


def alerts() -> frozenset[str]:
    """The names of all alerts that are shipped."""
    rules = (yaml.safe_load(path.read_text("utf-8")) for path in Path(ROOT / "prometheus/rules").glob("*.yaml"))
    return frozenset(
        rule["alert"] for each in rules for group in each["groups"] for rule in group["rules"] if "alert" in rule
    )


EVERY_ROW = pytest.mark.parametrize("row", table(), ids=lambda row: row[0])


def test_there_are_many() -> None:
    assert len(table()) > 30
    assert len({row[0] for row in table()}) == len(table())


@EVERY_ROW
def test_it_is_proven_by_tests_that_exist(row: list[str]) -> None:
    assert len(row) == len(COLUMNS)
    named = re.findall(r"`([^`]+)`", row[4])
    assert named
    assert ", ".join(f"`{test}`" for test in named) == row[4]
    assert [test for test in named if not exists(test)] == []


@EVERY_ROW
def test_its_alerts_exist_or_none_is_due(row: list[str]) -> None:
    named = set(re.findall(r"Automation\w+", row[2]))
    assert named <= alerts()
    assert named or row[2] == "none"


@EVERY_ROW
def test_its_metrics_and_reasons_exist(row: list[str]) -> None:
    for name in re.findall(r"`([a-z_]+_[a-z_]+)(?:\{[^}]*\})?`", row[1]):
        assert PREFIX + name in NAMES, name
    reasons = set(re.findall(r'(?:poll_errors_total\{|`)reason="(\w+)"', row[1]))
    assert reasons <= set(REASONS)
