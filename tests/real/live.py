"""The simulator as a process, and services that read it, for tests against real Prometheus servers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from exporter.catalogue import ALL
from tests.real.exporter import CONSOLE_SCRIPT, INHERITED, ExporterProcess
from tests.real.waiting import wait_for

PLATFORMS: tuple[str, ...] = ("roboto", "foundry", "granite", "moderately")
"""Platforms that are shown against real servers; a new one joins by its name."""

AT_ONCE: Mapping[str, Mapping[str, Any]] = {"granite": {"deep_interval": "1s", "settle": "5m", "window": "1h"}}
"""Settings of a target whose reads by name are otherwise spread over minutes, and whose windows hold many runs."""

Key = tuple[str, frozenset[tuple[str, str]]]
"""A sample's name and labels, those of the exporter and of the scrape left out."""

COUNTED = frozenset(
    row.name + suffix
    for row in ALL
    if row.durable and row.sources and row.type in ("counter", "histogram")
    for suffix in (("",) if row.type == "counter" else ("_bucket", "_sum", "_count"))
)
"""Names of the samples of every durable counter and histogram that a platform feeds."""

AROUND = frozenset({"__name__", "instance", "job", "platform", "target"})
"""Labels that say where a sample is from."""


def key_of(name: str, labels: Mapping[str, str]) -> Key:
    """A sample's key. Empty labels are none, as Prometheus has it."""
    return name, frozenset((label, value) for label, value in labels.items() if value and label not in AROUND)


class SimulatorProcess(ExporterProcess):
    """``automation-exporter simulate``, with the control endpoint at hand."""

    def __init__(self, folder: Path, *, seed: int = 1, pace: float = 2.0, workloads: int = 4) -> None:
        arguments = ("simulate", f"--seed={seed}", f"--pace={pace}", f"--workloads={workloads}")
        super().__init__(arguments, folder, ready_path="/_simulator/time")

    def control(self, method: str, path: str, **body: Any) -> Any:
        """Ask or tell the control endpoint."""
        response = self.client.request(method, f"/_simulator/{path}", json=body or None)
        assert response.status_code == 200, response.text
        return response.json()

    def truth(self, platform: str, bounds: str = "") -> dict[Key, float]:
        """What a reader must have counted by now, since the first good answer or in other bounds; zeros left out."""
        samples = self.control("GET", f"truth?platform={platform}{bounds}")["samples"]
        return {key_of(sample["name"], sample["labels"]): sample["value"] for sample in samples if sample["value"]}

    def failures(self, platform: str) -> float:
        """How many failed runs a reader must have counted by now."""
        return sum(
            value
            for (name, labels), value in self.truth(platform).items()
            if name == "automation_runs_total" and ("outcome", "failed") in labels
        )

    def start_no_more(self) -> None:
        """Start no new runs from now on."""
        self.control("POST", "rest")

    def come_to_rest(self, *, within: float) -> None:
        """Start no new runs, and wait for the end of those under way."""
        self.start_no_more()  # where two worlds rest at once they were told already; once more changes nothing
        wait_for(self._is_at_rest, "every run has ended", within=within)

    def _is_at_rest(self) -> bool:
        return not any(self.control("GET", f"truth?platform={platform}")["active"] for platform in PLATFORMS)

    def configuration(self, **pace: Any) -> dict[str, Any]:
        """The configuration that it prints, with the targets' pace. It listens a moment before it prints."""
        wait_for(lambda: "Ctrl-C" in self.log(), "the configuration is printed", within=10)
        printed: dict[str, Any] = yaml.safe_load(self.log())
        printed["targets"] = [
            {**target, **AT_ONCE.get(target["platform"], {})}
            for target in printed["targets"]
            if target["platform"] in PLATFORMS
        ]
        return {**printed, "defaults": {"requests_per_minute": 6000, **pace}}


def run_command(
    *arguments: str | Path, folder: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end; nothing of this machine's environment but what every test hands on."""
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return subprocess.run(
        (CONSOLE_SCRIPT, *arguments),
        cwd=folder,
        env={**environment, "HOME": str(folder), **(env or {})},
        text=True,
        capture_output=True,
        check=False,
        timeout=90,
    )


def write_configuration(path: Path, configuration: Mapping[str, Any]) -> Path:
    """Write a configuration file whole, as an editor that is careful would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(yaml.safe_dump(dict(configuration), sort_keys=False))
    return new.replace(path)


class ServiceProcess(ExporterProcess):
    """``automation-exporter run`` with a configuration and a state of its own."""

    def __init__(
        self,
        folder: Path,
        configuration: Path,
        *flags: str,
        state: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.state = state or folder / "state.db"
        arguments: Sequence[str] = ("run", f"--config.file={configuration}", f"--state={self.state}", *flags)
        super().__init__(arguments, folder, env=env)

    def counted(self, platform: str) -> dict[Key, float]:
        """What it exposes now of a platform's durable counters and histograms; zeros left out."""
        return {
            key_of(name, dict(labels)): value
            for (name, labels), value in self.samples().items()
            if value and name in COUNTED and ("platform", platform) in labels
        }
