"""The chart's page: its values work, and the sidecar that it shows is held to the same schemas and policy."""

from __future__ import annotations

import re
from typing import Any

import yaml

from exporter import __version__
from tests.helm import policy, schemas
from tests.helm.chart import CHART, UniqueKeys, manifests
from tests.real.binaries import ROOT

EXAMPLE = ROOT / "examples" / "kubernetes" / "sidecar.yaml"


def documents() -> list[dict[str, Any]]:
    """Return the objects of the example."""
    return list(yaml.load_all(EXAMPLE.read_text(), UniqueKeys))


def test_the_example_is_right() -> None:
    """Every supported Kubernetes takes it, and it is confined as the chart's pod is."""
    assert [
        text for found in documents() for v in schemas.KUBERNETES_VERSIONS for text in schemas.complaints(found, v)
    ] == []
    # The policy knows what the chart makes: there a pod is a StatefulSet's.
    as_chart = [
        found | {"kind": "StatefulSet", "spec": found["spec"] | {"serviceName": "application"}}
        if found["kind"] == "Deployment"
        else found
        for found in documents()
    ]
    service = {
        "kind": "Service",
        "metadata": {"name": "application", "labels": {}},
        "spec": {"selector": {"app": "application"}, "ports": []},
    }
    assert policy.complaints([*as_chart, service], {"granite"}) == []


def test_it_can_only_run_once() -> None:
    """One replica, and no second one while it is replaced; the page says why."""
    (deployment,) = [found for found in documents() if found["kind"] == "Deployment"]
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    page = (CHART / "README.md").read_text()
    assert "examples/kubernetes/sidecar.yaml" in page
    assert "never in a pod of several replicas" in page


def test_it_is_of_this_version() -> None:
    """The image that it names is the one that is released with it."""
    assert f"automation-exporter:{__version__}" in EXAMPLE.read_text()


def test_the_values_on_the_page_work() -> None:
    """What a newcomer copies is rendered and keeps the policy."""
    (text,) = re.findall(r"^```yaml\n(image:.*?)^```$", (CHART / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    made = manifests(yaml.safe_load(text))
    assert policy.complaints(made, {"granite"}) == []
    assert {"ServiceMonitor", "PrometheusRule", "StatefulSet"} <= {found["kind"] for found in made}
