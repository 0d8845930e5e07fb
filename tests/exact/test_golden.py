"""What is exposed for the sample responses of each platform, whole, in text and in OpenMetrics."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter import exposed
from exporter.collector import Collector
from exporter.families import Family
from exporter.simulator import Platform
from tests.conftest import Golden
from tests.exact.scenes import SCENES, Stage, play
from tests.exposition.parsers import generate_openmetrics, parse_openmetrics
from tests.exposition.test_collector import comparable
from tests.real.binaries import PROMETHEUS_MAJORS, prometheus_binaries

MACHINE = re.compile(r"# \w+ (process_|python_|automation_exporter_build)|(process_|python_|automation_exporter_build)")
"""Families that say something about this machine and this run."""

ACCEPTED_COMPLAINTS: tuple[str, ...] = ()
"""What promtool's lint may say, each with its reason. There is none: every name follows the conventions."""


@pytest.fixture(scope="module", params=SCENES)
def stage(request: pytest.FixtureRequest) -> Stage:
    """Each platform's scene in turn."""
    platform: Platform = request.param
    return play(platform)


def test_the_samples_are_read_without_complaint(stage: Stage) -> None:
    """A scene shows a target that is well."""
    assert stage.messages == []


def test_text(stage: Stage, golden: Golden) -> None:
    """The format of every Prometheus."""
    golden(f"{stage.target.platform.name}.txt")(without_machine(stage.rendered.text))


def test_openmetrics(stage: Stage, golden: Golden) -> None:
    """The format that Prometheus prefers, with exemplars."""
    golden(f"{stage.target.platform.name}.openmetrics")(without_machine(stage.rendered.openmetrics))


@pytest.mark.parametrize("major", PROMETHEUS_MAJORS)
def test_promtool_has_nothing_to_say(stage: Stage, major: str) -> None:
    """The linter of both supported versions reads the whole exposition."""
    complaints = prometheus_binaries(major).check_metrics(stage.rendered.text.decode())
    assert [each for each in complaints if each not in ACCEPTED_COMPLAINTS] == []


def test_the_strict_parser_reads_it(stage: Stage) -> None:
    """Each family stands there once and has samples."""
    families = list(parse_openmetrics(stage.rendered.openmetrics.decode()))
    assert all(family.samples for family in families)
    assert [name for name, times in Counter(family.name for family in families).items() if times > 1] == []


def test_no_series_stands_there_twice(stage: Stage) -> None:
    """Prometheus drops the second sample of a series, or the whole scrape."""
    for body in (stage.rendered.text, stage.rendered.openmetrics):
        series = Counter(line.split("} ")[0] for line in body.decode().splitlines() if not line.startswith("#"))
        assert [name for name, times in series.items() if times > 1] == []


def test_the_shipped_collector_says_the_same(stage: Stage) -> None:
    """The families of the target, rendered by prometheus_client, are the same samples."""
    registry = CollectorRegistry()
    registry.register(Collector(lambda: [(stage.target.labels, families_of(stage))]))
    ours = comparable(parse_openmetrics(stage.rendered.openmetrics.decode()))
    theirs = comparable(parse_openmetrics(generate_openmetrics(registry).decode()))
    assert theirs == {name: family for name, family in ours.items() if name in theirs}
    assert theirs.keys() >= {name for name in ours if not name.startswith(("automation_exporter_", "p"))}
    text = comparable(parse_text(stage.rendered.text.decode()))
    spoken = comparable(parse_text(generate_latest(registry).decode()))
    assert {name: family for name, family in spoken.items() if name in text} == {
        name: family for name, family in text.items() if name in spoken
    }


def families_of(stage: Stage) -> list[Family]:
    """What is exposed of the target now."""
    target = stage.target
    return list(exposed.families(target.ledger, target.rules, stage.clock.now().world, expect=target.expect))


def without_machine(body: bytes) -> str:
    """The exposition without what is different on every machine."""
    return "".join(line for line in body.decode().splitlines(keepends=True) if not MACHINE.match(line))
