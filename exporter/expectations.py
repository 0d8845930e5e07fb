"""What is expected of a workload, and who owns it: from the configuration to gauges and labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from exporter.times import Micros


class Expectation(NamedTuple):
    """What the configuration says of one workload; None and no labels where it says nothing.

    ``labels`` go on ``automation_workload_info``, for alerts to join on. Lengths in microseconds.
    """

    labels: tuple[tuple[str, str], ...] = ()
    success_ratio: float | None = None
    max_silence: Micros | None = None
    max_active: Micros | None = None


Expect = Callable[[str], Expectation]
"""What is expected of the workload with this label value."""

NOTHING = Expectation()


def expect_nothing(label: str) -> Expectation:
    """Return the expectation of every workload when none is configured."""
    del label
    return NOTHING
