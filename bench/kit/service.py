"""The program itself as a process, in the environment that people install."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import time
from functools import cache
from pathlib import Path
from typing import Final

from bench.kit.processes import ROOT, Process
from bench.kit.script import Bench
from bench.kit.tools import Tool

ENVIRONMENT: Final = Tool("the environment of the program", ".cache/venv/run/bin/python", "./run exporter --version")
"""Development needs packages that httpx and uvicorn would import too."""
LOOK_EVERY: Final = 0.002
ADDRESS: Final = re.compile(r"address=(127\.0\.0\.1:\d+)")


@cache
def interpreter() -> str:
    """The Python to measure with: all that it loads is compiled, as it is where pip or the image installed it."""
    python = ENVIRONMENT.path or sys.executable
    libraries = sysconfig.get_path("purelib", vars={"base": str(Path(python).parent.parent)})
    subprocess.run(
        (python, "-m", "compileall", "-q", libraries, "exporter"), cwd=ROOT, check=False, capture_output=True
    )
    return python


def start(bench: Bench, name: str, config: Path) -> Process:
    """The service with a configuration, on a free port."""
    arguments = ("run", f"--config.file={config}", "--web.listen-address=127.0.0.1:0")
    return bench.processes.start(name, (interpreter(), "-m", "exporter.cli", *arguments))


def said(process: Process, text: str) -> float:
    """Wait until a process has said something; the clock (``perf_counter``) at that moment, within milliseconds."""
    while process.alive() and text not in process.log.read_text():
        time.sleep(LOOK_EVERY)
    at = time.perf_counter()
    process.wait_until(lambda: text in process.log.read_text(), f"it has said {text}")
    return at


def address_of(process: Process) -> str:
    """Where a service listens, once it says so."""
    process.wait_until(lambda: ADDRESS.search(process.log.read_text()), "it serves")
    found = ADDRESS.search(process.log.read_text())
    assert found is not None
    return found[1]
