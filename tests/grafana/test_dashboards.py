"""Dashboards: Grafana's own types read them and write them back, the lint has nothing against them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from starlette.datastructures import QueryParams

from exporter.web.selection import RunFilter, run_filter
from tools import dashboards
from tools.dashboards import frame, sdk
from tools.dashboards.lint import lint
from tools.dashboards.reading import load, panels, variables

ROOT = Path(__file__).resolve().parent.parent.parent
PROVISIONING = ROOT / "grafana" / "provisioning"

COMMITTED = {dashboard["uid"]: dashboard for dashboard in load(ROOT / dashboards.FOLDER)}
KINDS = {"stat", "timeseries", "bargauge", "table"}


@pytest.fixture(params=sorted(COMMITTED))
def dashboard(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Each dashboard as it is committed."""
    return COMMITTED[request.param]


def test_every_dashboard_is_committed() -> None:
    """That each is current is shown by ``./run check``; here, that none is missing or left over."""
    assert set(COMMITTED) == {made.uid for made in dashboards.DASHBOARDS}


def test_lint_has_nothing_against_it(dashboard: Mapping[str, Any]) -> None:
    """Grafana's rules and ours."""
    assert lint(dashboard) == []


def test_grafanas_own_types_read_it_and_write_it_back(dashboard: Mapping[str, Any]) -> None:
    """Nothing is lost or renamed, so every key is one that Grafana knows."""
    read = sdk.dashboard.Dashboard.from_json(dict(dashboard))
    assert json.loads(json.dumps(read, cls=sdk.JSONEncoder)) == dashboard


def test_it_uses_nothing_newer_than_grafana_10(dashboard: Mapping[str, Any]) -> None:
    """The schema of Grafana 10, and kinds of panels that were all there, and that were all looked at."""
    assert dashboard["schemaVersion"] == frame.SCHEMA == 39
    assert {panel["type"] for panel in panels(dashboard)} <= KINDS


def test_its_links_lead_to_dashboards_that_are_there(dashboard: Mapping[str, Any]) -> None:
    """And name only variables that these have."""
    for link in _data_links(dashboard):
        address, _, query = link["url"].partition("?")
        target = COMMITTED[address.removeprefix("/d/")]
        named = [part.partition("=")[0].removeprefix("var-") for part in query.split("&") if part.startswith("var-")]
        assert set(named) <= set(variables(target)), link["url"]


def _data_links(node: Any) -> list[Mapping[str, Any]]:
    """Every link of a panel, wherever it stands."""
    if isinstance(node, list):
        return [link for item in node for link in _data_links(item)]
    if not isinstance(node, dict):
        return []
    here = [node] if str(node.get("url", "")).startswith("/d/") else []
    return [*here, *(link for item in node.values() for link in _data_links(item))]


def test_a_band_must_be_as_wide_as_the_screen() -> None:
    """Grafana would wrap panels, or leave a hole."""
    some = dashboards.overview.NOW
    odd = frame.Dashboard("automation-odd", "Odd", "Odd.", (), (frame.Section("", (frame.Band(4, ((25, some),)),)),))
    with pytest.raises(ValueError, match="a band is 24 wide"):
        frame.build(odd)


def test_provisioning_finds_the_dashboards() -> None:
    """The provider reads the folder that the README tells to mount, and asks for no database of its own."""
    [provider] = yaml.safe_load((PROVISIONING / "dashboards" / "automation-exporter.yaml").read_text())["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"].endswith("/automation-exporter")
    [source] = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert source["type"] == "prometheus"
    [link] = source["jsonData"]["exemplarTraceIdDestinations"]
    assert link["name"] == "run_id"
    query = QueryParams(urlsplit(link["url"].replace("$${__value.raw}", "r-1")).query)
    assert run_filter(query) == RunFilter(run_ids=("r-1",))


def test_exemplars_are_asked_for_where_there_are_some() -> None:
    """The exporter sends run ids with durations and failures (docs/metrics.md), and with nothing else."""
    asking = [
        target["expr"]
        for dashboard in COMMITTED.values()
        for panel in panels(dashboard)
        for target in panel["targets"]
        if target["exemplar"]
    ]
    assert len(asking) >= 4
    assert all("automation_run_duration_seconds" in expr or "automation_run_failures_total" in expr for expr in asking)
