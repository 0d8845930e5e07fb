"""Waiting for signals, in the main thread of a program that has others.

Python runs a signal's handler in the main thread, and only there when it comes to its next step. A main thread that
waits for a lock does not come to one if the system gave the signal to another thread, or gave it just before the
wait began: the signal is taken, and the process stays. So the main thread waits for a byte, which the interpreter
writes at once, in whichever thread the signal arrives.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection
from types import FrameType, TracebackType
from typing import Final, Self

AT_ONCE: Final = 4096
"""Bytes that are taken at a time. Each is a signal; how many came is of no interest."""


class Signals:
    """Takes the signals ``numbers`` while it is entered; the ordinary ways are back afterwards. Main thread only."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self._numbers = numbers
        self._came: set[int] = set()

    def __enter__(self) -> Self:
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)  # what does not fit is not needed: a byte that is there wakes
        self._wake = wake
        self._former = {number: signal.signal(number, self._note) for number in self._numbers}
        self._former_wake = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._former_wake)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        os.close(self._wake)
        os.close(self._woken)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._came.add(number)

    def wait(self) -> Collection[int]:
        """Wait until a signal came; return all that came since the last time."""
        while not self._came:
            os.read(self._woken, AT_ONCE)
        came, self._came = self._came, set()
        return came
