"""Waiting for signals, in the main thread of a program that has others.

Python runs a signal's handler in the main thread, and only there when it comes to its next step. A main thread that
waits for a lock does not come to one if the system gave the signal to another thread, or gave it just before the
wait began: the signal is taken, and the process stays. So a thread of its own waits for a byte, which the interpreter
writes at once, in whichever thread the signal arrives, and wakes the main thread.

That thread is also the last resort of an end that does not come: a main thread that writes into a log which nobody
reads, or waits for a database or a disk, comes to no step at all.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection
from threading import Event, Thread
from types import FrameType, TracebackType
from typing import Final, Self

STOPPING: Final = frozenset({signal.SIGTERM, signal.SIGINT})
"""What asks a process to end."""

LONGEST_STOP: Final = 5.0
"""Seconds after which a service that was asked to end has ended."""

AT_ONCE: Final = 4096
"""Bytes that are taken at a time. Each is the number of a signal."""


class Signals:
    """Takes the signals ``numbers`` while it is entered; the ordinary ways are back afterwards. Main thread only.

    ``within`` is for a program to which nothing can happen when it is killed: that many seconds after one of
    ``STOPPING`` came it ends with exit code 0, unless this was left by then.
    """

    def __init__(self, *numbers: signal.Signals, within: float | None = None) -> None:
        self._numbers = numbers
        self._within = within
        self._came: set[int] = set()
        self._woke = Event()
        self._left = Event()

    def __enter__(self) -> Self:
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)  # what does not fit is not needed: a byte that is there wakes
        self._wake = wake
        self._listener = Thread(target=self._listen, name="signals", daemon=True)
        self._listener.start()
        self._former = {number: signal.signal(number, self._note) for number in self._numbers}
        self._former_wake = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._former_wake)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._left.set()
        os.close(self._wake)
        self._listener.join()
        os.close(self._woken)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._came.add(number)

    def _listen(self) -> None:
        while came := os.read(self._woken, AT_ONCE):
            self._woke.set()
            if self._within is not None and not STOPPING.isdisjoint(came):
                if not self._left.wait(self._within):
                    os._exit(0)
                return

    def wait(self) -> Collection[int]:
        """Wait until a signal came; return all that came since the last time."""
        while not self._came:
            self._woke.wait()
            self._woke.clear()
        came, self._came = self._came, set()
        return came


def of_a_service() -> Signals:
    """Those that a service takes from its very beginning: SIGHUP, not taken yet, would end it."""
    return Signals(*STOPPING, signal.SIGHUP, within=LONGEST_STOP)
