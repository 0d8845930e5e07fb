"""What a running target goes by."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from exporter.counting.memory import MemoryLedger
from exporter.families import TargetLabels
from exporter.target import Target
from exporter.times import MINUTE
from tests.counting.kit import LIMITS


def a_target() -> Target:
    nothing = cast("Any", None)
    platform = cast("Any", SimpleNamespace(births=(), states=("open",), listings_per_workload=True))
    return Target(
        labels=TargetLabels("foundry", "t"),
        platform=platform,
        limits=LIMITS,
        zero_hold=120.0,
        client=nothing,
        circuit=nothing,
        ledger=MemoryLedger(holds=False),
        requests=lambda: 0,
    )


@pytest.mark.parametrize(("minutes", "stale_after"), [(0, 15), (1, 15), (3, 15), (4, 20), (30, 150)])
def test_levels_go_stale_after_five_effective_intervals_and_a_quarter_of_an_hour(
    minutes: int, stale_after: int
) -> None:
    """Counting rule 24: a thousand listings that take half an hour a round must not flicker."""
    target = a_target()
    target.effective_interval = minutes * MINUTE
    assert target.rules.limits.stale_after == stale_after * MINUTE
    assert target.limits.stale_after == LIMITS.stale_after
