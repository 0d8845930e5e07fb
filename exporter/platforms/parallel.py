"""Several listings read at once, their batches handed to one consumer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from queue import Full, Queue
from typing import Final, Generic, TypeVar

from exporter.threads import DaemonThread

B = TypeVar("B")

Job = Callable[[], Iterator[B]]

PATIENCE: Final = 0.1
"""Seconds after which a thread with a batch looks whether anybody still wants it."""


def in_parallel(jobs: Iterable[Job[B]], workers: int) -> Generator[B, None, None]:
    """Run the jobs on ``workers`` threads and yield their batches; those of one job stay in order.

    About one batch a worker is read ahead. An exception of a job ends the others after the batch they are at; it
    is raised when everything that was read has been yielded. Closing the generator ends the jobs likewise, and
    waits for the requests under way.
    """
    crew = _Crew(jobs, workers)
    try:
        yield from crew.batches()
    finally:
        crew.dismiss()
    if crew.error is not None:
        raise crew.error


class _Crew(Generic[B]):
    def __init__(self, jobs: Iterable[Job[B]], workers: int) -> None:
        self.error: BaseException | None = None
        self._jobs = iter(jobs)
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._alone = threading.Event()
        self._queue: Queue[B | None] = Queue(maxsize=workers)
        self._workers = workers
        self._threads: list[threading.Thread] = []

    def batches(self) -> Iterator[B]:
        self._start()
        working = len(self._threads)
        while working:
            batch = self._queue.get()
            if batch is None:
                working -= 1
            else:
                yield batch

    def _start(self) -> None:
        """Start the threads; where the system refuses some, fewer do the work. RuntimeError when there is none."""
        for number in range(self._workers):
            thread = DaemonThread(self._work, f"listing-{number}")
            try:
                thread.start()
            except RuntimeError:
                if not self._threads:
                    raise
                return
            self._threads.append(thread)

    def dismiss(self) -> None:
        self._alone.set()
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        try:
            while (job := self._next_job()) is not None:
                for batch in job():
                    self._hand_over(batch)
                    if self._ending.is_set():
                        break
        except BaseException as error:  # noqa: BLE001  the consumer's thread raises it
            with self._lock:
                self.error = self.error or error
            self._ending.set()
        self._hand_over(None)

    def _next_job(self) -> Job[B] | None:
        with self._lock:
            return None if self._ending.is_set() else next(self._jobs, None)

    def _hand_over(self, batch: B | None) -> None:
        """Put a batch, or None for the end of this thread's work, where the consumer takes it."""
        while not self._alone.is_set():
            try:
                self._queue.put(batch, timeout=PATIENCE)
            except Full:
                continue
            return
