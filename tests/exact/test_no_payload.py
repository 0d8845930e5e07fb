"""No payload and no secret leaves the program, whatever an upstream answers: not in logs, errors, metrics or pages."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from exporter import logs
from exporter.app.runs import runs
from exporter.app.status import status
from exporter.simulator import CANARY, ManualClock
from exporter.simulator.faults import catalogue
from exporter.web.selection import RunFilter
from tests.exact.world import START, Program, program, simulator_of

STEP = 61.0


def test_no_canary_comes_through(caplog: pytest.LogCaptureFixture) -> None:
    """Every fault there is meets every platform; every field of a payload holds a canary."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=30.0, workloads=3, history_days=0.02)
    with program(simulator, clock, max_response_bytes="1MiB") as made, caplog.at_level(logging.DEBUG):
        secrets = {CANARY, *vars(simulator.credentials).values()} - {simulator.credentials.roboto_org_id}
        made.poll_all()
        for name, fault in catalogue().items():
            options = {"size": 2 << 20} if "size" in fault.options else {}
            with simulator.faults.active(name, **options):
                made.poll_all()
            clock.advance(STEP)
        made.poll_all()
        assert set(simulator.faults.used) == set(catalogue())
        for said in everything_said(made, caplog):
            for secret in secrets:
                assert secret not in said


def everything_said(made: Program, caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    """Log lines as they are written, what is exposed, and what pages are made of."""
    formatter = logs.LogfmtFormatter()
    yield from (formatter.format(record) for record in caplog.records)
    yield made.text()
    assert made.snapshot.current is not None
    yield made.snapshot.current.openmetrics.decode()
    targets = list(made.targets.values())
    now = made.clock.now()
    yield repr(status(targets, now.wall, now.wall, lambda name: None, None))
    yield repr(runs(targets, now.world, RunFilter()))
    yield from (repr(target) for target in targets)
