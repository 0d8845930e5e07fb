"""Random faults, restarts, kills in mid-poll and failing commits, and exact totals in the end.

A seed that fails fails again: ``./run test "tests/exact/test_attack.py::test_an_attack[foundry-7]" -m ""``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.simulator import Platform
from tests.exact.attack import Attack
from tests.exact.world import PLATFORMS

AT_ONCE = 4
AT_NIGHT = 100


@pytest.mark.parametrize(
    "seed", [*range(AT_ONCE), *(pytest.param(n, marks=pytest.mark.nightly) for n in range(AT_ONCE, AT_NIGHT))]
)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_attack(platform: Platform, seed: int, tmp_path: Path) -> None:
    """Whatever the upstream does and whenever the process dies, the totals are exact and no counter ever fell."""
    wrong = Attack(platform, seed, tmp_path / "state.db").run()
    assert wrong == [], "\n".join(wrong[:20])
