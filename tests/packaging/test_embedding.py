"""``docs/embedding.md``: its program is run as it stands, on simulated platforms."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.binaries import ROOT
from tests.real.exporter import CONSOLE_SCRIPT
from tests.real.process import ServerProcess, reserve_port
from tests.real.waiting import wait_for

PAGE = ROOT / "docs" / "embedding.md"


@pytest.mark.real
def test_the_program_on_the_page(tmp_path: Path) -> None:
    """A host's own registry shows what the platforms did, beside what the host itself shows."""
    ((code),) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    port = reserve_port()
    (tmp_path / "host.py").write_text(code.replace("8000", str(port)))
    simulate = (CONSOLE_SCRIPT, "simulate", f"--web.listen-address=127.0.0.1:{reserve_port()}")
    with subprocess.Popen(simulate, stdout=subprocess.PIPE, text=True) as platforms:
        try:
            assert platforms.stdout is not None
            lines: list[str] = []
            for line in platforms.stdout:
                lines.append(line)
                if "Ctrl-C" in line:
                    break
            (tmp_path / "config.yaml").write_text("".join(lines) + f"state: {tmp_path / 'state.db'}\n")
            host = ServerProcess(
                (sys.executable, "-W", "error", "host.py"),
                port=port,
                folder=tmp_path,
                env={"PATH": "/usr/bin:/bin"},
                ready_path="/metrics",
            )
            with host:
                text = wait_for(
                    lambda: text if "automation_runs_total{" in (text := host.get("/metrics").text) else None,
                    "runs are shown",
                    within=30,
                    details=host.log_tail,
                )
                assert "python_info{" in text
        finally:
            platforms.kill()
