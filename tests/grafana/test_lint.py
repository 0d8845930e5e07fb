"""The lint finds each mistake that it is there for, and says where."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tools import dashboards
from tools.dashboards.frame import text
from tools.dashboards.lint import lint

GOOD: dict[str, Any] = json.loads(text(dashboards.overview.DASHBOARD))
RUNS = "automation_runs_total"
NARROW = 'job=~"$job", platform=~"$platform", target=~"$target"'


def ask(expr: str, legend: str = "") -> Callable[[dict[str, Any]], None]:
    """Replace the first panel's question."""

    def change(dashboard: dict[str, Any]) -> None:
        dashboard["panels"][0]["targets"][0] |= {"expr": expr, "legendFormat": legend}

    return change


def panel(**keys: Any) -> Callable[[dict[str, Any]], None]:
    """Change keys of the first panel."""
    return lambda dashboard: dashboard["panels"][0].update(keys)


def defaults(**keys: Any) -> Callable[[dict[str, Any]], None]:
    """Change how the first panel's values are shown."""
    return lambda dashboard: dashboard["panels"][0]["fieldConfig"]["defaults"].update(keys)


def variable(name: str, **keys: Any) -> Callable[[dict[str, Any]], None]:
    """Change a variable."""

    def change(dashboard: dict[str, Any]) -> None:
        next(one for one in dashboard["templating"]["list"] if one["name"] == name).update(keys)

    return change


def without(name: str) -> Callable[[dict[str, Any]], None]:
    """Remove a variable."""

    def change(dashboard: dict[str, Any]) -> None:
        there = dashboard["templating"]["list"]
        dashboard["templating"]["list"] = [one for one in there if one["name"] != name]

    return change


def annotate(expr: str) -> Callable[[dict[str, Any]], None]:
    """Replace what the first annotation asks."""
    return lambda dashboard: dashboard["annotations"]["list"][0].update(expr=expr)


def rate(selector: str, window: str = "$__rate_interval") -> str:
    """The sum of a counter's rate."""
    return f"sum(rate({selector}[{window}]))"


MISTAKES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "unknown metric": (ask("max(automation_runs)"), "Now / A: automation_runs is not in the metric table"),
    "unknown label": (
        ask(rate(f'{RUNS}{{{NARROW}, result="failed"}}')),
        "Now / A: automation_runs_total has no label result",
    ),
    "by an unknown label": (
        ask(f"sum by (reason) (rate({RUNS}{{{NARROW}}}[$__rate_interval]))"),
        "Now / A: sum by (reason): that label is not there",
    ),
    "join on nothing": (
        ask(f"{rate(RUNS + '{' + NARROW + '}')} / sum by (target) (automation_active_runs{{{NARROW}}})"),
        "Now / A: / joins series with () to series with (target): none will match",
    ),
    "join on a label of one side": (
        ask(
            f"automation_active_runs{{{NARROW}}} and on (instance, reason) "
            f"automation_exporter_target_degraded{{{NARROW}}}"
        ),
        "Now / A: and on (reason): that label is not on both sides",
    ),
    "counter as it is": (
        ask(f"sum({RUNS}{{{NARROW}}})"),
        "Now / A: automation_runs_total is a counter: it needs rate() or increase()",
    ),
    "rate of a gauge": (
        ask(rate(f"automation_active_runs{{{NARROW}}}")),
        "Now / A: automation_active_runs is a gauge: rate() takes its falls for restarts",
    ),
    "fixed rate": (ask(rate(f"{RUNS}{{{NARROW}}}", "5m")), "Now / A: rate() over 5m instead of $__rate_interval"),
    "odd window": (ask(f"sum(increase({RUNS}{{{NARROW}}}[7m]))"), "Now / A: the window 7m is none that we use"),
    "not narrowed": (
        ask(rate(f'{RUNS}{{job=~"$job", platform=~"$platform"}}')),
        "Now / A: automation_runs_total is not narrowed by target",
    ),
    "quantile without le": (
        ask(f"histogram_quantile(0.5, sum(rate(automation_run_wait_seconds_bucket{{{NARROW}}}[$__rate_interval])))"),
        "Now / A: histogram_quantile() needs the label le",
    ),
    "copies an unknown label": (
        ask(f'label_replace(automation_active_runs{{{NARROW}}}, "a", "$1", "reason", "(.*)")'),
        "Now / A: label_replace() reads the label reason, which is not there",
    ),
    "legend of nothing": (
        ask(rate(f"{RUNS}{{{NARROW}}}"), "{{outcome}}"),
        "Now / A: the legend shows the label outcome, which is not there",
    ),
    "unknown variable": (ask('max(up{job=~"$jobs"})'), "Now / A: no such variable: jobs"),
    "not PromQL": (ask("sum("), "Now / A: this is not PromQL: sum("),
    "no description": (panel(description=""), "Now: no title or no description"),
    "own data source": (panel(datasource={"type": "prometheus", "uid": "mine"}), "Now: asks a data source of its own"),
    "no queries": (panel(targets=[]), "Now: asks nothing"),
    "unknown unit": (defaults(unit="furlong"), "Now: the unit furlong is none of Grafana's"),
    "no thresholds": (defaults(thresholds={}), "Now: no thresholds"),
    "nothing for nothing": (defaults(noValue=None), "Now: says nothing when there is nothing"),
    "beyond the edge": (
        panel(gridPos={"x": 20, "y": 0, "w": 6, "h": 1}),
        "automation-overview: a panel stands beyond the right edge",
    ),
    "overlap": (panel(gridPos={"x": 5, "y": 0, "w": 6, "h": 4}), "automation-overview: panels overlap"),
    "same id": (panel(id=2), "automation-overview: panels share an id"),
    "another Grafana's id": (
        lambda dashboard: dashboard.update(id=7),
        "automation-overview: an id belongs to one Grafana",
    ),
    "editable": (
        lambda dashboard: dashboard.update(editable=True),
        "automation-overview: is editable; what is provisioned cannot be saved",
    ),
    "no variable": (without("job"), "automation-overview: no variable job"),
    "All without totals": (
        variable("workload", allValue=".+"),
        "automation-overview / variable workload: All is not .*, so totals without that label are lost",
    ),
    "old values": (
        variable("target", refresh=1),
        "automation-overview / variable target: keeps old values when the time changes",
    ),
    "variable of an unknown metric": (
        variable("target", query={"query": "label_values(automation_targets, target)"}),
        "automation-overview / variable target: automation_targets is not in the metric table",
    ),
    "annotation of an unknown metric": (
        annotate("AUTOMATION_ALERTS"),
        "automation-overview / annotation Alerts: AUTOMATION_ALERTS is not in the metric table",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(mistake: str) -> None:
    """Where it is, and what is wrong."""
    change, expected = MISTAKES[mistake]
    dashboard = copy.deepcopy(GOOD)
    change(dashboard)
    found = lint(dashboard)
    assert any(finding.endswith(expected) for finding in found), found


def test_a_column_that_nothing_fills_is_found() -> None:
    """Grafana would leave it out without a word."""
    dashboard = copy.deepcopy(GOOD)
    table = next(panel for panel in dashboard["panels"] if panel["title"] == "What is wrong")
    table["transformations"][0]["options"]["include"]["names"].append("Value #C")
    assert lint(dashboard) == ["automation-overview / What is wrong: no query fills the column Value #C"]
