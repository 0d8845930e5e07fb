"""Programs that must be there, and how one gets them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent.parent


class Tool(NamedTuple):
    """A program: its name, the command (a path from the repository's root, or a name on PATH) and how one gets it."""

    name: str
    command: str
    remedy: str

    @property
    def path(self) -> str | None:
        """Where it is; None when it is not there. ``sbin`` is looked at too."""
        if "/" in self.command:
            place = ROOT / self.command
            return str(place) if place.exists() else None
        return shutil.which(self.command) or shutil.which(self.command, path="/usr/sbin:/sbin:/usr/local/sbin")


def _debian(name: str, command: str, package: str) -> Tool:
    return Tool(name, command, f"apt-get install {package}")


NGINX: Final = _debian("nginx", "nginx", "nginx-light")
PUSHGATEWAY: Final = _debian("Pushgateway", "prometheus-pushgateway", "prometheus-pushgateway")
NODE_EXPORTER: Final = _debian("node_exporter", "prometheus-node-exporter", "prometheus-node-exporter")
PROMETHEUS_2: Final = _debian("Prometheus 2", "prometheus", "prometheus")
PROMETHEUS_3: Final = Tool("Prometheus 3", ".cache/prometheus3/usr/bin/prometheus", "run .ci/tools")


def missing(tools: Iterable[Tool]) -> list[Tool]:
    """Those that are not there, each once."""
    return [tool for tool in dict.fromkeys(tools) if tool.path is None]
