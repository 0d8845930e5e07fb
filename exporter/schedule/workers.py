"""The threads that run jobs.

APScheduler's own pool joins its threads when the interpreter ends, so one poll that is blocked for good would
hold the exit. These threads are daemons: what they do is durable in whole transactions, and the process may end
at any instant.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from datetime import datetime
from threading import Condition
from typing import Final

from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job

from exporter.threads import DaemonThread

log = logging.getLogger(__name__)

MOST_THREADS: Final = 256
"""Jobs that run at a time, those not counted that have run for long already."""

LONG: Final = 5.0
"""Seconds after which a job is taken to wait for an upstream that does not answer. It costs little more than its
memory, and nobody else shall wait for it."""

MOST_AT_ALL: Final = 1024


class Workers(BaseExecutor):  # type: ignore[misc]  # APScheduler has no types
    """Runs each job on a thread that ends when nothing waits; more than ``most`` at a time wait for their turn.

    Jobs that have run for ``long`` seconds do not count there, but are ``at_all`` at the most. A job that raises is
    logged, and that is all that happens.
    """

    def __init__(self, most: int = MOST_THREADS, at_all: int = MOST_AT_ALL, long: float = LONG) -> None:
        """Start no thread yet."""
        super().__init__()
        self._most = most
        self._at_all = at_all
        self._long = long
        self._changed = Condition()
        self._waiting: deque[Job] = deque()
        self._threads = 0
        self._begun: dict[str, float] = {}
        """When each running job began (real, monotonic)."""
        self._closed = False

    def shutdown(self, wait: bool = True) -> None:
        """Start nothing any more; what runs is waited for by ``join``."""
        del wait  # the caller does not know for how long
        with self._changed:
            self._closed = True
            self._waiting.clear()

    def join(self, timeout: float) -> bool:
        """Wait for at most ``timeout`` seconds until nothing runs; return whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._threads, timeout)

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        del run_times  # one run, however many are due
        with self._changed:
            if self._closed:
                return
            self._waiting.append(job)
            self.fill()
            if not self._threads:
                self._waiting.remove(job)
                raise RuntimeError("the system refuses a thread")

    def fill(self) -> None:
        """Start threads for jobs that wait, as far as there is room and the system has some.

        To be called now and then: when jobs have run for long there is room, and it may be that nothing else happens.
        """
        with self._changed:
            while (coming := self._threads - len(self._begun)) < len(self._waiting) and self._has_room():
                self._threads += 1
                try:
                    DaemonThread(self._work, self._waiting[coming].id).start()
                except RuntimeError:
                    self._threads -= 1
                    return

    def _has_room(self) -> bool:
        if self._threads < self._most:
            return True
        late = time.monotonic() - self._long
        return self._threads < min(self._at_all, self._most + sum(begun <= late for begun in self._begun.values()))

    def _work(self) -> None:
        while (job := self._take()) is not None:
            try:
                job.func()
            except BaseException:  # whatever it is, this thread serves other jobs too
                log.exception("%s failed; it stays on schedule", job.id)
            finally:
                with self._changed:
                    del self._begun[job.id]
                self._run_job_success(job.id, [])

    def _take(self) -> Job | None:
        with self._changed:
            if self._waiting:
                job = self._waiting.popleft()
                self._begun[job.id] = time.monotonic()
                self.fill()
                return job
            self._threads -= 1
            self._changed.notify_all()
            return None
