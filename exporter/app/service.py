"""The service: opens the state, polls on a schedule, serves what is ready, ends cleanly."""

from __future__ import annotations

import gc
import logging
import sys
from pathlib import Path
from typing import Final

from exporter import killpoints
from exporter.app.configured import Configured
from exporter.app.fleet import Fleet
from exporter.app.options import Options
from exporter.app.runs import runs
from exporter.app.status import status
from exporter.app.targets import reset_state
from exporter.catalogue import own
from exporter.config import Settings
from exporter.errors import ExporterError
from exporter.exposition import Slices, Snapshot
from exporter.garbage import collect_less
from exporter.publisher import Publisher
from exporter.runner import Runner
from exporter.schedule import Schedule
from exporter.selfmetrics import SelfMetrics
from exporter.store.lock import network_file_system
from exporter.store.sqlite import SqliteStore
from exporter.target import Target
from exporter.times import SECOND
from exporter.web.app import Sources, Verdict, application, health_application
from exporter.web.selection import RunFilter
from exporter.web.server import Health, Server
from exporter.web.views import RunsView, StatusView

log = logging.getLogger(__name__)

SWITCH_INTERVAL: Final = 0.0005
"""Seconds after which a thread that computes gives way, so that rendering does not hold up scrapes."""

STOP_POLLS: Final = 2.0
STOP_WEB: Final = 1.0
"""Seconds that polls and answers under way get at the end; the whole stop takes less than five."""

LOOK_AT_CONFIG: Final = 5.0
"""Seconds between two looks at the configuration file, where that is asked for."""

LONGEST_BEAT: Final = 60.0
"""Seconds without a beat of the scheduler after which it is taken for dead."""


class Service:
    """Everything that runs. ``start`` raises ConfigError, ListenError or StateError; after that errors are metrics
    and log."""

    def __init__(self, settings: Settings, options: Options) -> None:
        self._options = options
        self._clock = options.clock
        self._started = self._clock.now().wall
        self.metrics = SelfMetrics()
        self.snapshot = Snapshot(created=options.openmetrics_created)
        self.publisher = Publisher(self.snapshot, self.metrics, self._clock)
        self.store = self._open_store()
        self.runner = Runner(self.store, self.publisher, self.metrics, self._clock)
        self.schedule = Schedule(self._clock, on_step=self.runner.clock_stepped)
        self.fleet = Fleet(
            self.store,
            self.publisher,
            self.runner,
            self.schedule,
            self.metrics,
            clock=self._clock,
            transports=options.transports,
        )
        self.configured = Configured(settings, options, self.fleet, self.metrics, self.publisher)
        self.server = self._make_server()

    @property
    def targets(self) -> dict[str, Target]:
        """The targets that are polled, by name."""
        return self.fleet.targets

    def _open_store(self) -> SqliteStore:
        path = self._options.state
        if self._options.state_reset:
            reset_state(path, self._started)
        mounts = Path("/proc/mounts")
        kind = network_file_system(path.absolute(), mounts.read_text("utf-8")) if mounts.exists() else None
        if kind is not None:
            log.warning(
                "the state is on a network file system, whose locks and syncs cannot be relied on; "
                "put it on a local disk",
                extra={"path": str(path), "type": kind},
            )
        return SqliteStore(path, self._started, self.metrics.state_commit)

    def _make_server(self) -> Server:
        options, sources = self._options, self._sources()
        health = None
        if options.health_listen is not None:
            health = Health(options.health_listen, health_application(sources))
        return Server(
            application(sources),
            options.listen,
            configuration=options.web_configuration,
            connections=options.connections,
            health=health,
        )

    def _sources(self) -> Sources:
        return Sources(
            snapshot=lambda: self.snapshot.current,
            slices=Slices(lambda: self.snapshot.content),
            targets=lambda: self.configured.names,
            healthy=self._healthy,
            ready=self._ready,
            status=self._status,
            runs=self._runs,
            reload=self.configured.reload if self._options.lifecycle else None,
        )

    def start(self) -> None:
        """Load what is stored, serve it, and begin to poll."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        collect_less()
        killpoints.reached("start")
        self.metrics.config_reload(True, self._started / SECOND)
        self.metrics.shard(*self._options.shard)
        self.metrics.set_process(own.STATE_CREATED, self.store.created_at() / SECOND)
        try:
            for settings in self.configured.settings.targets:
                self.fleet.add(settings, self.configured.settings.workloads)
            gc.freeze()  # what was loaded stays for long, and is much
            self._tick_own()
            self.server.start()
        except ExporterError:
            self.stop()
            raise
        self.schedule.timer("holds", 1.0, self.fleet.end_holds)
        self.schedule.timer("own metrics", 5.0, self._tick_own)
        self.schedule.timer("staleness", 30.0, self.fleet.refresh)
        self.schedule.timer("what is not in use", 30.0, self.configured.try_again)
        self.schedule.timer("unused state", 3600.0, self.fleet.drop_unused)
        if self._options.config_changed is not None:
            self.schedule.timer("configuration", LOOK_AT_CONFIG, self.configured.look)
        if self._options.web_configuration is not None:  # else a change would be noticed when somebody asks
            self.schedule.timer("web configuration", LOOK_AT_CONFIG, self._options.web_configuration.look)
        self.fleet.plan(self.targets.values())
        self.schedule.start()
        health = self.server.health_address
        log.info(
            "serving",
            extra={
                "address": str(self.server.address),
                **({} if health is None else {"health_address": str(health)}),
                "targets": len(self.targets),
                "state": str(self._options.state),
                "shard": "{}/{}".format(*self._options.shard),
            },
        )

    def _tick_own(self) -> None:
        self.metrics.set_process(own.STATE_SIZE, self.store.size_bytes())
        self.publisher.refresh_own()

    def _healthy(self) -> Verdict:
        age = self.schedule.beat_age()
        if age > LONGEST_BEAT:
            return Verdict(False, f"the scheduler has not run for {age:.0f} s")
        return Verdict(True, "serving and polling")

    def _ready(self) -> Verdict:
        if self.snapshot.current is None:
            return Verdict(False, "the first snapshot is not rendered yet")
        return Verdict(True, "state open, snapshot rendered")

    def _status(self) -> StatusView:
        now = self._clock.now().wall
        targets = list(self.targets.values())
        return status(targets, now, self._started, self.schedule.next_run, self.configured.not_taken())

    def _runs(self, wanted: RunFilter) -> RunsView:
        return runs(list(self.targets.values()), self._clock.now().world, wanted)

    def reload(self) -> None:
        """Read the configurations anew (``Configured.reload``)."""
        self.configured.reload()

    def stop(self) -> bool:
        """End polls, answers and timers, and close the state; return whether everything ended in time."""
        self.fleet.abort()
        ended = self.schedule.stop(STOP_POLLS)
        ended = self.server.stop(STOP_WEB) and ended
        self.fleet.close()
        self.store.close()
        return ended
