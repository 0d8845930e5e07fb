"""From ledgers to the snapshot, and the holds that begin when a snapshot is ready (rule 16)."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final

from exporter import exposed, killpoints
from exporter.catalogue import own
from exporter.counting.states import SeriesKey
from exporter.exposition import Snapshot
from exporter.selfmetrics import SelfMetrics
from exporter.target import Target
from exporter.times import Clock

SHORTEST_PAUSE: Final = 0.2
"""Seconds between two publications. Polls that end together are published together; a timer does the last one."""

PAUSE_FOR_EACH: Final = 10.0
"""Seconds of pause for each that the last publication took: with a thousand targets one ends at every moment, and
without this publishing would be what the processor mostly does."""


class Publisher:
    """Renders what changed and publishes it. Safe to call from many threads."""

    def __init__(self, snapshot: Snapshot, metrics: SelfMetrics, clock: Clock) -> None:
        self._snapshot = snapshot
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._published: float | None = None
        self._pause = SHORTEST_PAUSE
        self._waiting: dict[Target, list[SeriesKey]] = {}
        """What was rendered and is not published yet, with the series whose holds begin then."""

    def refresh(self, target: Target) -> None:
        """Render what changed of a target, for the next publication; nothing of one that was taken out."""
        started = self._clock.monotonic()
        with target.lock:
            if target.retired:
                return
            dirty = target.ledger.take_dirty()  # the first time too: all that was loaded stands there
            only = dirty if target.rendered else None
            try:
                now = self._clock.now().world
                families = list(exposed.families(target.ledger, target.rules, now, only=only, expect=target.expect))
                killpoints.reached("during_refresh")
                self._snapshot.update(target.labels, families)
            except BaseException:
                target.rendered = False  # what was dirty is forgotten: the next refresh renders everything
                raise
            target.rendered = True
            with self._lock:
                self._waiting[target] = exposed.series_keys(target.ledger)
            exposed_series = self._snapshot.series(target.name)
            self._metrics.set_target(own.TARGET_SERIES, target.labels.platform, target.name, exposed_series)
        self._metrics.snapshot_refresh(self._clock.monotonic() - started)

    def publish(self, *, force: bool = False) -> bool:
        """Make ready bodies of what was refreshed, unless that was done a moment ago; return whether it was."""
        with self._lock:
            now = self._clock.monotonic()
            if not force and (
                not self._waiting or (self._published is not None and now - self._published < self._pause)
            ):
                return False
            waiting, self._waiting = self._waiting, {}
            self._snapshot.publish(self._clock.now().wall)
            self._published = published = self._clock.monotonic()
            self._pause = max(SHORTEST_PAUSE, PAUSE_FOR_EACH * (published - now))
        for target, shown in waiting.items():
            with target.lock:
                target.ledger.begin_holds(shown, published)
        return True

    def refresh_own(self) -> None:
        """Render what the exporter says about itself, and publish it."""
        self._snapshot.update_own(self._metrics.render())
        self.publish(force=True)

    def remove(self, targets: Iterable[Target]) -> None:
        """Take targets out of the exposition."""
        for target in targets:
            with self._lock:
                self._waiting.pop(target, None)
            self._snapshot.remove(target.name)
        self.publish(force=True)
