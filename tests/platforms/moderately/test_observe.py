"""What an execution means: outcome, state, times, steps."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.catalogue.moderately import RUN_STEPS, STEP_LIMIT_REACHED
from exporter.catalogue.runs import LAST_RUN, RUN_DURATION, RUN_FAILURES, RUN_WAIT, RUNS
from exporter.observations import Run
from exporter.platforms.moderately.observe import observe_run
from exporter.platforms.moderately.records import Execution, Owned, Owner
from exporter.platforms.parsing import records
from exporter.times import MINUTE, SECOND, Micros, to_datetime
from tests.platforms.support import NOW


def iso(at: Micros) -> str:
    """As the platform writes times."""
    return to_datetime(at).isoformat().replace("+00:00", "Z")


BORN, BEGUN, ENDED = NOW - 10 * MINUTE, NOW - 9 * MINUTE, NOW - MINUTE


def run(**fields: Any) -> Run:
    """What an execution with these fields means; times are microseconds."""
    written = {name: iso(held) if name.endswith("At") and held else held for name, held in fields.items()}
    (execution,), _ = records([{"agentExecutionId": "x", **written}], Execution)
    return observe_run(Owned(execution, Owner("agent", "Agent")), NOW)


@pytest.mark.parametrize(
    ("status", "ends", "outcome"),
    [
        ("completed", {"completedAt": ENDED}, "completed"),
        ("failed", {"failedAt": ENDED}, "failed"),
        ("cancelled", {"cancelledAt": ENDED}, "cancelled"),
        ("COMPLETED", {}, "completed"),
        ("failed", {"completedAt": ENDED}, "failed"),
        ("timed_out", {"failedAt": ENDED}, "failed"),
        ("timed_out", {}, None),
        (None, {"cancelledAt": ENDED}, "cancelled"),
        (None, {}, None),
        ("running", {"completedAt": ENDED}, "completed"),
        ("running", {}, None),
        ("paused", {"pausedAt": ENDED}, None),
        ("completed", {"completedAt": NOW + 2 * 3600 * SECOND}, "completed"),
    ],
)
def test_ended_is_what_its_status_or_an_end_says_so_of(
    status: str | None, ends: dict[str, Any], outcome: str | None
) -> None:
    """The status decides the outcome where it is final, else the field of the end."""
    found = run(status=status, createdAt=BORN, **ends)
    assert (found.ended, found.outcome) == (outcome is not None, outcome or "unknown")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", "queued"),
        ("running", "running"),
        ("paused", "paused"),
        ("Pending", "queued"),
        ("new", "open"),
        (None, "open"),
    ],
)
def test_state_of_what_has_not_ended(status: str | None, state: str) -> None:
    """What no list knows is open."""
    assert run(status=status).state == state


@pytest.mark.parametrize(
    ("ends", "finished"),
    [
        ({"failedAt": ENDED}, ENDED),
        ({"completedAt": ENDED}, ENDED),
        ({"failedAt": ENDED, "completedAt": BORN}, ENDED),
        ({"failedAt": None}, None),
    ],
)
def test_the_end_is_the_outcomes_own_else_any(ends: dict[str, Any], finished: Micros | None) -> None:
    """failedAt, not completedAt, ends a failed execution."""
    assert run(status="failed", **ends).finished == finished


def amounts(found: Run) -> dict[str, list[int]]:
    """What a run adds, by family."""
    by_family: dict[str, list[int]] = {}
    for add in found.adds:
        by_family.setdefault(add.metric.name, []).append(add.amount)
    return by_family


def test_what_a_failed_run_adds() -> None:
    """Duration from start to end, wait from creation to start, a failure without a reason."""
    found = run(status="failed", createdAt=BORN, startedAt=BEGUN, failedAt=ENDED, currentStep=20, maxActions=20)
    assert amounts(found) == {
        RUNS.name: [1],
        RUN_FAILURES.name: [1],
        RUN_STEPS.name: [20],
        STEP_LIMIT_REACHED.name: [1],
        RUN_DURATION.name: [8 * MINUTE],
        RUN_WAIT.name: [MINUTE],
    }
    assert [(mark.metric, mark.labels, mark.at) for mark in found.marks] == [(LAST_RUN, ("failed",), ENDED)]


@pytest.mark.parametrize(
    ("steps", "most", "told", "reached"),
    [
        (3, 20, True, False),
        (None, 20, False, False),
        (5, None, True, False),
        (0, 0, True, True),
        (-1, 20, False, False),
    ],
)
def test_steps(steps: int | None, most: int | None, told: bool, reached: bool) -> None:
    """A number that cannot be counted is missing."""
    found = amounts(run(status="completed", currentStep=steps, maxActions=most))
    assert (RUN_STEPS.name in found, STEP_LIMIT_REACHED.name in found) == (told, reached)


def test_open_runs_add_nothing() -> None:
    """Nor do their steps."""
    assert run(status="running", createdAt=BORN, startedAt=BEGUN, currentStep=3).adds == ()


@pytest.mark.parametrize(
    ("started", "ended", "reason"), [(ENDED, BEGUN, "negative_duration"), (None, ENDED, None), (BEGUN, None, None)]
)
def test_durations_that_are_none(started: Micros | None, ended: Micros | None, reason: str | None) -> None:
    """A negative one is told of; one without both ends is not known."""
    found = run(status="completed", startedAt=started, completedAt=ended)
    assert RUN_DURATION.name not in amounts(found)
    assert [add.labels[0] for add in found.adds if add.metric.name.endswith("records_skipped_total")] == (
        [reason] if reason else []
    )


def test_times_that_cannot_be_believed_are_missing() -> None:
    """Too far ahead, or before 2000."""
    found = run(status="completed", createdAt=SECOND, startedAt=NOW + 7200 * SECOND, completedAt=ENDED)
    assert (found.created, found.started, found.finished) == (None, None, ENDED)
