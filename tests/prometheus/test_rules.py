"""The rule files: accepted by Prometheus, linked, few of them pages, and the same rules on another time scale."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.prometheus.table import ALERT_RULES, PROMETHEUS, RULE_FILES, title
from tests.real.binaries import Binaries
from tools import rules
from tools.rules.model import Alert, Subject
from tools.rules.text import SHIPPED, Options, expand, milliseconds, words

PAGES = {
    "AutomationErrorBudgetBurn critical 1h",
    "AutomationErrorBudgetBurn critical 6h",
    "AutomationExporterAbsent critical",
    "AutomationExporterTargetBlind critical",
    "AutomationScheduleMissed critical",
    "AutomationSilenceExceeded critical",
}
"""What may wake a person. Everything else waits for the morning."""

FAST = replace(SHIPPED, time_scale=60)


def run(*command: str | Path) -> None:
    """Run promtool; what it says is shown when it fails."""
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.real
def test_promtool_accepts_the_rules(binaries: Binaries) -> None:
    """With its lint as an error."""
    run(binaries.promtool, "check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES)


@pytest.mark.real
def test_promtool_accepts_the_example(binaries: Binaries) -> None:
    """The example of a configuration, with the rules that it names."""
    run(binaries.promtool, "check", "config", PROMETHEUS / "examples" / "prometheus.yml")


@pytest.mark.real
def test_promtool_accepts_the_scaled_copy(binaries: Binaries, tmp_path: Path) -> None:
    """No length becomes one that Prometheus cannot read."""
    copies = [tmp_path / Path(path).name for path in rules.FILES]
    for path, copy in zip(rules.FILES, copies, strict=True):
        copy.write_text(rules.page(path, FAST))
    run(binaries.promtool, "check", "rules", "--lint=all", "--lint-fatal", *copies)


def test_few_alerts_page() -> None:
    """A page is a decision: whoever adds one changes this list."""
    assert {title(rule) for rule in ALERT_RULES if rule["labels"]["severity"] == "critical"} == PAGES


@pytest.mark.parametrize("rule", ALERT_RULES, ids=title)
def test_an_alert_says_what_it_is_and_where_to_go(rule: dict[str, Any]) -> None:
    """Name, severity, texts and links, which follow from the name."""
    name, labels, told = rule["alert"], rule["labels"], rule["annotations"]
    assert re.fullmatch(r"Automation([A-Z][a-z]+)+", name)
    assert labels["severity"] in {"critical", "warning", "info"}
    assert list(told)[:4] == ["summary", "description", "runbook_url", "dashboard_url"]
    assert set(told) <= {*list(told)[:4], "runs_url"}
    assert told["summary"].endswith(".")
    assert told["description"].endswith(".")
    assert told["runbook_url"] == f"{SHIPPED.runbooks}#{name.lower()}"
    assert told["dashboard_url"].startswith(f"{SHIPPED.dashboards}/automation-")


def test_an_alert_leads_to_the_runs() -> None:
    """Of a workload to its runs, of a target to its row; of the exporter to nothing, since it may be down."""
    asked: dict[Subject, set[str]] = {"workload": {"target", "workload"}, "target": {"target"}, "exporter": set()}
    for group in chain.from_iterable(rules.FILES.values()):
        for rule in group.rules:
            if isinstance(rule, Alert):
                told = words(rule, SHIPPED).get("runs_url", "")
                link = urlsplit(told.replace("{{ ", "").replace(" | urlquery }}", ""))
                assert set(parse_qs(link.query)) == asked[rule.subject], rule.name
                assert not told or told.startswith(f"{SHIPPED.exporter}/?")


def test_dashboards_that_links_lead_to_exist() -> None:
    """With the variables that the links set."""
    dashboards = PROMETHEUS.parent / "grafana" / "dashboards" / "json"
    for rule in ALERT_RULES:
        uid, _, query = rule["annotations"]["dashboard_url"].removeprefix(f"{SHIPPED.dashboards}/").partition("?")
        dashboard = json.loads((dashboards / f"{uid}.json").read_text())
        variables = {variable["name"] for variable in dashboard["templating"]["list"]}
        assert dashboard["uid"] == uid
        assert set(re.findall(r"var-(\w+)=", query)) <= variables


LENGTH = re.compile(r"(?<=[\[:])\d+[a-z]+(?=[\]:])|(?<=offset )\d+[a-z]+|(?<=for: )\d+[a-z]+|(?<=interval: )\d+[a-z]+")
SECONDS = re.compile(r"(seconds|seconds_since_end|\)) (<|>|>=) [\d.]+")


@pytest.mark.parametrize("path", rules.FILES)
def test_a_scaled_copy_differs_in_lengths_only(path: str) -> None:
    """Each duration is a sixtieth, and nothing but lengths is different."""
    shipped, fast = rules.page(path), rules.page(path, FAST)
    before, after = LENGTH.findall(shipped), LENGTH.findall(fast)
    assert before
    assert [milliseconds(length) for length in before] == [60 * milliseconds(length) for length in after]
    assert SECONDS.sub("N", LENGTH.sub("L", shipped)) == SECONDS.sub("N", LENGTH.sub("L", fast))


@pytest.mark.parametrize(
    ("template", "options", "expected"),
    [
        ("rate(x[$5m])", SHIPPED, "rate(x[5m])"),
        ("rate(x[$5m])", FAST, "rate(x[5s])"),
        ("x[$1d:$1h] offset $6h", FAST, "x[24m:1m] offset 6m"),
        ("x > $90s_seconds", SHIPPED, "x > 90"),
        ("x > $90s_seconds", FAST, "x > 1.5"),
        ("sum by ($target) (x)", Options(exporter_labels=("job",)), "sum by (job, platform, target) (x)"),
        ("$objective", Options(objective=0.99), "0.99"),
    ],
)
def test_placeholders(template: str, options: Options, expected: str) -> None:
    """Lengths, numbers of seconds and lists of labels."""
    assert expand(template, options) == expected


def test_mistakes_in_placeholders_are_errors() -> None:
    """A name that there is not, and a length that cannot be divided."""
    with pytest.raises(KeyError, match="team"):
        expand("by ($team)", SHIPPED)
    with pytest.raises(ValueError, match="10ms divided by 60"):
        expand("[$10ms]", FAST)
