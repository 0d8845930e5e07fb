"""Every values file in ``ci/``, one a feature: what Helm makes of it is right in every way that can be checked."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import helm_python as helm
import pytest
import yaml

from exporter import __version__
from exporter.config import load_text
from exporter.times import SECOND
from tests.helm import policy, schemas
from tests.helm.chart import (
    CHART,
    EVERY_VALUES_FILE,
    VALUES_FILES,
    config_of,
    manifests,
    only,
    rendered,
    templates,
    values_of,
)
from tests.helm.schemas import KUBERNETES_VERSIONS, LOADS_OPERATOR

EXISTING = {
    "monitoring",
    "registry",
    "automation-config",
    "automation-state",
    "automation-web",
    "scraper",
    "roboto",
    "foundry",
    "granite",
    "moderately",
}
"""Objects that the values files take for granted."""

NOT_WORTH_A_FILE = {
    *("podSecurityContext", "securityContext", "terminationGracePeriodSeconds"),
    *("startupProbe", "livenessProbe", "readinessProbe"),
}
"""Values whose defaults are what the policy asks for."""

OF_THE_OPERATOR = {"service-monitor", "pod-monitor", "prometheus-rule", "web-config"}
"""Values files that make objects of the Prometheus operator."""

TARGET = {"name": "a", "platform": "granite", "api_key_file": "/run/secrets/granite/api-key"}

VARIABLES = {"ROBOTO_API_KEY": "example-token"}


@EVERY_VALUES_FILE
def test_lint_is_silent(name: str) -> None:
    """Helm's own lint, strictly: only the missing icon is worth a word."""
    report = helm.lint(CHART, values_of(name), strict=True, namespace="tools", kube_version="v1.30.0")
    assert report["errors"] == []
    assert [message["error"] for message in report["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=LOADS_OPERATOR if name in OF_THE_OPERATOR else ()) for name in VALUES_FILES]
)
def test_api_servers_take_it(name: str) -> None:
    """Kubernetes in its oldest, a middle and its newest version, and the operator, without unknown fields."""
    found = {
        (version, manifest["kind"], text)
        for manifest in rendered(name)
        for version in KUBERNETES_VERSIONS
        for text in schemas.complaints(manifest, version)
    }
    assert found == set()


@EVERY_VALUES_FILE
def test_policy_is_kept(name: str) -> None:
    """References resolve, selectors match, everything is confined."""
    assert policy.complaints(rendered(name), EXISTING) == []


@EVERY_VALUES_FILE
def test_the_program_takes_the_configuration(name: str, tmp_path: Path) -> None:
    """What is written into the ConfigMap is a configuration without a mistake, and new values are held two scrapes."""
    values = values_of(name)
    text = config_of(rendered(name))
    if text is None:
        assert "demo" in values or "existingConfig" in values
        return
    mounted = {secret["name"] for secret in values.get("secrets", ())}
    for folder, file in set(re.findall(r"/run/secrets/([\w-]+)/([\w-]+)", text)):
        assert folder in mounted
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / file).write_text("example-token")
    settings = load_text(text.replace("/run/secrets", str(tmp_path)), VARIABLES, name="config.yaml", folder=tmp_path)
    scrape = {"service-monitor": 30, "pod-monitor": 120}.get(name, 60) * SECOND
    own = {("all-platforms", "back-office"): 600 * SECOND}
    for target in settings.targets:
        assert target.zero_hold == own.get((name, target.name), 2 * scrape)


def test_every_feature_has_a_file() -> None:
    """Whatever kind of object a template can make is made for one of them."""
    sources = "\n".join(path.read_text() for path in (CHART / "templates").rglob("*.yaml"))
    possible = set(re.findall(r"^kind: (\w+)$", sources, re.MULTILINE))
    assert possible <= {manifest["kind"] for name in VALUES_FILES for manifest in rendered(name)}


def test_every_value_is_set_somewhere() -> None:
    """A value that no file sets is a value that nobody tried."""
    assert (
        set(yaml.safe_load((CHART / "values.yaml").read_text()))
        == {key for name in VALUES_FILES for key in values_of(name)} | NOT_WORTH_A_FILE
    )


def test_checksum_follows_the_configuration() -> None:
    """The pod is replaced when the configuration changes, and not when something else does."""

    def checksum(**changes: Any) -> str:
        pod = only(manifests(values_of("minimal") | changes), "StatefulSet")["spec"]["template"]
        return str(pod["metadata"]["annotations"]["checksum/config"])

    assert checksum() == checksum(service={"port": 80})
    assert checksum() != checksum(scrapeInterval="30s")
    assert checksum() != checksum(config={"targets": [TARGET | {"name": "renamed"}]})


