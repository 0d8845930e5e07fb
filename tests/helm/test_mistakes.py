"""Values that cannot be right are refused before anything is made, by an error that names the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import helm_python as helm
import pytest

from tests.helm.chart import CHART, templates, values_of


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``change`` laid over it, as Helm does."""
    result = dict(base)
    for key, value in change.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(value, Mapping) and isinstance(old, Mapping) else value
    return result


def refused(change: Mapping[str, Any]) -> str:
    """Return what Helm has against the smallest good values with ``change`` laid over them."""
    with pytest.raises(helm.HelmError) as caught:
        templates(merged(values_of("minimal"), change))
    return str(caught.value)


TARGET = {"name": "a", "platform": "granite"}


@pytest.mark.parametrize(
    ("change", "key", "reason"),
    [
        ({"replicas": 2}, "/replicas", "each pod would poll every target and count every run again"),
        ({"sharding": {"enabled": True}, "replicas": 101}, "/replicas", "maximum"),
        (
            {"sharding": {"enabled": True}, "persistence": {"existingClaim": "a"}},
            "/persistence/existingClaim",
            "each pod needs a state of its own",
        ),
        ({"sharding": {"enabled": True}, "demo": {"enabled": True}}, "/sharding/enabled", "a world of its own"),
        ({"replicas": "1"}, "/replicas", "want integer"),
        ({"image": {"repository": ""}}, "/image/repository", "minLength"),
        ({"image": {"tag": "latest"}}, "/image/tag", "latest is another program tomorrow"),
        ({"image": {"digest": "sha256:abc"}}, "/image/digest", "does not match"),
        ({"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy", "'Always', 'IfNotPresent', 'Never'"),
        ({"config": {"targets": []}}, "/config/targets", "minItems"),
        ({"config": {"targets": [{"name": "a"}]}}, "/config/targets/0", "missing property 'platform'"),
        ({"config": {"targets": [TARGET | {"platform": "granit"}]}}, "/config/targets/0/platform", "'granite'"),
        ({"config": {"targets": [TARGET | {"apikey": "x"}]}}, "/config/targets/0", "'apikey' not allowed"),
        ({"config": {"targets": [TARGET | {"interval": "often"}]}}, "/config/targets/0/interval", "does not match"),
        ({"config": {"targets": [TARGET | {"max_workloads": 0}]}}, "/config/targets/0/max_workloads", "minimum"),
        ({"config": {"defaults": {"zero_holds": "2m"}}}, "/config/defaults", "'zero_holds' not allowed"),
        ({"config": {"workloads": [{"labels": {}}]}}, "/config/workloads/0", "missing property 'match'"),
        (
            {"config": {"workloads": [{"match": {}, "objective": {"success_ratio": 2}}]}},
            "/success_ratio",
            "exclusiveMaximum",
        ),
        ({"onConfigChange": "wait"}, "/onConfigChange", "'restart', 'reload'"),
        ({"config": {"state": "/tmp/state.db"}}, "/config", "'state' not allowed"),
        ({"existingConfig": {"configMap": "a", "secret": "b"}}, "/existingConfig/secret", "one of them holds the file"),
        ({"secrets": [{"items": []}]}, "/secrets/0", "missing property 'name'"),
        ({"secrets": ["granite"]}, "/secrets/0", "want object"),
        ({"scrapeInterval": "1h"}, "/scrapeInterval", "does not match"),
        ({"scrapeInterval": 60}, "/scrapeInterval", "want string"),
        ({"web": {"port": 70000}}, "/web/port", "maximum"),
        ({"log": {"level": "loud"}}, "/log/level", "'debug', 'info', 'warn', 'error'"),
        ({"persistence": {"accessModes": ["ReadWriteMany"]}}, "/persistence/accessModes/0", "'ReadWriteOnce'"),
        ({"persistence": {"size": "much"}}, "/persistence/size", "does not match"),
        ({"persistence": {"enabled": "no"}}, "/persistence/enabled", "want boolean"),
        ({"service": {"type": "ExternalName"}}, "/service/type", "'ClusterIP'"),
        ({"resources": {"limits": {"memory": "lots"}}}, "/resources/limits/memory", "does not match"),
        ({"livenessProbe": {"periodSecond": 3}}, "/livenessProbe", "'periodSecond' not allowed"),
        ({"terminationGracePeriodSeconds": 1}, "/terminationGracePeriodSeconds", "minimum"),
        ({"podDisruptionBudget": {"maxUnavailable": 2}}, "/podDisruptionBudget/maxUnavailable", "maximum"),
        ({"networkPolicy": {"egressPorts": []}}, "/networkPolicy/egressPorts", "minItems"),
        (
            {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}},
            "/podMonitor/enabled",
            "both would scrape everything twice",
        ),
        ({"serviceMonitor": {"endpoint": {"interval": "5s"}}}, "/serviceMonitor/endpoint", "'interval' not allowed"),
        ({"serviceMonitor": {"relabelings": [{"target": "x"}]}}, "/serviceMonitor/relabelings/0", "'target' not"),
        ({"prometheusRule": {"objective": 1}}, "/prometheusRule/objective", "exclusiveMaximum"),
        ({"prometheusRule": {"alerts": {"NoSuch": {"enabled": False}}}}, "", "invalid propertyName 'NoSuch'"),
        (
            {"prometheusRule": {"alerts": {"AutomationQueueStuck": {"enable": False}}}},
            "/AutomationQueueStuck",
            "'enable'",
        ),
        ({"dashboards": {"labels": {"grafana_dashboard": 1}}}, "/dashboards/labels/grafana_dashboard", "want string"),
        ({"replicaCount": 1}, "", "'replicaCount' not allowed"),
    ],
)
def test_mistake(change: dict[str, Any], key: str, reason: str) -> None:
    """The path of the key, and what would be right or what is wrong."""
    message = refused(change)
    assert "values don't meet the specifications of the schema" in message
    assert f"{key}'" in message
    assert reason in message


@pytest.mark.parametrize(
    "target",
    [
        TARGET | {"api_key": "example-token"},
        TARGET | {"token": "$example-token"},
        TARGET | {"auth": {"kind": "client_secret", "client_secret": "example-token"}},
        TARGET | {"api_key": "${NAME:-example-token}"},
    ],
)
def test_a_secret_does_not_belong_into_values(target: dict[str, Any]) -> None:
    """It would end in a ConfigMap; the error says so and does not repeat it."""
    message = refused({"config": {"targets": [target]}})
    assert "the key that ends in _file" in message
    assert "/config/targets/0/" in message
    assert "example-token" not in message


def test_a_reference_to_the_environment_is_no_secret() -> None:
    """What the container's environment holds stays there."""
    target = TARGET | {"api_key": "${GRANITE_API_KEY}"}
    text = templates(merged(values_of("minimal"), {"config": {"targets": [target]}}))
    assert "api_key: ${GRANITE_API_KEY}" in text["automation-exporter/templates/configmap.yaml"]


def test_scrapes_too_far_apart_to_be_held() -> None:
    """What depends on two figures is told by the templates, with the same words on what would be right."""
    assert "scrapeInterval: 31m is too long, at most 30m" in refused({"scrapeInterval": "31m"})


def test_defaults_alone_say_what_is_missing() -> None:
    """``helm install`` without values fails, and names both keys that are needed."""
    with helm.Chart.load(CHART) as chart, pytest.raises(helm.HelmError) as caught:
        chart.render({}, name="watch", namespace="tools")
    assert "'/image/repository'" in str(caught.value)
    assert "'/config/targets'" in str(caught.value)
