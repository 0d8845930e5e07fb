"""``Schedule``: one job a target at its own pace, and timers."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from threading import Lock
from typing import Final

from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from exporter.schedule.pace import Pace, PaceTrigger, spread
from exporter.schedule.watch import ClockWatch
from exporter.schedule.workers import Workers
from exporter.times import Clock, Micros, from_datetime, seconds, to_datetime

BEAT_SECONDS: Final = 5.0

_planner_log: Final = logging.getLogger(f"{__name__}.apscheduler")
_planner_log.setLevel(logging.ERROR)  # below that it tells of every run, and of every slot that a slow target misses


class Schedule:
    """Jobs that never overlap with themselves, never wait for one another, and are never dropped.

    A slot that comes while the job still runs is left out; several missed slots are one run. A job that raises is
    logged and runs again at its next slot. All methods may be called from any thread, also from a job, except
    ``stop`` from a job.
    """

    def __init__(
        self,
        clock: Clock,
        on_step: Callable[[float], None] | None = None,
        *,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        """Take the clock and who is told, in seconds, when its wall time stepped."""
        self._clock = clock
        self._on_step = on_step
        self._polls = Workers()
        self._timers = Workers()
        self._scheduler = BackgroundScheduler(
            executors={"default": self._polls, "timers": self._timers},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
            logger=_planner_log,
        )
        self._watch = ClockWatch(clock, self._plan_anew, beat_seconds)
        self._triggers: dict[str, PaceTrigger] = {}
        self._added = 0
        self._lock = Lock()
        self._beaten = clock.monotonic()
        self.timer("beat", beat_seconds, self._beat)

    def add(
        self,
        name: str,
        interval_seconds: float,
        job: Callable[[], None],
        jitter_fraction: float = 0.1,
        start_offset: float | None = None,
    ) -> None:
        """Run ``job`` every ``interval_seconds``, each time up to ``jitter_fraction`` of that later.

        The first run comes after ``start_offset`` seconds; without one the first runs of all jobs are spread over the
        shorter of the interval and 10 s, the very first at once, and those after them over the interval. ValueError
        when there is such a job already.
        """
        interval = seconds(interval_seconds)
        with self._lock:
            wait, shift = spread(self._added, interval) if start_offset is None else (seconds(start_offset), 0)
            self._added += 1
        # Of two processes with the same configuration each has its own jitter.
        pace = Pace(self._now() + wait, interval, jitter_fraction, random.getrandbits(64), shift)
        self._add(_poll(name), "default", pace, job)

    def timer(self, name: str, every_seconds: float, job: Callable[[], None]) -> None:
        """Run ``job`` every ``every_seconds``, on threads that no poll can take. ValueError when there is one."""
        every = seconds(every_seconds)
        self._add(_timer(name), "timers", Pace(self._now() + every, every), job)

    def remove(self, name: str) -> None:
        """Run this job no more; a run under way ends by itself. KeyError when there is no such job."""
        with self._lock:
            del self._triggers[_poll(name)]
            with suppress(JobLookupError):  # it was stopped, and has forgotten its jobs
                self._scheduler.remove_job(_poll(name))

    def reschedule(self, name: str, interval_seconds: float) -> None:
        """Give a job another interval, counted from its last slot. KeyError when there is no such job."""
        interval = seconds(interval_seconds)
        with self._lock:
            trigger = self._triggers[_poll(name)]
            if interval != trigger.pace.interval:
                now = self._now()
                trigger.pace = trigger.pace.with_interval(interval, now)
                self._plan(_poll(name), trigger.pace.run_after(now))

    def trigger(self, name: str) -> None:
        """Run a job now, unless it is running; its pace stays. KeyError when there is no such job."""
        with self._lock:
            if _poll(name) not in self._triggers:
                raise KeyError(name)
            self._plan(_poll(name), self._now())

    def next_run(self, name: str) -> Micros | None:
        """Return the wall time of a job's next run; None when there is no such job."""
        job: Job | None = self._scheduler.get_job(_poll(name))
        return None if job is None else from_datetime(job.next_run_time)

    def beat_age(self) -> float:
        """Return how many seconds ago the scheduler last showed that it runs jobs; it does every 5 s."""
        return self._clock.monotonic() - self._beaten

    def start(self) -> None:
        """Begin to run jobs; those added before and due since are due now."""
        self._beaten = self._clock.monotonic()
        self._scheduler.start()
        self._watch.start()

    def stop(self, timeout: float) -> bool:
        """Start nothing any more and wait up to ``timeout`` seconds for what runs; return whether all has ended.

        What has not ended is on daemon threads, which do not hold the exit. May be called again, and without a start.
        """
        end = time.monotonic() + timeout
        self._watch.stop()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        return all(workers.join(max(0.0, end - time.monotonic())) for workers in (self._polls, self._timers))

    def _add(self, identity: str, executor: str, pace: Pace, job: Callable[[], None]) -> None:
        with self._lock:
            if identity in self._triggers:
                raise ValueError(f"there is a {identity} already")
            trigger = self._triggers[identity] = PaceTrigger(pace)
            self._scheduler.add_job(job, trigger, id=identity, executor=executor, next_run_time=to_datetime(pace.first))

    def _plan(self, identity: str, run: Micros) -> None:
        with suppress(JobLookupError):  # it was stopped, and has forgotten its jobs
            self._scheduler.modify_job(identity, next_run_time=to_datetime(run))

    def _plan_anew(self, step_seconds: float) -> None:
        with self._lock:
            now = self._now()
            for identity, trigger in self._triggers.items():
                trigger.pace = trigger.pace.shifted(seconds(step_seconds))
                self._plan(identity, trigger.pace.run_after(now))
        if self._on_step is not None:
            self._on_step(step_seconds)

    def _beat(self) -> None:
        self._beaten = self._clock.monotonic()
        self._polls.fill()

    def _now(self) -> Micros:
        return self._clock.now().wall


def _poll(name: str) -> str:
    return f"poll {name}"


def _timer(name: str) -> str:
    return f"timer {name}"