def test_a_changed_configuration_can_be_taken_over_instead() -> None:
    """Then the program watches its file, and the pod stays."""
    pod = only(manifests(values_of("minimal") | {"onConfigChange": "reload"}), "StatefulSet")["spec"]["template"]
    assert "checksum/config" not in pod["metadata"]["annotations"]
    assert "--config.auto-reload" in pod["spec"]["containers"][0]["args"]
    assert "--config.auto-reload" not in _container("minimal")["args"]


def test_each_pod_of_several_polls_its_share() -> None:
    """The total is the number of replicas, and the pod's name, which ends with its number, is there to be read."""
    assert not [text for text in _container("minimal")["args"] if "shard" in text]
    container = _container("sharding")
    assert "--shard=auto/3" in container["args"]
    assert container["env"][0] == {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}


def test_with_a_web_configuration_probes_and_the_test_ask_the_health_address() -> None:
    """A node has no certificate and no password. Without one nothing of all that is there."""
    container = _container("web-config")
    assert "--web.config.file=/etc/automation-exporter-web/web.yml" in container["args"]
    assert "--web.health-listen-address=:10079" in container["args"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == "health"
        assert _container("minimal")[probe]["httpGet"]["port"] == "metrics"
    tester = only(rendered("web-config"), "Pod")["spec"]["containers"][0]
    assert tester["args"] == ["healthcheck", "--web.listen-address=watch-automation-exporter:10079"]
    assert not [text for text in _container("minimal")["args"] if "web.config" in text or "health-listen" in text]


def test_a_probe_of_somebodys_own_stays_as_it_is() -> None:
    own = {"exec": {"command": ["automation-exporter", "healthcheck"]}, "httpGet": None}
    values = values_of("web-config") | {"livenessProbe": own}
    pod = only(manifests(values), "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    assert pod["livenessProbe"]["exec"] == own["exec"]


def _container(name: str) -> Any:
    return only(rendered(name), "StatefulSet")["spec"]["template"]["spec"]["containers"][0]


def test_two_monitors_keep_series_over_restarts() -> None:
    """The instance is the pod's name, which a new pod has too; its address would make every series a new one."""
    for name, kind, endpoints in (
        ("service-monitor", "ServiceMonitor", "endpoints"),
        ("pod-monitor", "PodMonitor", "podMetricsEndpoints"),
    ):
        (endpoint,) = only(rendered(name), kind)["spec"][endpoints]
        assert {"sourceLabels": ["__meta_kubernetes_pod_name"], "targetLabel": "instance"} in endpoint["relabelings"]
        assert endpoint["interval"] == values_of(name)["scrapeInterval"]


@pytest.mark.parametrize(
    ("name", "told", "not_told"),
    [
        (
            "minimal",
            ["helm -n tools test watch", "serviceMonitor.enabled=true", "prometheusRule.enabled=true"],
            "WARNING",
        ),
        ("ephemeral", ["WARNING: persistence is off", "counters start again at zero"], "simulated"),
        ("demo", ["simulated platforms"], "WARNING"),
        ("existing-config", ["must set zero_hold to at least 120s"], "WARNING"),
        ("service-monitor", ["The monitor is made"], "set serviceMonitor.enabled"),
    ],
)
def test_notes_say_what_to_do_next(name: str, told: list[str], not_told: str) -> None:
    """Whoever has just installed reads them."""
    notes = templates(values_of(name))["automation-exporter/templates/NOTES.txt"]
    for words in told:
        assert words in notes
    assert not_told not in notes


def test_what_is_published(tmp_path: Path) -> None:
    """The archive renders as the folder does, without what only tests need, and a release fits into a Secret."""
    archive = helm.package(CHART, destination=tmp_path)
    assert Path(archive).name == f"automation-exporter-{__version__}.tgz"
    values = values_of("dashboards") | {"prometheusRule": {"enabled": True}}
    with helm.Chart.load(archive) as chart:
        assert chart.metadata["appVersion"] == chart.version == __version__
        made = chart.render(values, name="watch", namespace="tools")
        files = [*chart.files, *chart.templates]
    assert made == templates(values)
    assert not [file["name"] for file in files if file["name"].startswith("ci/")]
    # Helm keeps the chart and what it made in one Secret of at most 1 MiB, compressed and in base64.
    release = gzip.compress(json.dumps([files, made]).encode())
    assert len(release) * 4 / 3 * 2 < 2**20
