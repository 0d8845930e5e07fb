"""The exporter never changes an upstream: rule 31, by the simulator's access log."""

from __future__ import annotations

import re
from typing import Final

import pytest

from exporter.simulator import ManualClock, Platform
from tests.exact.world import PLATFORMS, START, program, simulator_of

PERMITTED: Final[dict[Platform, tuple[str, ...]]] = {
    "roboto": (r"GET /v1/actions/invocations/org-stats", r"GET /v1/orgs/caller"),
    "foundry": (r"GET /routines", r"GET /routines/[^/]+/runs"),
    "granite": (r"POST /api/analytics/batch",),
    "moderately": (
        r"GET /agents",
        r"GET /agent-executions",
        r"GET /agent-executions/[^/]+",
        r"GET /agent-configuration-versions",
        r"GET /agent-configuration-versions/[^/]+",
    ),
}
"""Methods and paths that only read. Granite's one way to read takes its questions as the body of a POST."""

FAULTS: Final = ("server_error", "unauthorized", "truncated_json", "connection_reset")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_only_permitted_methods_and_paths_are_asked_for(platform: Platform) -> None:
    """Over hours of polls, in which sweeps and look-ups come due, and while requests fail and are repeated."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=0.2, workloads=1, history_days=0.02)
    with program(simulator, clock, platforms=[platform]) as made:
        for index in range(12):
            fault = FAULTS[index // 2 % len(FAULTS)] if index % 2 else None
            if fault is None:
                made.poll(platform)
            else:
                with simulator.faults.active(fault, platform=platform):
                    made.poll(platform)
            clock.advance(1800)
    asked = {f"{entry.method} {entry.path}" for entry in simulator.log.of(platform)}
    assert asked
    allowed = re.compile("|".join(PERMITTED[platform]))
    assert {each for each in asked if not allowed.fullmatch(each)} == set()
