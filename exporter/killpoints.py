"""Named points at which a reliability test may have the process killed.

``AUTOMATION_EXPORTER_KILL_AT=before_commit:7`` ends the process with SIGKILL when the point is reached for the
seventh time. Without the variable a point costs one comparison. Nothing else ever happens here.
"""

from __future__ import annotations

import os
import signal
from typing import Final, Literal

Point = Literal["start", "before_commit", "after_commit", "between_batches", "during_refresh", "release"]

VARIABLE: Final = "AUTOMATION_EXPORTER_KILL_AT"


class _Aim:
    def __init__(self, text: str | None) -> None:
        name, _, count = (text or "").partition(":")
        self.name = name
        self.left = int(count) if count.isdigit() else 1


_aim = _Aim(os.environ.get(VARIABLE))


def reached(point: Point) -> None:
    """Say that execution has come to ``point``."""
    if _aim.name == point:
        _aim.left -= 1
        if _aim.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
