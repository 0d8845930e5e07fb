"""The example of an Alertmanager configuration: valid in both versions, and every route leads where it says."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.prometheus.table import ALERT_RULES, PROMETHEUS
from tests.real.alertmanager import AlertmanagerBinaries, alertmanager_binaries
from tests.real.binaries import PROMETHEUS_MAJORS

EXAMPLE = PROMETHEUS / "examples" / "alertmanager.yml"
CONFIG = yaml.safe_load(EXAMPLE.read_text())

ROUTES = {
    "alertname=AutomationErrorBudgetBurn severity=critical": "on-call",
    "alertname=AutomationErrorBudgetBurn severity=critical team=support": "on-call",
    "alertname=AutomationErrorBudgetBurn severity=critical team=data": "data-on-call",
    "alertname=AutomationExporterTargetDown severity=warning": "tickets",
    "alertname=AutomationExporterTargetDown severity=warning team=data": "data-tickets",
    "alertname=AutomationFailureReasonNew severity=info": "reading",
    "alertname=AutomationFailureReasonNew severity=info team=data": "reading",
    "alertname=NodeDown severity=critical": "everything-else",
    "alertname=NodeDown severity=critical team=data": "everything-else",
    "severity=critical": "everything-else",
}
"""Labels of an alert, and the receiver that gets it."""


@pytest.fixture(params=PROMETHEUS_MAJORS, ids=lambda major: f"amtool{major}")
def binaries(request: pytest.FixtureRequest) -> AlertmanagerBinaries:
    """Alertmanager 0.25 and 0.33."""
    major: str = request.param
    return alertmanager_binaries(major)


def amtool(binaries: AlertmanagerBinaries, *arguments: str) -> str:
    """What amtool prints; an AssertionError when it is not content."""
    command = (str(binaries.amtool), *arguments)
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.real
def test_the_example_is_valid(binaries: AlertmanagerBinaries) -> None:
    """With its placeholders, as it stands."""
    assert "SUCCESS" in amtool(binaries, "check-config", str(EXAMPLE))


@pytest.mark.real
@pytest.mark.parametrize(("labels", "receiver"), ROUTES.items())
def test_an_alert_is_routed(binaries: AlertmanagerBinaries, labels: str, receiver: str) -> None:
    """By its name, severity and team; what is not ours goes to the receiver of everything else."""
    options = (f"--config.file={EXAMPLE}", f"--verify.receivers={receiver}")
    amtool(binaries, "config", "routes", "test", *options, *labels.split())


def receivers(route: Mapping[str, Any]) -> Iterator[str]:
    """Receivers of a route and of those below it."""
    yield route["receiver"]
    for child in route.get("routes", ()):
        yield from receivers(child)


def test_every_route_is_tested_and_has_a_receiver() -> None:
    """The table above reaches all of them."""
    routed = set(receivers(CONFIG["route"]))
    assert routed == set(ROUTES.values())
    assert routed <= {receiver["name"] for receiver in CONFIG["receivers"]}


def test_placeholders_take_their_secrets_from_files() -> None:
    """No key stands in the example, and none has to be written into it."""
    for receiver in CONFIG["receivers"]:
        for kind, services in receiver.items():
            if kind in ("name", "webhook_configs"):
                continue
            assert any(key.endswith("_file") for service in services for key in service)
            assert not {"routing_key", "service_key", "api_url", "api_key", "auth_password"} & set(services[0])


def test_alerts_in_matchers_exist() -> None:
    """A misspelt name in an inhibition inhibits nothing, without a word."""
    names = {rule["alert"] for rule in ALERT_RULES}
    for rule in CONFIG["inhibit_rules"]:
        for side in ("source_matchers", "target_matchers"):
            assert matched(rule[side], names), rule[side]


def matched(matchers: list[str], names: set[str]) -> set[str]:
    """Names of alerts that the matcher on ``alertname`` accepts."""
    found = set()
    for matcher in matchers:
        label, operator, value = matcher.split(maxsplit=2)
        if label != "alertname":
            continue
        value = value.strip('"')
        if operator == "=":
            found |= names & {value}
        else:
            prefix, _, rest = value.partition("(")
            wanted = {prefix + part for part in rest.rstrip(")").split("|")}
            assert wanted <= names, matcher
            found |= wanted
    return found


@pytest.mark.parametrize("rule", CONFIG["inhibit_rules"], ids=lambda rule: rule["source_matchers"][0])
def test_inhibitions_demand_what_they_compare(rule: Mapping[str, Any]) -> None:
    """Labels missing on both sides count as equal, so each rule asks for its narrowest one on both."""
    narrowest = rule["equal"][-1]
    assert f'{narrowest} != ""' in rule["source_matchers"]
    assert f'{narrowest} != ""' in rule["target_matchers"]
