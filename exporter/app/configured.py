"""The configuration that is in use, and what is made of it when it is read anew."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from exporter.app.fleet import Fleet
from exporter.app.options import Options
from exporter.app.reload import difference
from exporter.app.targets import connectable
from exporter.catalogue import own
from exporter.config import Settings, advice
from exporter.errors import ConfigError
from exporter.platforms.settings import TargetSettings
from exporter.publisher import Publisher
from exporter.selfmetrics import SelfMetrics
from exporter.times import SECOND

log = logging.getLogger(__name__)


class LeftOut(NamedTuple):
    """A target that could not be put in, and why."""

    target: TargetSettings
    error: str


class Configured:
    """What is configured: ``settings`` are those of the targets that are polled here, ``names`` those of all."""

    def __init__(
        self, settings: Settings, options: Options, fleet: Fleet, metrics: SelfMetrics, publisher: Publisher
    ) -> None:
        self.settings = options.shard.share(settings)
        self.names = _names(settings)
        self._options = options
        self._fleet = fleet
        self._metrics = metrics
        self._publisher = publisher
        self._lock = threading.Lock()
        self._refused: str | None = None
        """Why what the file said last is not in use."""
        self._left_out: dict[str, LeftOut] = {}
        """Targets of the configuration in use that could not be put in yet, by name; ``settings`` lacks them."""
        if options.web_configuration is not None:
            options.web_configuration.on_change = self._tell

    def not_taken(self) -> str | None:
        """Return what is wrong with the configurations as they are now; None when they are in use."""
        web = self._options.web_configuration
        errors = [self._refused, *self._lacking(), web.error if web else None]
        return "\n".join(filter(None, errors)) or None

    def look(self) -> None:
        """Read the file anew if it has changed, or is gone."""
        if self._options.config_changed is not None and self._options.config_changed():
            log.info("the configuration file has changed, or is gone or back")
            with suppress(ConfigError):  # it was logged, and is shown until a good one comes
                self.reload()

    def reload(self) -> None:
        """Read the configurations anew; targets that did not change are not touched.

        Raises ConfigError, and then the old configuration stays, of targets or of the web; only a target whose state
        cannot be opened is left out, until ``put_in`` finds that it can.
        """
        with self._lock:
            self._reload_targets()
        web = self._options.web_configuration
        if web is not None:
            web.look()
            self._tell()
            if web.error:
                raise ConfigError([web.error])

    def try_again(self) -> None:
        """Try what could not be done: what was in the way may be gone, such as a file that the configuration names."""
        if self._refused is not None and self._options.config_changed is not None:
            with suppress(ConfigError), self._lock:
                self._reload_targets(told=self._refused)
        self.put_in()

    def put_in(self) -> None:
        """Try again to put in the targets that were left out: what was in the way may be gone."""
        with self._lock:
            tried = [target for target, _ in self._left_out.values()]
            if tried:
                self._use(self.settings, tried, self._fleet.put_in(tried, self.settings.workloads))
                for target in tried:
                    if target.name not in self._left_out:
                        log.info("a target that was left out was put in", extra={"target": target.name})

    def _use(self, settings: Settings, added: Iterable[TargetSettings], errors: Mapping[str, str]) -> None:
        """Take ``settings`` for those in use, with those of ``added`` that were put in, and without the others."""
        self._left_out = {
            target.name: LeftOut(target, errors[target.name]) for target in added if target.name in errors
        }
        targets = {target.name: target for target in (*settings.targets, *added) if target.name not in errors}
        self.settings = settings.model_copy(update={"targets": tuple(targets.values())})
        self._note()

    def _lacking(self) -> list[str]:
        return [f"target {name}: not read yet: {error}" for name, (_, error) in self._left_out.items()]

    def _reload_targets(self, told: str | None = None) -> None:
        """Raises ConfigError, of which the log says nothing if it is ``told``."""
        try:
            configured = self._read()
            settings = self._options.shard.share(configured)
            change = difference(self.settings, settings)
            for target in change.added:
                connectable(target)
        except ConfigError as error:
            self._refused = str(error)
            self._note()
            if str(error) != told:
                log.warning("configuration not reloaded: %s", error)
            raise
        for warning in advice(configured):
            log.warning("configuration: %s", warning)
        self.names = _names(configured)
        self._refused = None
        self._use(settings, change.added, self._fleet.change(change, settings.workloads))
        if self._left_out:
            failed = ConfigError(self._lacking())
            log.error("configuration reloaded in part: %s", failed)
            raise failed
        log.info("configuration reloaded", extra=change.counts())

    def _read(self) -> Settings:
        if self._options.read_settings is None:
            raise ConfigError(["there is no configuration file to read anew"])
        return self._options.read_settings()

    def _note(self) -> None:
        """Say whether all of it is in use."""
        good = self._refused is None and not self._left_out
        self._metrics.config_reload(good, self._options.clock.now().wall / SECOND)
        self._tell()
        self._publisher.refresh_own()

    def _tell(self) -> None:
        self._metrics.set_process(own.CONFIG_RELOAD_SUCCESSFUL, self.not_taken() is None)


def _names(settings: Settings) -> frozenset[str]:
    return frozenset(target.name for target in settings.targets)
