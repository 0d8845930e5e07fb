"""promtool's tests of the rules: they pass on both major versions, and they leave nothing out."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from tests.prometheus.table import ALERT_RULES, TEST_FILES, title
from tests.real.binaries import Binaries
from tools.promql import Reader
from tools.rules.lint import scraped

Json = Mapping[str, Any]


@pytest.mark.real
@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.stem)
def test_rules_behave(binaries: Binaries, path: Path) -> None:
    """As the file says."""
    command = (binaries.promtool, "test", "rules", path)
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr


def groups() -> Iterator[tuple[timedelta, Json]]:
    """Every group of tests, with the time between its evaluations."""
    for path in TEST_FILES:
        content = yaml.safe_load(path.read_text())
        interval = promql.parse_duration(content["evaluation_interval"])
        yield from ((interval, group) for group in content["tests"])


def at(check: Json) -> timedelta:
    """When a check looks."""
    return promql.parse_duration(check["eval_time"])


def fires(check: Json, rule: Json) -> bool:
    """Whether a check expects this rule, told from others of its name by its labels."""
    labels = rule["labels"].items()
    return check["alertname"] == rule["alert"] and any(
        labels <= one["exp_labels"].items() for one in check["exp_alerts"]
    )


@pytest.mark.parametrize("rule", ALERT_RULES, ids=title)
def test_an_alert_is_seen_silent_just_before_its_limit_and_firing_at_it(rule: Json) -> None:
    """Two evaluations that follow each other, in a group that says so in its name."""
    for interval, group in groups():
        checks = [check for check in group.get("alert_rule_test", ()) if check["alertname"] == rule["alert"]]
        silent = {at(check) for check in checks if not check["exp_alerts"]}
        if any(fires(check, rule) and at(check) - interval in silent for check in checks):
            assert re.match(rf"{rule['alert']}( \S+)?: fires ", group["name"])
            return
    pytest.fail(f"no group of prometheus/tests shows {title(rule)} at its limit")


@pytest.mark.parametrize("name", sorted({rule["alert"] for rule in ALERT_RULES}))
def test_an_alert_is_seen_silent_on_its_false_friend(name: str) -> None:
    """At least one group named for it, in which it never fires."""
    named = [group for _, group in groups() if group["name"].startswith(f"{name}: silent ")]
    assert named
    for group in named:
        checks = group["alert_rule_test"]
        assert checks
        assert all(check["alertname"] == name and not check["exp_alerts"] for check in checks)


def test_series_of_the_tests_are_those_that_the_exporter_has() -> None:
    """A test of invented metrics or labels shows nothing."""
    reader = Reader(scraped())
    for _, group in groups():
        for series in group["input_series"]:
            reader.labels(promql.parse(f"group({series['series']})"))
    assert reader.found == []
