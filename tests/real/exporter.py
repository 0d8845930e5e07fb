"""The program itself as a process, by the console script that users call."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.real.process import ServerProcess, reserve_port

CONSOLE_SCRIPT = Path(sys.executable).parent / "automation-exporter"

# Of the environment only this is handed on: a vendor's variables on somebody's machine change no test.
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONDONTWRITEBYTECODE")


class ExporterProcess(ServerProcess):
    """``automation-exporter ARGUMENTS``, with a free port added; entering waits for ``/-/ready``."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        ready_path: str = "/-/ready",
    ) -> None:
        port = reserve_port()
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        super().__init__(
            (CONSOLE_SCRIPT, *arguments, f"--web.listen-address=127.0.0.1:{port}"),
            port=port,
            folder=folder,
            # killed, it leaves its temporary files behind: in its folder, which goes
            env={**inherited, "HOME": str(folder), "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", **(env or {})},
            ready_path=ready_path,
        )

    @property
    def address(self) -> str:
        """What Prometheus is given as the target."""
        return f"127.0.0.1:{self.port}"

    def metrics(self) -> str:
        """The exposition in the text format."""
        response = self.get("/metrics")
        assert response.status_code == 200, f"/metrics answers {response.status_code}\n{self.log_tail()}"
        return response.text

    def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample of the exposition by its name and labels."""
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.metrics())
            for sample in family.samples
        }
