"""The configuration that is in use, and what is made of it when it is read anew."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

from exporter.app.fleet import Fleet
from exporter.app.options import Options
from exporter.app.reload import difference
from exporter.app.targets import connectable
from exporter.catalogue import own
from exporter.config import Settings
from exporter.errors import ConfigError
from exporter.publisher import Publisher
from exporter.selfmetrics import SelfMetrics
from exporter.times import SECOND

log = logging.getLogger(__name__)


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
        self._error: str | None = None
        if options.web_configuration is not None:
            options.web_configuration.on_change = self._tell

    def not_taken(self) -> str | None:
        """Return what is wrong with the configurations as they are now; None when they are in use."""
        web = self._options.web_configuration
        errors = [error for error in (self._error, web.error if web else None) if error]
        return "\n".join(errors) or None

    def look(self) -> None:
        """Read the file anew if it has changed, or is gone."""
        if self._options.config_changed is not None and self._options.config_changed():
            log.info("the configuration file has changed, or is gone or back")
            with suppress(ConfigError):  # it was logged, and is shown until a good one comes
                self.reload()

    def reload(self) -> None:
        """Read the configurations anew; targets that did not change are not touched.

        Raises ConfigError, and then the old configuration stays, of targets or of the web; only a target whose state
        cannot be opened is left out, until the next reload.
        """
        with self._lock:
            self._reload_targets()
        web = self._options.web_configuration
        if web is not None:
            web.refresh()
            self._tell()
            if web.error:
                raise ConfigError([web.error])

    def _reload_targets(self) -> None:
        try:
            configured = self._read()
            settings = self._options.shard.share(configured)
            change = difference(self.settings, settings)
            for target in change.added:
                connectable(target)
        except ConfigError as error:
            self._taken(str(error))
            log.warning("configuration not reloaded: %s", error)
            raise
        self.names = _names(configured)
        left_out = self._fleet.change(change, settings.workloads)
        targets = tuple(target for target in settings.targets if target.name not in left_out)
        self.settings = settings.model_copy(update={"targets": targets})
        if left_out:
            why = [f"target {name}: not read until the next reload: {error}" for name, error in left_out.items()]
            failed = ConfigError(why)
            self._taken(str(failed))
            log.error("configuration reloaded in part: %s", failed)
            raise failed
        self._taken(None)
        log.info("configuration reloaded", extra=change.counts())

    def _read(self) -> Settings:
        if self._options.read_settings is None:
            raise ConfigError(["there is no configuration file to read anew"])
        return self._options.read_settings()

    def _taken(self, error: str | None) -> None:
        """Say that it was taken, or why not."""
        self._error = error
        self._metrics.config_reload(error is None, self._options.clock.now().wall / SECOND)
        self._publisher.refresh_own()

    def _tell(self) -> None:
        self._metrics.set_process(own.CONFIG_RELOAD_SUCCESSFUL, self.not_taken() is None)


def _names(settings: Settings) -> frozenset[str]:
    return frozenset(target.name for target in settings.targets)
