"""The image: built from the repository's Dockerfile, and run as a strict cluster runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter import __version__
from tests.nightly.image import BASE, Builder, Container, Image, builder
from tests.real.process import reserve_port
from tests.real.waiting import wait_for

pytestmark = [pytest.mark.nightly, pytest.mark.xdist_group("image")]

USER = "65532"

# An upstream that nobody is: the service must not mind.
CONFIG = """
targets:
  - name: fleet
    platform: roboto
    org_id: og_example
    endpoint: http://127.0.0.1:9
    token: example-token
"""


@pytest.fixture(scope="module")
def built() -> Iterator[tuple[Builder, float]]:
    """The image, and the seconds that its build took once the base was there."""
    with builder() as made:
        made.make_stand_in()
        start = time.monotonic()
        made.build("automation-exporter", {"VERSION": __version__, "REVISION": "0" * 40})
        yield made, time.monotonic() - start


@pytest.fixture(scope="module")
def image(built: tuple[Builder, float]) -> Image:
    """The image, unpacked."""
    return built[0].unpack("automation-exporter")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The file that is mounted into the container."""
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    file.chmod(0o644)
    return file


def test_it_is_small(built: tuple[Builder, float], image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    """The program and all that it needs add less than 90 MB to the base."""
    base = built[0].unpack(BASE).size()
    size = image.size()
    with capsys.disabled():
        print(f"\nimage: {size / 1e6:.0f} MB, {(size - base) / 1e6:.0f} MB of it ours; built in {built[1]:.0f} s")
    assert size - base < 90e6


def test_what_an_engine_reads(image: Image) -> None:
    """Numeric user, port, volume, health check, labels, and a command that runs the service."""
    config = image.config
    assert config["User"] == f"{USER}:{USER}"
    assert list(config["ExposedPorts"]) == ["10077/tcp"]
    assert list(config["Volumes"]) == ["/var/lib/automation-exporter"]
    assert config["Healthcheck"]["Test"] == ["CMD", "automation-exporter", "healthcheck"]
    assert (config["Entrypoint"], config["Cmd"][0]) == (["automation-exporter"], "run")
    assert config["StopSignal"] == "SIGTERM"
    labels = config["Labels"]
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.revision"] == "0" * 40


def test_nothing_but_the_state_belongs_to_its_user(image: Image) -> None:
    """Nobody who gets into the program can change it; and it brings no installer."""
    found = subprocess.run(
        ("find", image.root, "-uid", USER, "-printf", "%P\n"), capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines() == ["var/lib/automation-exporter"]
    assert not list(image.root.glob("opt/automation-exporter/lib/python*/site-packages/pip"))


def test_demo_confined(image: Image, tmp_path: Path, config: Path) -> None:
    """Read-only root, no capabilities: runs are counted, the health check says so, SIGTERM ends it with 0."""
    with Container(image, ["demo"], port=reserve_port(), folder=tmp_path, config=config) as container:
        status = container.status()
        assert status["Uid"].split() == [USER] * 4
        assert status["Gid"].split() == [USER] * 4
        assert [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")] == [0] * 5
        assert status["NoNewPrivs"] == "1"
        assert container.mounts()["/"].startswith("ro")
        wait_for(
            lambda: "automation_runs_total{" in container.get("/metrics").text,
            "runs are counted",
            within=60,
            details=container.log_tail,
        )
        os.kill(container.first_process, signal.SIGTERM)
        assert container.process.wait(10) == 0


def test_service_confined(image: Image, tmp_path: Path, config: Path) -> None:
    """The image's own command keeps its state in the volume; a dead upstream is no reason to be ill."""
    with Container(image, image.config["Cmd"], port=reserve_port(), folder=tmp_path, config=config) as container:
        check = image.command(
            tmp_path / "state", [*image.config["Healthcheck"]["Test"][2:], f"--web.listen-address=:{container.port}"]
        )
        checked = subprocess.run(check, env=container.env, capture_output=True, text=True, check=False, timeout=60)
        assert (checked.returncode, checked.stdout) == (0, "serving and polling\n"), checked.stderr
        os.kill(container.first_process, signal.SIGTERM)
        assert container.process.wait(10) == 0
    assert (tmp_path / "state" / "state.db").stat().st_uid == int(USER)
