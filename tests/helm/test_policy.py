"""The policy and the schemas have teeth: each thing that they are there for is found when it is broken."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.helm import policy, schemas
from tests.helm.chart import only, rendered

Objects = list[dict[str, Any]]

GIVEN = {"granite", "more-variables", "monitoring"}


def broken(name: str, breakage: Callable[[Objects], object]) -> Objects:
    """Return what the chart makes of a values file, with something broken."""
    objects: Objects = [copy.deepcopy(dict(manifest)) for manifest in rendered(name)]
    breakage(objects)
    return objects


def spec(objects: Objects, kind: str = "StatefulSet") -> Any:
    """Return the spec of the only object of a kind; of a StatefulSet that of its pods."""
    found = only(objects, kind)["spec"]
    return found["template"]["spec"] if kind == "StatefulSet" else found


def exporter(objects: Objects) -> Any:
    """Return the program's container."""
    return spec(objects)["containers"][0]


def labels(objects: Objects) -> Any:
    """Return the labels of the pods."""
    return only(objects, "StatefulSet")["spec"]["template"]["metadata"]["labels"]


@pytest.mark.parametrize(
    ("name", "breakage", "complaint"),
    [
        ("minimal", lambda o: o.append(o[0]), "made 2 times"),
        ("minimal", lambda o: o[0]["metadata"].update(name="x" * 64), "not a name"),
        ("minimal", lambda o: o[0]["metadata"]["labels"].update(team="a b"), "label team is 'a b'"),
        ("minimal", lambda o: only(o, "ConfigMap")["data"].update(more="x" * 2**20), "larger than etcd takes"),
        ("minimal", lambda o: spec(o)["securityContext"].update(runAsUser=0), "may run as root"),
        ("minimal", lambda o: spec(o)["securityContext"].pop("seccompProfile"), "any system call"),
        ("minimal", lambda o: spec(o).update(automountServiceAccountToken=True), "gets a token"),
        ("minimal", lambda o: spec(o).update(hostNetwork=True), "the node's namespaces"),
        ("minimal", lambda o: spec(o)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}), "is the node's"),
        ("minimal", lambda o: exporter(o)["securityContext"].update(privileged=True), "may gain privileges"),
        ("minimal", lambda o: exporter(o)["securityContext"].pop("readOnlyRootFilesystem"), "write to its root"),
        ("minimal", lambda o: exporter(o)["securityContext"].pop("capabilities"), "keeps capabilities"),
        ("minimal", lambda o: exporter(o).update(image="automation-exporter:latest"), "of no version"),
        ("minimal", lambda o: exporter(o).update(image="example.com:5000/exporter"), "of no version"),
        ("minimal", lambda o: exporter(o)["resources"].pop("requests"), "asks for no resources"),
        ("minimal", lambda o: exporter(o)["resources"].pop("limits"), "no limit of memory"),
        ("minimal", lambda o: exporter(o).pop("readinessProbe"), "has no readinessProbe"),
        ("minimal", lambda o: only(o, "StatefulSet")["spec"].update(serviceName="x"), "no Service x"),
        ("minimal", lambda o: spec(o)["volumes"].pop(0), "mounts tmp, which is no volume"),
        ("minimal", lambda o: only(o, "StatefulSet")["spec"].pop("volumeClaimTemplates"), "mounts state"),
        ("minimal", lambda o: o.remove(only(o, "ServiceAccount")), "no ServiceAccount"),
        ("minimal", lambda o: o.remove(only(o, "ConfigMap")), "no ConfigMap"),
        ("minimal", lambda o: spec(o)["volumes"][2]["secret"].update(secretName="x"), "no Secret x"),
        ("minimal", lambda o: spec(o).update(imagePullSecrets=[{"name": "x"}]), "no Secret x"),
        (
            "minimal",
            lambda o: labels(o).pop("app.kubernetes.io/name"),
            "Service watch-automation-exporter: selects nothing",
        ),
        (
            "minimal",
            lambda o: only(o, "Pod")["metadata"]["labels"].update(labels(o)),
            "Service watch-automation-exporter: selects ['StatefulSet",
        ),
        (
            "disruption-budget",
            lambda o: labels(o).clear(),
            "PodDisruptionBudget watch-automation-exporter: selects nothing",
        ),
        ("network-policy", lambda o: labels(o).clear(), "NetworkPolicy watch-automation-exporter: selects nothing"),
        ("pod-monitor", lambda o: labels(o).clear(), "PodMonitor watch-automation-exporter: selects nothing"),
        (
            "service-monitor",
            lambda o: only(o, "Service")["metadata"]["labels"].clear(),
            "ServiceMonitor watch-automation-exporter: selects nothing",
        ),
        (
            "service-monitor",
            lambda o: spec(o, "ServiceMonitor").update(namespaceSelector={"any": True}),
            "looks in other namespaces",
        ),
        ("minimal", lambda o: exporter(o)["ports"][0].update(name="http"), "Service: there is no port metrics"),
        ("minimal", lambda o: exporter(o)["ports"][0].update(name="http"), "livenessProbe: there is no port metrics"),
        (
            "service-monitor",
            lambda o: spec(o, "Service")["ports"][0].update(name="http"),
            "ServiceMonitor: there is no port metrics",
        ),
        ("pod-monitor", lambda o: exporter(o)["ports"][0].update(name="http"), "PodMonitor: there is no port"),
        ("network-policy", lambda o: exporter(o)["ports"][0].update(name="http"), "NetworkPolicy: there is no"),
        ("minimal", lambda o: exporter(o)["args"].append("--fly"), "the program does not take"),
        ("minimal", lambda o: exporter(o)["volumeMounts"].pop(2), "nothing is mounted where"),
    ],
)
def test_policy_finds(name: str, breakage: Callable[[Objects], object], complaint: str) -> None:
    """One thing is broken, and told."""
    assert policy.complaints(rendered(name), GIVEN) == []
    found = policy.complaints(broken(name, breakage), GIVEN)
    assert [text for text in found if complaint in text], found


