"""A real Alertmanager, and the receiver at the other end of its webhooks."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.real.binaries import NEWER, give_up
from tests.real.process import ServerProcess, reserve_port


@dataclass(frozen=True, slots=True)
class AlertmanagerBinaries:
    """One version of Alertmanager with the amtool that belongs to it."""

    alertmanager: Path
    amtool: Path


def alertmanager_binaries(prometheus_major: str) -> AlertmanagerBinaries:
    """The Alertmanager that comes with the Prometheus of a major version (0.25 and 0.33), or the end of the test."""
    folder = {"2": None, "3": str(NEWER)}[prometheus_major]
    alertmanager, amtool = (shutil.which(name, path=folder) for name in ("prometheus-alertmanager", "amtool"))
    if alertmanager is None or amtool is None:
        give_up(f"the Alertmanager that comes with Prometheus {prometheus_major}")
    return AlertmanagerBinaries(Path(alertmanager), Path(amtool))


class Alertmanager(ServerProcess):
    """An Alertmanager with its own folder and port, alone: it opens no port to gossip on."""

    def __init__(self, binaries: AlertmanagerBinaries, folder: Path, config: Mapping[str, Any]) -> None:
        port = reserve_port()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "alertmanager.yml").write_text(json.dumps(config, indent=2))  # JSON is YAML
        super().__init__(
            (
                binaries.alertmanager,
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ),
            port=port,
            folder=folder,
            env={"HOME": str(folder)},
            ready_path="/-/ready",
        )

    @property
    def address(self) -> str:
        """Where Prometheus finds it."""
        return f"127.0.0.1:{self.port}"

    def post(self, alerts: Sequence[Mapping[str, str]]) -> None:
        """Tell it that alerts with these labels fire."""
        response = self.client.post("/api/v2/alerts", json=[{"labels": dict(labels)} for labels in alerts])
        assert response.status_code == 200, response.text

    def inhibited(self) -> dict[frozenset[tuple[str, str]], bool]:
        """Every alert that it knows of, by its labels, and whether another one silences it."""
        alerts = self.client.get("/api/v2/alerts").json()
        return {frozenset(alert["labels"].items()): bool(alert["status"]["inhibitedBy"]) for alert in alerts}


class Notified(NamedTuple):
    """One alert of a notification; ``path`` is that of the webhook's URL."""

    path: str
    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Receiver:
    """Listens on loopback for webhooks and keeps what came, in order."""

    def __init__(self) -> None:
        self._notified: list[Notified] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.take(self.path, json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """What came is kept; nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """What the webhooks' URLs begin with."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def take(self, path: str, body: Mapping[str, Any]) -> None:
        """Keep the alerts of one notification."""
        alerts = [Notified(path, alert["status"], alert["labels"], alert["annotations"]) for alert in body["alerts"]]
        with self._lock:
            self._notified += alerts

    def notified(self, path: str, status: str, name: str, **labels: str) -> Notified | None:
        """The latest notification of an alert by that name and status which has at least these labels."""
        with self._lock:
            found = list(self._notified)
        wanted = {"alertname": name, **labels}.items()
        for each in reversed(found):
            if (each.path, each.status) == (path, status) and wanted <= each.labels.items():
                return each
        return None

    def told(self) -> str:
        """All that came, a line each, for a test that fails."""
        with self._lock:
            return "\n".join(f"{n.path} {n.status} {dict(n.labels)}" for n in self._notified)
