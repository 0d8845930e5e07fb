"""Prometheus' own tool in both supported major versions."""

from __future__ import annotations

import pytest

from tests.real.binaries import PROMETHEUS_MAJORS, Binaries, prometheus_binaries


@pytest.fixture(params=PROMETHEUS_MAJORS, ids=lambda major: f"promtool{major}")
def binaries(request: pytest.FixtureRequest) -> Binaries:
    """Each supported version in turn; skipped where it is missing, a failure in CI."""
    major: str = request.param
    return prometheus_binaries(major)
