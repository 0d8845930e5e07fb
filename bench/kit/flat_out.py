"""The exporter with every target polled flat out: ``python -m bench.kit.flat_out CONFIG PORT PACE WORKLOAD ...``.

What ``automation-exporter run`` starts, with two differences: its upstreams answer in this process, so that they cost
it processor time instead of waiting, and with the pace ``flat-out`` a poll begins when the last one ended. Every
listing that is read has a run that was not there before.
"""

from __future__ import annotations

import itertools
import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx

from bench.kit.state import read_config
from exporter import app, logs
from exporter.app.service import Service
from exporter.target import Target
from exporter.web.address import Address

FLAT_OUT: Final = "flat-out"
RUNS: Final = 5
"""Runs of a page; all but the newest were there before."""


class Upstream(httpx.BaseTransport):
    """A project of Foundry whose routines end a run between any two readings."""

    def __init__(self, names: Sequence[str]) -> None:
        triggers = {"weekdays": {"type": "schedule", "cron_expression": "0 6 * * 1-5", "time_zone": "Europe/Berlin"}}
        routines = [{"name": name, "enabled": True, "triggers": triggers} for name in names]
        self._roster = json.dumps({"data": routines}).encode()
        self._known: dict[str, list[str]] = {name: [] for name in names}
        self._numbers = itertools.count()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        body = self._roster if request.url.path.endswith("/routines") else self._runs(request.url.path.split("/")[-2])
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(body), request=request)

    def _runs(self, name: str) -> bytes:
        now = int(time.time())
        number = next(self._numbers)
        run = {
            "id": f"run-{number:024x}",
            "status": "FAILED" if number % 20 == 0 else "FINISHED",
            "phase": "failed" if number % 20 == 0 else "completed",
            "trigger_type": "schedule",
            "trigger_name": "weekdays",
            "attempt_source": "fresh",
            "action_type": "invoke_agent",
            "triggered_at": now - 9,
            "scheduled_fire_at": now - 10,
            "started_at": now - 8,
            "ended_at": now - 1 - number % 5,
            "error_type": "model_timeout" if number % 20 == 0 else None,
        }
        known = self._known[name] = [json.dumps(run), *self._known[name][: RUNS - 1]]
        return f'{{"data": [{", ".join(known)}]}}'.encode()


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM. The schedule polls each target once; with ``flat-out`` a thread of its own goes on."""
    config, port, pace, *names = arguments
    logs.configure("error", "logfmt")
    settings = read_config(Path(config))
    upstreams = {target.name: Upstream(names) for target in settings.targets}
    options = app.Options(
        listen=Address("127.0.0.1", int(port)),
        state=settings.state,
        transports=lambda target: upstreams[target.name],
    )
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    service = Service(settings, options)
    service.start()

    def poll(target: Target) -> None:
        while not stop.is_set():
            with target.polling:
                service.runner.run(target)

    if pace == FLAT_OUT:
        for target in service.targets.values():
            threading.Thread(target=poll, args=(target,), daemon=True).start()
    stop.wait()
    service.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
