"""What became of a run, from status and phase (the catalogue's table and rule 4)."""

from __future__ import annotations

import pytest

from exporter.platforms.foundry.outcome import outcome, state
from exporter.times import MINUTE
from tests.platforms.support import NOW

JUST = NOW - 10 * MINUTE + 1
LONG = NOW - 10 * MINUTE


@pytest.mark.parametrize(
    ("status", "phase", "ended_at", "expected"),
    [
        # failed if either says so
        ("FAILED", "failed", JUST, "failed"),
        ("FINISHED", "failed", JUST, "failed"),
        ("RUNNING", "failed", None, "failed"),
        ("failed", None, None, "failed"),
        ("FAILED", "completed", None, "failed"),
        ("KILLED", "failed", None, "failed"),
        (None, "FAILED", None, "failed"),
        # cancelled
        ("KILLED", "completed", None, "cancelled"),
        ("Killed", None, None, "cancelled"),
        ("RUNNING", "cancelled", None, "cancelled"),
        ("FINISHED", "canceled", None, "cancelled"),
        # completed
        ("FINISHED", "completed", JUST, "completed"),
        ("Finished", "Completed", None, "completed"),
        (None, "completed", None, "completed"),
        ("", "completed", None, "completed"),
        ("finished", None, None, "completed"),
        # the fields lag: open until the status is terminal or the end is ten minutes ago
        ("RUNNING", "completed", JUST, None),
        ("RUNNING", "completed", LONG, "unknown"),
        ("SCHEDULED", "completed", JUST, None),
        ("RUNNING", None, JUST, None),
        ("RUNNING", None, LONG, "unknown"),
        (None, "dispatching", JUST, None),
        (None, "queued", LONG, "unknown"),
        ("FINISHED", "dispatching", JUST, None),
        ("FINISHED", "dispatching", LONG, "unknown"),
        # a status that says so ends a run, an unknown one does not
        ("FINISHED", "dispatching", None, "unknown"),
        ("FINISHED", "rewinding", None, "unknown"),
        ("RUNNING", "completed", None, None),
        ("RUNNING", "dispatching", None, None),
        ("EVICTED", "completed", None, None),
        ("EVICTED", "evicted", None, None),
        (None, None, None, None),
        # an end time ends a run
        ("EVICTED", "evicted", JUST, "unknown"),
        (None, None, JUST, "unknown"),
    ],
)
def test_outcome(status: str | None, phase: str | None, ended_at: int | None, expected: str | None) -> None:
    """None while the run has not ended."""
    assert outcome(status, phase, ended_at, NOW) == expected


@pytest.mark.parametrize(
    ("status", "phase", "started_at", "expected"),
    [
        ("RUNNING", "queued", None, "running"),
        ("Running", None, None, "running"),
        ("SCHEDULED", "queued", NOW, "running"),
        (None, None, NOW, "running"),
        ("SCHEDULED", "queued", None, "queued"),
        (None, "Dispatching", None, "queued"),
        ("SCHEDULED", None, None, "open"),
        ("EVICTED", "evicted", None, "open"),
        (None, None, None, "open"),
        (None, "completed", None, "open"),
    ],
)
def test_state(status: str | None, phase: str | None, started_at: int | None, expected: str) -> None:
    """Running if the status or a start time says so, else queued while it is being dispatched."""
    assert state(status, phase, started_at) == expected
