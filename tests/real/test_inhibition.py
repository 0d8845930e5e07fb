"""The example's inhibitions in a real Alertmanager: what they silence, and above all what they do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.real.alertmanager import Alertmanager, Receiver, alertmanager_binaries
from tests.real.binaries import PROMETHEUS_MAJORS
from tests.real.incidents import routes_to
from tests.real.waiting import wait_for

Labels = Mapping[str, str]

TARGET = {"job": "automation", "platform": "foundry", "target": "support"}
OTHER_TARGET = {**TARGET, "target": "sales"}
OTHER_JOB = {**TARGET, "job": "staging"}
WORKLOAD = {**TARGET, "workload": "triage"}
OTHER_WORKLOAD = {**TARGET, "workload": "digest"}

SOURCES: tuple[Labels, ...] = (
    {"alertname": "AutomationExporterUnauthorized", "severity": "warning", **TARGET},
    {"alertname": "AutomationExporterAbsent", "severity": "critical", "job": "automation"},
    {"alertname": "AutomationExporterAbsent", "severity": "critical"},  # no exporter at all, so no job either
    {"alertname": "AutomationErrorBudgetBurn", "severity": "critical", "long_window": "1h", **WORKLOAD},
)
"""What happens; none of these is silenced by another."""

SILENCED: tuple[Labels, ...] = (
    {"alertname": "AutomationExporterTargetDown", "severity": "warning", **TARGET},
    {"alertname": "AutomationExporterTargetStale", "severity": "warning", **TARGET},
    {"alertname": "AutomationExporterDown", "severity": "warning", "job": "automation", "instance": "a"},
    {"alertname": "AutomationErrorBudgetBurn", "severity": "warning", "long_window": "1d", **WORKLOAD},
    {"alertname": "AutomationFailureReasonSpike", "severity": "warning", "reason": "timeout", **WORKLOAD},
)
"""What those alerts make superfluous."""

HEARD: tuple[Labels, ...] = (
    {"alertname": "AutomationExporterTargetDown", "severity": "warning", **OTHER_TARGET},
    {"alertname": "AutomationExporterTargetDown", "severity": "warning", **OTHER_JOB},
    {"alertname": "AutomationExporterTargetBlind", "severity": "critical", **TARGET},
    {"alertname": "AutomationExporterDown", "severity": "warning", "job": "staging", "instance": "b"},
    {"alertname": "AutomationExporterDown", "severity": "warning"},
    {"alertname": "AutomationErrorBudgetBurn", "severity": "critical", "long_window": "6h", **WORKLOAD},
    {"alertname": "AutomationErrorBudgetBurn", "severity": "warning", "long_window": "1d", **OTHER_WORKLOAD},
    {"alertname": "AutomationScheduleMissed", "severity": "warning", "trigger_name": "daily", **WORKLOAD},
    {"alertname": "NodeDown", "severity": "warning"},
    {"alertname": "NodeDown", "severity": "warning", "job": "automation"},
    {"alertname": "TargetDown", "severity": "warning", **TARGET},
)
"""Strangers, neighbours, and news about the same workload that is still news."""


@pytest.fixture(params=PROMETHEUS_MAJORS, ids=lambda major: f"alertmanager-of-prometheus{major}")
def alertmanager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Alertmanager]:
    """Each supported version in turn."""
    binaries = alertmanager_binaries(request.param)
    with Receiver() as receiver, Alertmanager(binaries, tmp_path / "alertmanager", routes_to(receiver.url)) as server:
        yield server


def test_inhibitions_silence_what_is_superfluous_and_no_stranger(alertmanager: Alertmanager) -> None:
    """All of them fire at the same time."""
    alertmanager.post(SOURCES)  # first, so that what they silence is never judged without them
    everything = {frozenset(labels.items()) for labels in (*SOURCES, *SILENCED, *HEARD)}
    alertmanager.post((*SILENCED, *HEARD))
    silenced = {frozenset(labels.items()) for labels in SILENCED}

    def judged() -> bool:
        found = alertmanager.inhibited()
        return set(found) == everything and silenced <= {labels for labels, quiet in found.items() if quiet}

    wait_for(judged, "all alerts are known and the superfluous ones silenced", within=30)
    assert {labels for labels, quiet in alertmanager.inhibited().items() if quiet} == silenced
