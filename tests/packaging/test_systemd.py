"""The systemd unit: right, hardened, and with a sandbox in which the program works."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.arguments import parser
from tests.real.binaries import ROOT, give_up
from tests.real.exporter import CONSOLE_SCRIPT
from tests.real.process import ServerProcess, reserve_port
from tests.real.waiting import wait_for

UNIT = ROOT / "packaging" / "systemd" / "automation-exporter.service"
PROGRAM = "/opt/automation-exporter/bin/automation-exporter"

MOST_EXPOSED = 15
"""Tenths of what systemd calls the exposure level: 0 is a service that can do nothing, 100 one without any limit."""

SET_MDWE, GET_MDWE = 65, 66
LIMITED = f"""
import ctypes, os, sys
assert ctypes.CDLL(None).prctl({SET_MDWE}, 1, 0, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Takes from its own process the right to such memory, as the unit does, and becomes the program."""


def settings() -> dict[str, list[str]]:
    """Return every setting of the unit, with all its values."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def analyze() -> str:
    """systemd's own judge of units."""
    return shutil.which("systemd-analyze") or give_up("systemd-analyze")


def test_systemd_takes_it(analyze: str, tmp_path: Path) -> None:
    """Without a warning, once the program is where the unit looks for it."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace(PROGRAM, str(CONSOLE_SCRIPT)))
    result = subprocess.run((analyze, "verify", copy), capture_output=True, text=True, check=False, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_it_can_do_little(analyze: str) -> None:
    """What systemd itself thinks of its sandbox."""
    result = subprocess.run(
        (analyze, "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", UNIT),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout[-300:] + result.stderr


def test_the_program_takes_its_command() -> None:
    """Both commands, and where systemd keeps state is where the program looks for it."""
    (check,), (start,) = settings()["ExecStartPre"], settings()["ExecStart"]
    assert parser().parse_args(shlex.split(check)[1:]).command == "check-config"
    chosen = parser().parse_args([word for word in shlex.split(start)[1:] if word != "$ARGS"])
    assert chosen.command == "run"
    assert str(chosen.config_file) == shlex.split(check)[2]
    assert settings()["StateDirectory"] == ["automation-exporter"]
    assert settings()["RestartPreventExitStatus"] == ["2"]


@pytest.mark.real
@pytest.mark.skipif(sys.platform != "linux", reason="a sandbox of Linux")
def test_the_program_needs_no_memory_that_is_written_and_executed(tmp_path: Path) -> None:
    """``MemoryDenyWriteExecute`` breaks some Python programs, by what their libraries do; not this one."""
    if ctypes.CDLL(None).prctl(GET_MDWE, 0, 0, 0, 0) < 0:
        pytest.skip("this kernel has no such limit (6.3 and later have)")
    port = reserve_port()
    with ServerProcess(
        (sys.executable, "-c", LIMITED, CONSOLE_SCRIPT, "demo", f"--web.listen-address=127.0.0.1:{port}"),
        port=port,
        folder=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        ready_path="/-/ready",
    ) as demo:
        wait_for(
            lambda: "automation_runs_total{" in demo.get("/metrics").text,
            "runs are counted",
            within=60,
            details=demo.log_tail,
        )
        demo.process.send_signal(signal.SIGTERM)
        assert demo.process.wait(10) == 0
