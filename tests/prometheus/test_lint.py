"""What the lint finds in rules, each with its place; the rules themselves are clean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools import rules
from tools.rules.exporter import TARGET_DOWN
from tools.rules.lint import findings
from tools.rules.model import Alert, Group, Recording


def found(*mistaken: Recording | Alert) -> list[str]:
    """What is found in a file of one group."""
    return findings({"some.yaml": (Group("group", (*rules.recording.OWNERS.rules, *mistaken), "for a test"),)})


def test_the_rules_are_clean() -> None:
    """Nothing to say about any of them."""
    assert findings(rules.FILES) == []


@pytest.mark.parametrize(
    ("expr", "finding"),
    [
        ("automation_run_total", "automation_run_total is not in the metric table"),
        ("workload:automation_objective:success", "workload:automation_objective:success is not in the metric table"),
        ('automation_active_runs{status="queued"}', "automation_active_runs has no label status"),
        ("rate(automation_active_runs[$5m])", "automation_active_runs is a gauge: rate()"),
        ("sum(automation_runs_total)", "automation_runs_total is a counter"),
        ("sum by (reason) (rate(automation_runs_total[$5m]))", "sum by (reason): that label is not there"),
        ("increase(automation_runs_total[4m])", "a range of 240 s holds fewer than 4 scrapes"),
        (
            "sum by (workload) (rate(automation_runs_total[$5m])) / sum by (target) (rate(automation_runs_total[$5m]))",
            "none will match",
        ),
        (
            "automation_active_runs * on ($workload) group_left (color) automation_workload_info",
            "brings (color) along",
        ),
        ("sum by (team) (automation_exporter_target_up)", "sum by (team): that label is not there"),
        ("sum((", "this is not PromQL"),
        ("automation_active_runs > $soon", "this is not PromQL: 'soon'"),
    ],
)
def test_a_mistaken_expression_is_found_with_its_place(expr: str, finding: str) -> None:
    """Metrics, labels, functions, ranges, joins and placeholders."""
    (only,) = found(Recording("some:rule:here", expr))
    assert only.startswith("some.yaml: group / some:rule:here: ")
    assert finding in only


def test_words_about_labels_that_an_alert_cannot_have_are_found() -> None:
    """The aggregation left them behind, or nobody ever had them."""
    mistaken = replace(TARGET_DOWN, description="{{ $labels.instance }}: {{ $labels.platform }}")
    assert found(mistaken) == [
        "some.yaml: group / AutomationExporterTargetDown: description uses the label instance, which is not there"
    ]


def test_a_summary_that_differs_between_instances_is_found() -> None:
    """Notifications of many alerts show it once."""
    assert found(replace(TARGET_DOWN, summary="{{ $labels.target }} is down.")) == [
        "some.yaml: group / AutomationExporterTargetDown: the summary is to be the same for all instances"
    ]


def test_what_was_recorded_before_can_be_used() -> None:
    """With the labels that it has."""
    good = Recording("target:two:x", "sum by ($target) (target:automation_tier1:info)")
    assert found(good) == []
    bad = Recording("target:two:x", "sum by (workload) (target:automation_tier1:info)")
    assert found(bad) == ["some.yaml: group / target:two:x: sum by (workload): that label is not there"]
