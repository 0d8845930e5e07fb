"""The jsonnet mixin is the rule files and nothing else, with links, labels and a choice of alerts on request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import _jsonnet
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
MIXIN = ROOT / "prometheus" / "mixin" / "mixin.libsonnet"

Groups = list[dict[str, Any]]


def rendered(config: str = "{}") -> tuple[Groups, Groups]:
    """Recording groups and alert groups of the mixin with this ``_config``."""
    program = f"""
        local mixin = (import '{MIXIN}') + {{ _config+:: {config} }};
        [mixin.prometheusRules.groups, mixin.prometheusAlerts.groups]
    """
    recorded, alerts = json.loads(_jsonnet.evaluate_snippet("test", program))
    return recorded, alerts


def shipped(*names: str) -> Groups:
    """The groups of some rule files."""
    texts = [(ROOT / "prometheus" / "rules" / name).read_text() for name in names]
    return [group for text in texts for group in yaml.safe_load(text)["groups"]]


def test_as_it_is_it_equals_the_rule_files() -> None:
    """Groups, rules and every field of them."""
    recorded, alerts = rendered()
    assert recorded == shipped("recording.yaml")
    assert alerts == shipped("workloads.yaml", "exporter.yaml")


def test_links_labels_and_alerts_can_be_chosen() -> None:
    """All links begin as asked, all alerts have the further label, and one alert is gone."""
    links = "runbooksUrl: 'https://wiki/r', dashboardsUrl: 'https://g/d', exporterUrl: 'https://e'"
    config = f"{{ {links}, labels: {{ site: 'x' }}, disabled: ['%s'] }}"
    gone = "AutomationFailureReasonNew"
    rules = [rule for group in rendered(config % gone)[1] for rule in group["rules"]]
    names = {rule["alert"] for group in shipped("workloads.yaml", "exporter.yaml") for rule in group["rules"]}
    assert {rule["alert"] for rule in rules} == names - {gone}
    for rule in rules:
        assert rule["annotations"]["runbook_url"] == f"https://wiki/r#{rule['alert'].lower()}"
        assert rule["annotations"]["dashboard_url"].startswith("https://g/d/automation-")
        assert rule["annotations"].get("runs_url", "https://e/?").startswith("https://e/?")
        assert rule["labels"]["site"] == "x"
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
