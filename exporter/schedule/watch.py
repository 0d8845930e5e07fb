"""Sees steps of the wall clock: NTP setting it, a person, a laptop that slept.

APScheduler plans on the wall clock. Set back by two hours, it would run nothing for two hours, this watch
included if it were one of its jobs: so it has a thread of its own, which waits on the monotonic clock.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from exporter.times import SECOND, Clock

log = logging.getLogger(__name__)

TOLERANCE_SECONDS: Final = 3.0
"""How far wall and monotonic time may part between two looks: slewing parts them by milliseconds."""


class ClockComparison:
    """Compares how far the two clocks have come since the last look."""

    def __init__(self, clock: Clock) -> None:
        """Take the first look."""
        self._clock = clock
        self._wall, self._monotonic = self._read()

    def step(self) -> float:
        """Return by how many seconds the wall clock stepped since the last look; 0.0 when it did not."""
        wall, monotonic = self._read()
        step = (wall - self._wall) - (monotonic - self._monotonic)
        self._wall, self._monotonic = wall, monotonic
        return step if abs(step) > TOLERANCE_SECONDS else 0.0

    def _read(self) -> tuple[float, float]:
        return self._clock.now().wall / SECOND, self._clock.monotonic()


class ClockWatch:
    """Looks every so often, and tells of a step."""

    def __init__(self, clock: Clock, on_step: Callable[[float], None], every_seconds: float) -> None:
        """Take whom to tell; ``on_step`` is called on the watch's thread."""
        self._comparison = ClockComparison(clock)
        self._on_step = on_step
        self._every = every_seconds
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="clock watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; returns when a call of ``on_step`` under way has ended."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            step = self._comparison.step()
            if step:
                log.warning("the wall clock stepped by %+.1f s; every job is planned anew", step)
                try:
                    self._on_step(step)
                except Exception:
                    log.exception("planning anew failed; the next step will be seen")
