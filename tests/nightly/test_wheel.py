"""The wheel alone, in an environment that has nothing else: what a newcomer gets from an index."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exporter import __version__
from tests.packaging.test_distributions import build
from tests.real.binaries import ROOT
from tests.real.process import ServerProcess, reserve_port
from tests.real.waiting import wait_for

pytestmark = [pytest.mark.nightly, pytest.mark.xdist_group("wheel")]

FOUNDRY = """
targets:
  - name: support
    platform: foundry
    endpoint: https://account.services.ai.azure.com/api/projects/support
    auth: {kind: managed_identity}
"""


class Environment:
    """A virtual environment below ``folder``; dependencies have the locked versions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "venv" / "bin" / "automation-exporter"
        # Of this environment's own variables only those that lead to packages.
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        self._run(sys.executable, "-m", "venv", folder / "venv")

    def install(self, requirement: str) -> None:
        """Install from wherever this machine gets packages."""
        pip = (self.folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        locked = self.folder / "versions.txt"
        # Constraints with hashes would ask for a hash of the wheel, too.
        pins = [line.rstrip(" \\") for line in (ROOT / "requirements/run.txt").read_text().splitlines() if "==" in line]
        locked.write_text("\n".join(pins))
        self._run(*pip, "--constraint", locked, requirement)

    def _run(self, *command: str | Path) -> None:
        result = subprocess.run(
            command, cwd=self.folder, env=self.env, check=False, capture_output=True, text=True, timeout=600
        )
        assert result.returncode == 0, result.stdout + result.stderr

    def tell(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program to its end."""
        return subprocess.run(
            (self.program, *arguments),
            cwd=self.folder,
            env=self.env,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel and what the wheel asks for."""
    folder = tmp_path_factory.mktemp("empty")
    made = Environment(folder)
    made.install(str(build("wheel", ROOT, folder / "dist")))
    return made


def test_demo(environment: Environment, tmp_path: Path) -> None:
    """The simulated platforms are part of the wheel: counters appear without account, file or checkout."""
    assert environment.tell("--version").stdout.startswith(f"automation-exporter {__version__} ")
    port = reserve_port()
    command = (environment.program, "demo", f"--web.listen-address=127.0.0.1:{port}")
    with ServerProcess(command, port=port, folder=tmp_path, env=environment.env, ready_path="/-/ready") as demo:
        wait_for(
            lambda: "automation_runs_total{" in demo.get("/metrics").text,
            "runs are counted",
            within=60,
            details=demo.log_tail,
        )
        demo.process.send_signal(signal.SIGTERM)
        assert demo.process.wait(10) == 0


def test_what_is_heavy_comes_only_when_asked_for(environment: Environment) -> None:
    """Without the extra a Foundry target that needs it says what to install; with it the file is right."""
    config = environment.folder / "config.yaml"
    config.write_text(FOUNDRY)
    without = environment.tell("once", f"--config.file={config}")
    assert without.returncode in {1, 2}
    assert "automation-exporter[azure]" in without.stderr
    (wheel,) = (environment.folder / "dist").iterdir()
    environment.install(f"{wheel}[azure]")
    with_extra = environment.tell("once", f"--config.file={config}")
    assert "automation-exporter[azure]" not in with_extra.stderr
