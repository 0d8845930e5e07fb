"""Prometheus' own linter reads every family of the table."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from exporter import catalogue
from exporter.catalogue import own
from exporter.catalogue.model import Metric
from exporter.counting.states import Value
from exporter.exposition import Rendered, Snapshot
from exporter.families import Family
from exporter.observations import Labels
from exporter.selfmetrics import SelfMetrics
from tests.exposition.parsers import parse_openmetrics
from tests.exposition.samples import FLEET, value_width


def one_series(row: Metric) -> Family:
    labels: Labels = tuple(f"some {name}" for name in row.labels)
    if row.type == "gaugehistogram":
        return Family(row, {(*labels, "10"): 3, (*labels, "+Inf"): 1})
    value: Value | float = 1_500_000 if row.type == "gauge" else (1,) * value_width(row)
    return Family(row, {labels: value})


@pytest.fixture
def everything() -> Rendered:
    """One series of every family there is."""
    snapshot = Snapshot(created=True)
    snapshot.update(FLEET, [one_series(row) for row in catalogue.ALL if row not in own.ROWS])
    about = SelfMetrics()
    about.add_target("roboto", "fleet")
    about.request("roboto", "fleet", "200", 0.5)
    about.full_walk("roboto", "fleet", "sweep")
    about.unknown_value("roboto", "fleet", "status")
    about.degraded("roboto", "fleet", ["unsorted"])
    for row in own.ROWS:
        if row.type == "gauge" and row.per_target and not row.labels:
            about.set_target(row, "roboto", "fleet", 1)
        elif row.type == "gauge" and not row.per_target and not row.labels:
            about.set_process(row, 1)
    snapshot.update_own(about.render())
    return snapshot.publish(0)


def test_promtool_finds_nothing_to_say(everything: Rendered) -> None:
    """Skipped where there is none, except in CI."""
    promtool = shutil.which("promtool")
    if promtool is None:
        if "CI" in os.environ:
            pytest.fail("promtool is missing; on Debian it comes with the package prometheus")
        pytest.skip("promtool is not on PATH")
    result = subprocess.run([promtool, "check", "metrics"], input=everything.text, capture_output=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_every_family_is_exposed(everything: Rendered) -> None:
    """The strict parser reads all of them, each once, in the order of the table."""
    parsed = [family.name for family in parse_openmetrics(everything.openmetrics.decode())]
    names = [row.name.removesuffix("_total") for row in catalogue.ALL]
    assert parsed[: len(names)] == names
    assert len(set(parsed)) == len(parsed)
    assert all(name.startswith(("process_", "python_")) for name in parsed[len(names) :])


def test_text_has_all_families_but_those_of_openmetrics_only(everything: Rendered) -> None:
    """A gauge histogram in text would be taken for a histogram that falls."""
    types = [line.split()[2] for line in everything.text.decode().splitlines() if line.startswith("# TYPE ")]
    assert types[: len(catalogue.ALL) - 1] == [row.name for row in catalogue.ALL if not row.openmetrics_only]
