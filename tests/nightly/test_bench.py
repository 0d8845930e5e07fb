"""Every benchmark still works and fills its tables; how fast it all is, no test says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.kit.script import scripts
from bench.kit.tools import missing
from tests.real.binaries import ROOT, give_up

pytestmark = [pytest.mark.nightly, pytest.mark.xdist_group("bench")]


@pytest.mark.parametrize("name", scripts())
def test_a_benchmark_works(name: str) -> None:
    for tool in missing(scripts()[name].TOOLS):
        give_up(f"{tool.name} is missing ({tool.remedy})")
    done = subprocess.run(
        (sys.executable, "-m", "bench", "--quick", name), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"## {scripts()[name].TITLE}" in done.stdout
    assert "nan" not in done.stdout.lower().split()
