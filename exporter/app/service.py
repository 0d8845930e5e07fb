"""The service: opens the state, polls on a schedule, serves what is ready, ends cleanly."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from exporter import killpoints
from exporter.app.options import Options
from exporter.app.reload import difference
from exporter.app.runs import runs
from exporter.app.status import status
from exporter.app.targets import build, connectable, expectations, reset_state
from exporter.catalogue import own
from exporter.config import Settings
from exporter.counting.draft import CLOCK_TOLERANCE
from exporter.errors import ConfigError, StateError
from exporter.exposition import Slices, Snapshot
from exporter.garbage import collect_less
from exporter.http import Budgets
from exporter.platforms.settings import TargetSettings
from exporter.publisher import Publisher
from exporter.runner import Runner, places
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
    """Everything that runs. ``start`` raises ConfigError or StateError; after that errors are metrics and log."""

    def __init__(self, settings: Settings, options: Options) -> None:
        self._settings = options.shard.share(settings)
        self._configured = _names(settings)
        self._options = options
        self._clock = options.clock
        self._started = self._clock.now().wall
        self._reload_lock = threading.Lock()
        self._reload_error: str | None = None
        self.metrics = SelfMetrics()
        self.snapshot = Snapshot(created=options.openmetrics_created)
        self.publisher = Publisher(self.snapshot, self.metrics, self._clock)
        self._budgets = Budgets()
        self.store = self._open_store()
        self.runner = Runner(self.store, self.publisher, self.metrics, self._clock)
        self.targets: dict[str, Target] = {}
        self.schedule = Schedule(self._clock, on_step=self.runner.clock_stepped)
        self.server = self._make_server()

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
        if options.web_configuration is not None:
            options.web_configuration.on_change = self._tell_reload
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
            targets=lambda: self._configured,
            healthy=self._healthy,
            ready=self._ready,
            status=self._status,
            runs=self._runs,
            reload=self.reload if self._options.lifecycle else None,
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
            for settings in self._settings.targets:
                self._add(settings)
            gc.freeze()  # what was loaded stays for long, and is much
            self._tick_own()
            self.server.start()
        except (ConfigError, StateError):
            self.stop()
            raise
        self.schedule.timer("holds", 1.0, self._tick_holds)
        self.schedule.timer("own metrics", 5.0, self._tick_own)
        self.schedule.timer("staleness", 30.0, self._tick_staleness)
        self.schedule.timer("unused state", 3600.0, self._tick_unused)
        if self._options.config_changed is not None:
            self.schedule.timer("configuration", LOOK_AT_CONFIG, self._tick_configuration)
        if self._options.web_configuration is not None:  # else a change would be noticed when somebody asks
            self.schedule.timer("web configuration", LOOK_AT_CONFIG, self._options.web_configuration.refresh)
        self._plan(list(self.targets.values()))
        self.schedule.start()
        log.info(
            "serving",
            extra={
                "address": str(self.server.address),
                "targets": len(self.targets),
                "state": str(self._options.state),
                "shard": "{}/{}".format(*self._options.shard),
            },
        )

    def _add(self, settings: TargetSettings) -> Target:
        target = build(
            settings,
            store=self.store,
            budgets=self._budgets,
            metrics=self.metrics,
            clock=self._clock,
            transport=self._options.transports(settings),
        )
        self.targets[target.name] = target
        target.expect = expectations(self._settings.workloads, target.labels)
        self.publisher.refresh(target)
        return target

    def _plan(self, targets: list[Target]) -> None:
        for target in targets:
            self.schedule.add(target.name, target.limits.interval / SECOND, self._job(target), target.jitter)

    def _job(self, target: Target) -> Callable[[], None]:
        def job() -> None:
            with target.polling:
                if not target.retired and target.circuit.allow(self._clock.monotonic()):
                    self.runner.run(target)

        return job

    def _each(self, action: Callable[[Target], None]) -> None:
        """Do something with every target; one with which it goes wrong is told of, and holds up no other."""
        for target in list(self.targets.values()):
            try:
                action(target)
            except Exception as error:  # noqa: BLE001  a bug of ours; its text may hold what the upstream sent
                kind = type(error).__name__
                log.error("unexpected: %s", kind, extra={"target": target.name, "traceback": places(error)})  # noqa: TRY400

    def _tick_holds(self) -> None:
        self._each(self.runner.end_holds)
        self.publisher.publish()

    def _tick_own(self) -> None:
        self.metrics.set_process(own.STATE_SIZE, self.store.size_bytes())
        self.publisher.refresh_own()

    def _tick_staleness(self) -> None:
        self._each(self.publisher.refresh)

    def _tick_unused(self) -> None:
        now = self._clock.now().wall
        targets = list(self.targets.values())
        skews = [abs(target.skew) for target in targets if target.skew is not None]
        believed = not skews or min(skews) <= CLOCK_TOLERANCE  # nothing is forgotten by a wrong clock (rule 26)
        if targets and believed:
            longest = max(target.limits.forget_after for target in targets)
            for name in self.store.drop_unused(now, now - longest):
                log.info("state of a target that is no longer configured was dropped", extra={"target": name})

    def _tick_configuration(self) -> None:
        if self._options.config_changed is not None and self._options.config_changed():
            log.info("the configuration file has changed")
            with suppress(ConfigError):  # it was logged, and is shown until a good one comes
                self.reload()

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
        return status(targets, now, self._started, self.schedule.next_run, self._not_taken())

    def _runs(self, wanted: RunFilter) -> RunsView:
        return runs(list(self.targets.values()), self._clock.now().world, wanted)

    def _not_taken(self) -> str | None:
        """Return what is wrong with the configurations as they are now; None when they are in use."""
        web = self._options.web_configuration
        errors = [error for error in (self._reload_error, web.error if web else None) if error]
        return "\n".join(errors) or None

    def _tell_reload(self) -> None:
        self.metrics.set_process(own.CONFIG_RELOAD_SUCCESSFUL, self._not_taken() is None)

    def reload(self) -> None:
        """Read the configurations anew; targets that did not change are not touched.

        Raises ConfigError, and then the old configuration stays, of targets or of the web; only a target whose state
        cannot be opened is left out, until the next reload.
        """
        self._reload_targets()
        web = self._options.web_configuration
        if web is not None:
            web.refresh()
            self._tell_reload()
            if web.error:
                raise ConfigError([web.error])

    def _reload_targets(self) -> None:
        with self._reload_lock:
            try:
                configured = self._read_settings()
                settings = self._options.shard.share(configured)
                change = difference(self._settings, settings)
                for target_settings in change.added:
                    connectable(target_settings)
            except ConfigError as error:
                self._tell_reloaded(str(error))
                log.warning("configuration not reloaded: %s", error)
                raise
            for name in change.removed:
                self._remove(name)
            self._settings, self._configured = settings, _names(configured)
            for target in self.targets.values():
                target.expect = expectations(settings.workloads, target.labels)
                self.publisher.refresh(target)
            left_out = self._add_all(change.added)
            if left_out:
                targets = tuple(target for target in settings.targets if target.name not in left_out)
                self._settings = settings.model_copy(update={"targets": targets})
                failed = ConfigError(
                    [f"target {name}: not read until the next reload: {why}" for name, why in left_out.items()]
                )
                self._tell_reloaded(str(failed))
                log.error("configuration reloaded in part: %s", failed)
                raise failed
            self._tell_reloaded(None)
            log.info("configuration reloaded", extra=change.counts())

    def _add_all(self, added: Iterable[TargetSettings]) -> dict[str, str]:
        """Put targets in and begin to poll them; return those that could not be put in, with why."""
        left_out: dict[str, str] = {}
        for settings in added:
            try:
                target = self._add(settings)
            except (ConfigError, StateError) as error:
                left_out[settings.name] = str(error)
            else:
                self._plan([target])
        return left_out

    def _tell_reloaded(self, error: str | None) -> None:
        self._reload_error = error
        self.metrics.config_reload(error is None, self._clock.now().wall / SECOND)
        self._tick_own()

    def _read_settings(self) -> Settings:
        if self._options.read_settings is None:
            raise ConfigError(["there is no configuration file to read anew"])
        return self._options.read_settings()

    def _remove(self, name: str) -> None:
        target = self.targets.pop(name)
        self.schedule.remove(name)
        with target.polling, target.lock:  # a reload waits for the target's running poll
            target.retired = True
            self.publisher.remove([target])
            self.metrics.forget_target(target.labels.platform, name)
            self.store.close_target(name)
            target.client.close()
            self._budgets.release(name)

    def stop(self) -> bool:
        """End polls, answers and timers, and close the state; return whether everything ended in time."""
        for target in self.targets.values():
            target.client.abort()
        ended = self.schedule.stop(STOP_POLLS)
        ended = self.server.stop(STOP_WEB) and ended
        for target in self.targets.values():
            target.client.close()
        self.store.close()
        return ended


def _names(settings: Settings) -> frozenset[str]:
    return frozenset(target.name for target in settings.targets)
