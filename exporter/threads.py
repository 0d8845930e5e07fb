"""Threads that are started while the program runs, and memory may be short.

``Thread.start`` waits until the thread says that it has begun. One that dies before that, for want of memory, never
says so, and whoever started it would wait for ever, with the locks that it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any, Final

PATIENCE: Final = 5.0
"""Seconds in which a thread has to begin; on the busiest machine it takes milliseconds."""


class _Heard(Event):
    """Waits for a while and not for ever."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(PATIENCE if timeout is None else timeout)


class DaemonThread(Thread):
    """A thread that does not hold the exit, and whose start may fail but ends."""

    def __init__(self, target: Callable[..., object], name: str, args: tuple[Any, ...] = ()) -> None:
        super().__init__(target=target, name=name, args=args, daemon=True)
        self._started: Event = _Heard()  # where Thread.start waits; there is no other way to bound that
        self._decision = Lock()
        self._begun = False
        self._given_up = False

    def start(self) -> None:
        """Start it. Raises RuntimeError when there is no thread to be had; this one will then never do anything."""
        super().start()
        if not self._started.is_set():
            with self._decision:
                self._given_up = not self._begun
            if self._given_up:
                raise RuntimeError("the system has no memory for a thread")

    def run(self) -> None:
        """Do the work, unless nobody believes in that any more."""
        with self._decision:
            if self._given_up:
                return
            self._begun = True
        super().run()
