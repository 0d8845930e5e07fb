"""``compose.yaml`` as far as it can be checked without an engine.

Its own schema, the files it mounts, the configurations in them by the tools of their programs; and the service and
Prometheus as it starts them, as processes of this machine. What an engine does with images, networks and volumes is
not tried.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.arguments import parser
from tests.real.binaries import ROOT, give_up, prometheus_binaries
from tests.real.exporter import ExporterProcess
from tests.real.process import ServerProcess, reserve_port
from tests.real.waiting import wait_for

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
RULES = len(list((ROOT / "prometheus" / "rules").glob("*.yaml")))


def mounts(service: str) -> dict[str, Path]:
    """Return where a service sees which files of the repository."""
    split = (volume.split(":") for volume in SERVICES[service].get("volumes", ()))
    return {place: ROOT / source for source, place, *_ in split if source.startswith(".")}


def on_this_machine(service: str, path: str, folder: Path, addresses: dict[str, str]) -> Path:
    """Return a copy of a mounted file in which the container's paths and hosts are those of this machine."""
    text = mounts(service)[path].read_text()
    for place, source in mounts(service).items():
        if source.is_dir():
            text = text.replace(place, str(source))
    for name, address in addresses.items():
        text = text.replace(name, address)
    copy = folder / Path(path).name
    copy.write_text(text)
    return copy


def test_schema() -> None:
    """What the specification of Compose says."""
    command = (
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        ROOT / "compose.yaml",
    )
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_is_mounted_is_there() -> None:
    """All of it read-only: an engine would make an empty folder of a file that is missing."""
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            source, _, *mode = volume.split(":")
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{name}: {source}"
                assert mode == ["ro"], f"{name}: {source} can be written to"
            else:
                assert source in COMPOSE["volumes"]
        assert set(service.get("depends_on", ())) <= SERVICES.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_confined(name: str) -> None:
    """Seen from this machine only, without capabilities, of a version that is named."""
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service["ports"])
    assert re.search(r":(?!latest$)[\w.-]+$", service["image"])


def test_the_service_takes_its_command() -> None:
    """Also the one that the comment recommends for platforms of one's own; it listens where its port is published."""
    chosen = parser().parse_args(SERVICES["exporter"]["command"])
    assert SERVICES["exporter"]["ports"][0].endswith(f":{chosen.web_listen_address.port}")
    (told,) = re.findall(r"`command: \[(.+)\]`", (ROOT / "compose.yaml").read_text())
    assert parser().parse_args(told.split(", ")).command == "run"


def test_alertmanager_takes_its_configuration() -> None:
    """By its own tool."""
    amtool = shutil.which("amtool") or give_up("amtool")
    file = mounts("alertmanager")["/etc/alertmanager/alertmanager.yml"]
    result = subprocess.run((amtool, "check-config", file), capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_grafana_finds_what_it_is_given() -> None:
    """Provisioning leads to the folder with the dashboards and to Prometheus; the home page is one of them."""
    seen = mounts("grafana")
    (provider,) = yaml.safe_load(seen["/etc/grafana/provisioning/dashboards/automation.yml"].read_text())["providers"]
    dashboards = seen[provider["options"]["path"]]
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (dashboards / home.name).is_file()
    assert str(home.parent) == provider["options"]["path"]
    (source,) = yaml.safe_load(seen["/etc/grafana/provisioning/datasources/automation.yml"].read_text())["datasources"]
    host, port = source["url"].removeprefix("http://").split(":")
    assert SERVICES[host]["ports"][0].endswith(f":{port}")


@pytest.mark.real
def test_demo_and_prometheus_as_they_are_started(tmp_path: Path) -> None:
    """With the commands of the file: the demo is scraped, all rules are loaded, and evaluated without an error."""
    binaries = prometheus_binaries("3")
    port = reserve_port()
    with ExporterProcess(SERVICES["exporter"]["command"], tmp_path / "exporter") as exporter:
        # Evaluated more often than there, so that the test need not wait.
        addresses = {"exporter:10077": exporter.address, "alertmanager:9093": "127.0.0.1:9", "15s": "1s"}
        config = on_this_machine("prometheus", "/etc/prometheus/prometheus.yml", tmp_path, addresses)
        places = {
            "--config.file=/etc/prometheus/prometheus.yml": f"--config.file={config}",
            "--storage.tsdb.path=/prometheus": f"--storage.tsdb.path={tmp_path / 'data'}",
        }
        flags = [places.get(flag, flag) for flag in SERVICES["prometheus"]["command"]]
        assert set(places) <= set(SERVICES["prometheus"]["command"])
        with ServerProcess(
            (binaries.prometheus, *flags, f"--web.listen-address=127.0.0.1:{port}"),
            port=port,
            folder=tmp_path / "prometheus",
            env={"HOME": str(tmp_path)},
            ready_path="/-/ready",
        ) as prometheus:

            def evaluated() -> list[dict[str, Any]] | None:
                groups: list[dict[str, Any]] = prometheus.get("/api/v1/rules").json()["data"]["groups"]
                # Some groups take minutes between evaluations.
                often = [rule for group in groups for rule in group["rules"] if group["interval"] <= 1]
                done = often and all(rule["health"] != "unknown" for rule in often)
                return groups if done and up() else None

            def up() -> bool:
                answer = prometheus.client.get("/api/v1/query", params={"query": "up{job='automation'} == 1"})
                return bool(answer.json()["data"]["result"])

            groups = wait_for(evaluated, "all rules are evaluated", within=60, details=prometheus.log_tail)
            assert len({group["file"] for group in groups}) == RULES
            assert {rule.get("lastError", "") for group in groups for rule in group["rules"]} == {""}
