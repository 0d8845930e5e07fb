"""Where the real servers' programs are: the system's packages, and the newer ones that .ci/tools unpacks."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NEWER = ROOT / ".cache" / "prometheus3" / "usr" / "bin"

PROMETHEUS_MAJORS = ("2", "3")
"""The major versions that everything must pass on."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """One version of Prometheus with the promtool that belongs to it."""

    version: str
    prometheus: Path
    promtool: Path

    def check_metrics(self, text: str) -> list[str]:
        """What ``promtool check metrics`` has to say about an exposition in the text format; nothing is good."""
        result = subprocess.run(
            (self.promtool, "check", "metrics"), input=text, text=True, capture_output=True, check=False, timeout=60
        )
        complaints = (result.stdout + result.stderr).splitlines()
        return complaints or ([f"exit code {result.returncode}"] if result.returncode else [])


def version_of(program: Path) -> str:
    """The version that a Prometheus says it is, such as ``2.42.0``."""
    result = subprocess.run((program, "--version"), text=True, capture_output=True, check=True, timeout=60)
    match = re.search(r"version (\d+\.\d+\.\d+)", result.stdout + result.stderr)
    assert match, f"{program} --version tells no version: {result.stdout!r}"
    return match[1]


@functools.cache
def find_binaries() -> Mapping[str, Binaries]:
    """The Prometheus of each major version that can be found."""
    found: dict[str, Binaries] = {}
    for folder in (None, str(NEWER)):
        prometheus, promtool = (shutil.which(name, path=folder) for name in ("prometheus", "promtool"))
        if prometheus and promtool:
            version = version_of(Path(prometheus))
            found[version.partition(".")[0]] = Binaries(version, Path(prometheus), Path(promtool))
    return found


def give_up(what: str) -> NoReturn:
    """A tool is missing: the test is skipped on a person's machine and fails in CI."""
    if any(os.environ.get(name, "").lower() in {"1", "true"} for name in ("CI", "AUTOMATION_EXPORTER_CI")):
        pytest.fail(f"{what} is missing, and CI must not do without; .ci/tools installs it", pytrace=False)
    pytest.skip(f"{what} is missing; .ci/tools installs it")


def prometheus_binaries(major: str) -> Binaries:
    """The Prometheus of a major version, or the end of the test."""
    return find_binaries().get(major) or give_up(f"Prometheus {major}")