@pytest.mark.parametrize("version", schemas.KUBERNETES_VERSIONS)
@pytest.mark.parametrize(
    ("kind", "breakage", "complaint"),
    [
        ("StatefulSet", lambda o: exporter(o).update(imagePullPolice="Always"), "'imagePullPolice'"),
        ("StatefulSet", lambda o: exporter(o)["ports"][0].update(containerPort="metrics"), "not of type"),
        ("Service", lambda o: spec(o, "Service").pop("ports") and spec(o, "Service").update(port=1), "'port'"),
        ("ConfigMap", lambda o: only(o, "ConfigMap")["data"].update(number=1), "not of type"),
    ],
)
def test_schemas_of_kubernetes_find(
    version: str, kind: str, breakage: Callable[[Objects], object], complaint: str
) -> None:
    """Unknown fields and wrong types, in each version."""
    (found,) = schemas.complaints(only(broken("minimal", breakage), kind), version)
    assert complaint in found


@schemas.LOADS_OPERATOR
@pytest.mark.parametrize(
    ("name", "kind", "breakage", "complaint"),
    [
        (
            "service-monitor",
            "ServiceMonitor",
            lambda o: spec(o, "ServiceMonitor")["endpoints"][0].update(intervall="5s"),
            "'intervall' was unexpected",
        ),
        (
            "pod-monitor",
            "PodMonitor",
            lambda o: spec(o, "PodMonitor").update(podMetricsEndpoints=[{"interval": "soon"}]),
            "$.spec.podMetricsEndpoints[0].interval",
        ),
        (
            "prometheus-rule",
            "PrometheusRule",
            lambda o: spec(o, "PrometheusRule")["groups"][0]["rules"][0].update(alerts="x"),
            "'alerts' was unexpected",
        ),
    ],
)
def test_schemas_of_the_operator_find(
    name: str, kind: str, breakage: Callable[[Objects], object], complaint: str
) -> None:
    """Unknown fields and wrong values."""
    (found,) = schemas.complaints(only(broken(name, breakage), kind), "1.30")
    assert complaint in found
