"""From an incident to the notification that a person gets, and to the one that says that it is over."""

from __future__ import annotations

from pathlib import Path

from tests.real.alertmanager import Notified
from tests.real.incidents import Chain, running_chain

RUNBOOKS = "https://github.com/automation-exporter/automation-exporter/blob/main/prometheus/runbooks.md"
DASHBOARDS = "https://grafana.example.net/d"
EXPORTER = "https://automation-exporter.example.net"


def healthy(chain: Chain) -> None:
    """Wait until runs are counted and every target is read."""
    for prometheus in chain.prometheus.values():
        prometheus.wait_until_up("automation")
        prometheus.wait_until(
            lambda p=prometheus: p.value('automation_runs_total{workload="ticket-triage",outcome="completed"} > 2'),  # type: ignore[misc]
            "runs are counted",
        )
        prometheus.wait_until(
            lambda p=prometheus: p.value("sum(automation_exporter_target_up)") == 3,  # type: ignore[misc]
            "all targets are up",
        )


def check_links(notified: list[Notified], dashboard: str) -> None:
    """What came leads to the alert's section of the runbooks, and to its dashboard with the variables set."""
    for each in notified:
        assert each.annotations["runbook_url"] == f"{RUNBOOKS}#{each.labels['alertname'].lower()}"
        assert each.annotations["dashboard_url"] == f"{DASHBOARDS}/{dashboard}"
        query = dashboard.partition("?")[2].replace("var-", "")
        of_runs = f"{EXPORTER}/?{query}" + ("#runs" if "workload=" in query else "")
        assert each.annotations.get("runs_url") == (of_runs if "target=" in query else None)
        assert each.annotations["summary"]
        assert "<no value>" not in each.annotations["description"]


def test_every_incident_reaches_a_person_and_so_does_its_end(tmp_path: Path) -> None:
    """A burst of failures, a dead platform, refused credentials, the exporter down, a missed schedule."""
    with running_chain(tmp_path) as chain:
        healthy(chain)
        chain.begin("missed_schedule", "foundry", "nightly-report")
        chain.begin("failure_burst", "foundry", "ticket-triage")
        chain.begin("dead_upstream", "roboto")
        chain.begin("expired_token", "moderately")

        burn = {"platform": "foundry", "target": "support", "workload": "ticket-triage", "long_window": "1h"}
        down = {"platform": "roboto", "target": "fleet"}
        refused = {"platform": "moderately", "target": "agents"}
        told = chain.expect("firing", "tickets", "AutomationExporterTargetDown", within=60, **down)
        assert {(each.labels["team"], each.labels["tier"]) for each in told} == {("perception", "2")}
        check_links(told, "automation-exporter?var-target=fleet")
        told = chain.expect("firing", "tickets", "AutomationExporterUnauthorized", within=60, **refused)
        assert {each.labels["team"] for each in told} == {"support"}
        check_links(told, "automation-exporter?var-target=agents")
        told = chain.expect("firing", "on-call", "AutomationErrorBudgetBurn", within=60, **burn)
        assert {(each.labels["team"], each.labels["severity"]) for each in told} == {("support", "critical")}
        check_links(told, "automation-workload?var-target=support&var-workload=ticket-triage")

        for incident in ("failure_burst", "dead_upstream", "expired_token"):
            chain.end(incident)
        chain.expect("resolved", "tickets", "AutomationExporterTargetDown", within=60, **down)
        chain.expect("resolved", "tickets", "AutomationExporterUnauthorized", within=60, **refused)
        chain.expect("resolved", "on-call", "AutomationErrorBudgetBurn", within=90, **burn)

        chain.exporter.kill9()
        told = chain.expect("firing", "tickets", "AutomationExporterDown", within=60, job="automation")
        check_links(told, "automation-exporter?var-job=automation")
        told = chain.expect("firing", "on-call", "AutomationExporterAbsent", within=60, job="automation")
        check_links(told, "automation-exporter?var-job=automation")
        chain.exporter.start()
        chain.expect("resolved", "tickets", "AutomationExporterDown", within=60, job="automation")
        chain.expect("resolved", "on-call", "AutomationExporterAbsent", within=60, job="automation")

        missed = {"platform": "foundry", "target": "support", "workload": "nightly-report", "trigger_name": "nightly"}
        told = chain.expect("firing", "data-on-call", "AutomationScheduleMissed", within=120, **missed)
        assert {(each.labels["team"], each.labels["tier"]) for each in told} == {("data", "1")}
        check_links(told, "automation-workload?var-target=support&var-workload=nightly-report")
        chain.deliver_late()
        chain.expect("resolved", "data-on-call", "AutomationScheduleMissed", within=60, **missed)
