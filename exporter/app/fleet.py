"""The targets of a running service: put in, polled at their pace, taken out, and each looked after by itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from exporter.app.options import Transports
from exporter.app.reload import Difference
from exporter.app.targets import build, expectations
from exporter.config import WorkloadRule
from exporter.counting.draft import CLOCK_TOLERANCE
from exporter.errors import ConfigError, StateError
from exporter.http import Budgets
from exporter.platforms.settings import TargetSettings
from exporter.publisher import Publisher
from exporter.runner import Runner, places
from exporter.schedule import Schedule
from exporter.selfmetrics import SelfMetrics
from exporter.store.sqlite import SqliteStore
from exporter.target import Target
from exporter.times import SECOND, Clock

log = logging.getLogger(__name__)

PATIENCE: Final = 5.0
"""Seconds that the polls of targets which are taken out get, all together: an upstream may never answer."""

Rules = tuple[WorkloadRule, ...]
"""What is expected of workloads, by the configuration."""


class Fleet:
    """``targets`` by name. They are put in and taken out by one thread at a time; all else may be called by any."""

    def __init__(
        self,
        store: SqliteStore,
        publisher: Publisher,
        runner: Runner,
        schedule: Schedule,
        metrics: SelfMetrics,
        *,
        clock: Clock,
        transports: Transports,
    ) -> None:
        self.targets: dict[str, Target] = {}
        self._store = store
        self._publisher = publisher
        self._runner = runner
        self._schedule = schedule
        self._metrics = metrics
        self._clock = clock
        self._transports = transports
        self._budgets = Budgets()

    def add(self, settings: TargetSettings, rules: Rules) -> Target:
        """Open a target and render what is known of it. Raises ConfigError and StateError."""
        target = build(
            settings,
            store=self._store,
            budgets=self._budgets,
            metrics=self._metrics,
            clock=self._clock,
            transport=self._transports(settings),
        )
        self.targets[target.name] = target
        target.expect = expectations(rules, target.labels)
        self._publisher.refresh(target)
        return target

    def plan(self, targets: Iterable[Target]) -> None:
        """Begin to poll them."""
        for target in targets:
            self._schedule.add(target.name, target.limits.interval / SECOND, self._job(target), target.jitter)

    def _job(self, target: Target) -> Callable[[], None]:
        def job() -> None:
            with target.polling:
                if not target.retired and target.circuit.allow(self._clock.monotonic()):
                    self._runner.run(target)

        return job

    def change(self, change: Difference, rules: Rules) -> dict[str, str]:
        """Take targets out and put others in; return those that could not be put in, with why."""
        until = time.monotonic() + PATIENCE
        for name in change.removed:
            self._remove(name, until)
        for target in self.targets.values():
            target.expect = expectations(rules, target.labels)
        self.refresh()
        return self.put_in(change.added, rules)

    def put_in(self, targets: Iterable[TargetSettings], rules: Rules) -> dict[str, str]:
        """Put targets in; return those for which that was not possible, with why."""
        left_out: dict[str, str] = {}
        for settings in targets:
            try:
                target = self.add(settings, rules)
            except (ConfigError, StateError) as error:
                left_out[settings.name] = str(error)
            else:
                self.plan([target])
        return left_out

    def _remove(self, name: str, until: float) -> None:
        """Take a target out when its poll has ended; one that is not over by then (monotonic) is broken off."""
        target = self.targets.pop(name)
        self._schedule.remove(name)
        if target.polling.acquire(timeout=max(0.0, until - time.monotonic())):
            target.polling.release()
        else:
            target.client.abort()  # what was read is committed, and the rest will be read again
        with target.polling, target.lock:
            target.retired = True
            self._publisher.remove([target])
            self._metrics.forget_target(target.labels.platform, name)
            self._store.close_target(name)
            target.client.close()
            self._budgets.release(name)

    # What timers do

    def end_holds(self) -> None:
        """Show what was held back long enough."""
        self._each(self._runner.end_holds)
        self._publisher.publish()

    def refresh(self) -> None:
        """Render what changed, and take away what went stale."""
        self._each(self._publisher.refresh)

    def drop_unused(self) -> None:
        """Drop the state of targets that were configured last so long ago that they would be forgotten."""
        now = self._clock.now().wall
        targets = list(self.targets.values())
        skews = [abs(target.skew) for target in targets if target.skew is not None]
        believed = not skews or min(skews) <= CLOCK_TOLERANCE  # nothing is forgotten by a wrong clock (rule 26)
        if targets and believed:
            longest = max(target.limits.forget_after for target in targets)
            for name in self._store.drop_unused(now, now - longest):
                log.info("state of a target that is no longer configured was dropped", extra={"target": name})

    def _each(self, action: Callable[[Target], None]) -> None:
        """Do something with every target; one with which it goes wrong is told of, and holds up no other."""
        for target in list(self.targets.values()):
            try:
                action(target)
            except Exception as error:  # noqa: BLE001  a bug of ours; its text may hold what the upstream sent
                kind = type(error).__name__
                log.error("unexpected: %s", kind, extra={"target": target.name, "traceback": places(error)})  # noqa: TRY400

    # The end

    def abort(self) -> None:
        """Let all requests fail that are under way."""
        for target in list(self.targets.values()):
            target.client.abort()

    def close(self) -> None:
        """Give all connections back."""
        for target in list(self.targets.values()):
            target.client.close()
