"""Rules and dashboards in the chart: the same as beside it, but for what values change."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.chart import CHART, Manifest, manifests, only, rendered, values_of
from tests.real.binaries import ROOT, Binaries, prometheus_binaries

Rules = dict[str, list[dict[str, Any]]]


@pytest.fixture(params=["2", "3"])
def binaries(request: pytest.FixtureRequest) -> Binaries:
    """Each supported Prometheus in turn."""
    return prometheus_binaries(request.param)


def groups_of(manifest: Manifest) -> Rules:
    """Return the rules of every group."""
    return {group["name"]: copy.deepcopy(group["rules"]) for group in manifest["spec"]["groups"]}


def rule_with(settings: dict[str, Any]) -> Manifest:
    """Return the PrometheusRule for these settings."""
    return only(manifests(values_of("minimal") | {"prometheusRule": {"enabled": True} | settings}), "PrometheusRule")


def originals() -> Rules:
    """Return the rules as they stand beside the chart."""
    files = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "prometheus" / "rules").glob("*.yaml"))]
    return {group["name"]: group["rules"] for file in files for group in file["groups"]}


def alerts(rules: Rules, name: str) -> list[dict[str, Any]]:
    """Return the alerts of a name."""
    return [rule for group in rules.values() for rule in group if rule.get("alert") == name]


def test_without_settings_they_are_the_originals() -> None:
    """Also the links: the chart's defaults are what the originals say."""
    assert groups_of(rule_with({})) == originals()


def test_promtool_takes_them(binaries: Binaries, tmp_path: Path) -> None:
    """As the operator would write them, for both Prometheus versions, with every switch in use."""
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(only(rendered("prometheus-rule"), "PrometheusRule")["spec"]))
    result = subprocess.run((binaries.promtool, "check", "rules", file), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "SUCCESS" in result.stdout


def test_the_objective_is_one_number() -> None:
    """It changes in the one recorded series that all else reads, and nowhere else."""
    before, after = originals(), groups_of(rule_with({"objective": 0.99}))
    changed = [
        (old, new)
        for group, rules in before.items()
        for old, new in zip(rules, after[group], strict=True)
        if old != new
    ]
    ((old, new),) = changed
    assert old["record"] == "workload:automation_objective:success_ratio"
    assert new["expr"] == old["expr"].replace("0.95", "0.99")
    assert "0.99 *" in new["expr"]


def test_an_alert_can_be_switched_off() -> None:
    """All rules of that name go, and nothing else."""
    name = "AutomationErrorBudgetBurn"
    before, after = originals(), groups_of(rule_with({"alerts": {name: {"enabled": False}}}))
    assert len(alerts(before, name)) == 4
    assert alerts(after, name) == []
    assert sum(map(len, after.values())) == sum(map(len, before.values())) - 4


def test_an_alert_can_be_changed() -> None:
    """Its own settings count more than those of all alerts, and those more than the original."""
    settings = {
        "alertLabels": {"area": "automation", "severity": "warning"},
        "alerts": {"AutomationQueueStuck": {"for": "1h", "labels": {"severity": "info"}, "annotations": {"note": "x"}}},
    }
    before, after = originals(), groups_of(rule_with(settings))
    (old,), (new,) = alerts(before, "AutomationQueueStuck"), alerts(after, "AutomationQueueStuck")
    assert new["for"] == "1h"
    assert new["labels"] == old["labels"] | {"area": "automation", "severity": "info"}
    assert new["annotations"] == old["annotations"] | {"note": "x"}
    assert new["expr"] == old["expr"]
    (down,) = alerts(after, "AutomationExporterDown")
    assert down["labels"] == {"area": "automation", "severity": "warning"}


def test_links_follow_the_values() -> None:
    """Every alert leads to the reader's own Grafana and runbooks."""
    after = groups_of(
        rule_with(
            {
                "dashboardsUrl": "https://grafana.example.com/d/",
                "runbooksUrl": "https://wiki.example.com/runs",
                "exporterUrl": "https://automations.example.com/",
            }
        )
    )
    of_runs = "https://automations.example.com/?target={{ $labels.target | urlquery }}"
    for rules in after.values():
        for rule in rules:
            if "alert" in rule:
                assert rule["annotations"]["runbook_url"].startswith("https://wiki.example.com/runs#")
                assert rule["annotations"]["dashboard_url"].startswith("https://grafana.example.com/d/automation-")
                assert rule["annotations"].get("runs_url", of_runs).startswith(of_runs)


def test_the_interval_is_for_every_group() -> None:
    """Rules are evaluated as often as asked."""
    assert {group["interval"] for group in rule_with({"interval": "5m"})["spec"]["groups"]} == {"5m"}


def test_dashboards_are_the_originals() -> None:
    """Each a ConfigMap with the label that Grafana's sidecar looks for."""
    maps = [found for found in rendered("dashboards") if found["metadata"]["labels"].get("grafana_dashboard") == "1"]
    found = {name: json.loads(text) for item in maps for name, text in item["data"].items()}
    folder = ROOT / "grafana" / "dashboards" / "json"
    assert found == {path.name: json.loads(path.read_text()) for path in folder.glob("*.json")}
    assert {item["metadata"]["namespace"] for item in maps} == {"monitoring"}
    assert {item["metadata"]["annotations"]["grafana_folder"] for item in maps} == {"Automation"}


def test_nothing_is_left_over_in_the_chart() -> None:
    """A rule file or dashboard that is gone beside the chart is gone in it."""
    for folder, original in (("rules", "prometheus/rules/*.yaml"), ("dashboards", "grafana/dashboards/json/*.json")):
        copies = {path.name for path in (CHART / "files" / folder).iterdir()}
        assert copies == {path.name for path in ROOT.glob(original)}
