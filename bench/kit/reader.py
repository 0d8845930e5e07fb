"""One target with its state file and a clock that is set by hand: a poll of it in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.kit.processes import Process, Processes
from exporter.app.targets import build
from exporter.catalogue.runs import RUNS
from exporter.config import PLATFORMS
from exporter.exposition import Snapshot
from exporter.garbage import collect_less
from exporter.http import Budgets
from exporter.poll import Report
from exporter.publisher import Publisher
from exporter.runner import Runner
from exporter.selfmetrics import SelfMetrics
from exporter.store.sqlite import SqliteStore
from exporter.times import SECOND, Micros, Moment


class HandClock:
    """A clock whose world is set by hand; its monotonic time is real."""

    def __init__(self, world: Micros) -> None:
        self.world = world

    def now(self) -> Moment:
        """This instant."""
        return Moment(self.world, self.world)

    def monotonic(self) -> float:
        """Seconds."""
        return time.monotonic()


class Reader:
    """A target of a canned upstream, as the service has it. ``poll`` ends when all is committed and rendered."""

    def __init__(self, platform: str, port: int, state: Path, now: int) -> None:
        collect_less()
        self.clock = HandClock(now * SECOND)
        metrics = SelfMetrics()
        self.store = SqliteStore(state, self.clock.world)
        self._runner = Runner(self.store, Publisher(Snapshot(), metrics, self.clock), metrics, self.clock)
        here = f"http://127.0.0.1:{port}"
        owned: dict[str, dict[str, object]] = {
            "foundry": {"endpoint": f"{here}/api/projects/ops", "auth": {"kind": "token", "token": "not-a-secret"}},
            "moderately": {"endpoint": here, "team_id": "team", "api_key": "not-a-secret"},
        }
        pace = {"interval": "12h", "timeout": "5m", "requests_per_minute": 100_000, "sweep_interval": "30d"}
        settings: dict[str, object] = {
            "name": "one",
            "platform": platform,
            "memory": "30d",
            "stale_after": "30d",
            **pace,
            **owned[platform],
        }
        self.target = build(
            PLATFORMS[platform].model_validate(settings),  # type: ignore[index]
            store=self.store,
            budgets=Budgets(),
            metrics=metrics,
            clock=self.clock,
            holds=False,
        )

    def poll(self) -> Report:
        """Poll once, as the service does; an error when anything went wrong."""
        report = self._runner.run(self.target)
        if not report.good or report.error or report.listings_failed:
            raise RuntimeError(f"the poll failed: {report}")
        return report

    def counted(self) -> int:
        """Runs counted so far."""
        series = self.target.ledger.series.items()
        return sum(each.shown[0] + each.pending[0] for key, each in series if key.family == RUNS.name)

    def close(self) -> None:
        """Give everything back."""
        self.target.client.close()
        self.store.close()


@contextmanager
def canned(processes: Processes, name: str, **settings: int | str) -> Iterator[tuple[int, Process]]:
    """An upstream with these settings: its port, and its process."""
    arguments = [f"--{key}={value}" for key, value in settings.items()]
    process = processes.start_python(name, "bench.kit.canned", *arguments)
    process.wait_until(lambda: process.log.read_text().strip().isdigit(), "it listens")
    try:
        yield int(process.log.read_text()), process
    finally:
        process.end()
