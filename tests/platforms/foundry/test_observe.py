"""What Foundry's routines and runs mean, field by field. Whole samples are compared in ``test_samples``."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.catalogue.foundry import DISPATCHES
from exporter.catalogue.ledger import RECORDS_SKIPPED
from exporter.catalogue.model import Metric
from exporter.catalogue.runs import (
    LAST_RUN,
    RUN_DURATION,
    RUN_FAILURES,
    RUN_LATENESS,
    RUN_WAIT,
    RUNS,
    SCHEDULE_FIRED,
    TRIGGERED_RUNS,
)
from exporter.observations import Delivery, Labels, Page, Roster, Run, Schedule, Skipped, Step, Workload
from exporter.platforms.foundry.observe import observe_page, observe_roster, observe_run
from exporter.platforms.foundry.records import Attempt, Routine, RoutineRun
from exporter.platforms.parsing import records
from exporter.times import DAY, HOUR, SECOND
from tests.platforms.support import NOW, foundry

SECONDS = NOW // SECOND
DONE = {"id": "r1", "status": "FINISHED", "phase": "completed"}


def run(trigger: str | None = None, /, **fields: object) -> Run:
    """What a finished run means, with these fields besides."""
    (run,), _ = records([{**DONE, **fields}], RoutineRun)
    return observe_run(Attempt(run, trigger), "nightly", NOW)


def added(observed: Run, metric: Metric) -> list[tuple[Labels, int]]:
    """What a run adds to a family."""
    return [(add.labels, add.amount) for add in observed.adds if add.metric is metric]


def marked(observed: Run, metric: Metric) -> list[tuple[Labels, int]]:
    """What a run marks."""
    return [(mark.labels, mark.at) for mark in observed.marks if mark.metric is metric]


def test_a_run_that_has_not_ended_adds_nothing() -> None:
    """Its delivery is told all the same: the schedule did fire."""
    observed = run("t", status="RUNNING", phase=None, started_at=SECONDS, scheduled_fire_at=SECONDS)
    assert (observed.ended, observed.state, observed.adds) == (False, "running", ())
    assert observed.delivery == Delivery("t", NOW)
    assert marked(observed, SCHEDULE_FIRED) == [(("t",), NOW)]


def test_an_ended_run_is_one_run() -> None:
    """And one of its trigger type, and one dispatch; what is null is an empty label value."""
    observed = run(trigger_type="schedule", attempt_source="event_fire", action_type="invoke_x")
    assert added(observed, RUNS) == [(("completed",), 1)]
    assert added(observed, TRIGGERED_RUNS) == [(("schedule", "completed"), 1)]
    assert added(observed, DISPATCHES) == [(("event_fire", "invoke_x", "completed"), 1)]
    assert added(observed, RUN_FAILURES) == []
    bare = run()
    assert added(bare, TRIGGERED_RUNS) == [(("", "completed"), 1)]
    assert added(bare, DISPATCHES) == [(("", "", "completed"), 1)]


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        ({"error_type": "Timeout", "error_status_code": 504}, ("Timeout", "504")),
        ({"error_type": "Timeout"}, ("Timeout", "")),
        ({"error_status_code": 500}, ("http_500", "500")),
        ({"error_status_code": "500"}, ("http_500", "500")),
        ({"error_status_code": 500.0}, ("http_500", "500")),
        ({"error_status_code": 0}, ("unknown", "")),
        ({"error_status_code": None, "error_type": ""}, ("unknown", "")),
        ({"error_status_code": True, "error_type": 7}, ("unknown", "")),
    ],
)
def test_the_reason_of_a_failure(fields: dict[str, Any], labels: Labels) -> None:
    """``error_type``, else the status code, else unknown; never the message."""
    observed = run(status="FAILED", error_message="private words", **fields)
    assert added(observed, RUN_FAILURES) == [(labels, 1)]
    assert "private" not in repr(observed)


@pytest.mark.parametrize(
    ("fields", "duration", "wait", "lateness"),
    [
        ({"triggered_at": 0, "started_at": 5, "ended_at": 42}, 37, 5, None),
        ({"triggered_at": 0, "started_at": 5, "ended_at": 42, "scheduled_fire_at": -3}, 37, 5, 8),
        ({"triggered_at": 2, "scheduled_fire_at": 0, "ended_at": 9}, None, None, 2),
        ({"started_at": 5}, None, None, None),
        ({"ended_at": 5}, None, None, None),
        ({"triggered_at": 3, "started_at": 3, "ended_at": 3, "scheduled_fire_at": 3}, 0, 0, 0),
    ],
)
def test_lengths_of_time(fields: dict[str, int], duration: int | None, wait: int | None, lateness: int | None) -> None:
    """Only between times that are both told."""
    times: dict[str, object] = {name: SECONDS - 100 + after for name, after in fields.items()}
    observed = run(attempt_source="schedule_delivery", trigger_name="t", **times)
    expected = ((RUN_DURATION, ("completed",), duration), (RUN_WAIT, (), wait), (RUN_LATENESS, (), lateness))
    for metric, labels, seconds in expected:
        assert added(observed, metric) == ([] if seconds is None else [(labels, seconds * SECOND)])


def test_lengths_are_exact_to_the_microsecond() -> None:
    """From floats and from text."""
    observed = run(started_at=1780380000.25, ended_at="2026-06-02T06:00:03.750001Z")
    assert added(observed, RUN_DURATION) == [(("completed",), 3_500_001)]


def test_negative_lengths_are_left_out_and_told_of() -> None:
    """Once for each, when the run is counted."""
    observed = run(triggered_at=SECONDS, started_at=SECONDS - 5, ended_at=SECONDS - 9, scheduled_fire_at=SECONDS)
    for metric in (RUN_DURATION, RUN_WAIT, RUN_LATENESS):
        assert added(observed, metric) == []
    assert added(observed, RECORDS_SKIPPED) == [(("negative_duration",), 1)] * 3
    assert added(observed, RUNS) == [(("completed",), 1)]


@pytest.mark.parametrize("unbelievable", [SECONDS + 3601, 4_070_908_800, 900_000_000, "2099-01-01T00:00:00Z"])
def test_times_that_cannot_be_believed_are_missing(unbelievable: object) -> None:
    """In 2099 or before 2000: no duration, no mark, and no end."""
    observed = run(started_at=SECONDS - 5, ended_at=unbelievable)
    assert (observed.finished, added(observed, RUN_DURATION), marked(observed, LAST_RUN)) == (None, [], [])
    still = run(status="EVICTED", phase=None, ended_at=unbelievable)
    assert not still.ended
    assert run(scheduled_fire_at=unbelievable, trigger_name="t").delivery is None


def test_the_last_run_is_when_it_ended() -> None:
    """Without an end nobody knows."""
    assert marked(run(ended_at=SECONDS), LAST_RUN) == [(("completed",), NOW)]
    assert marked(run(started_at=SECONDS), LAST_RUN) == []


@pytest.mark.parametrize(
    ("only", "fields", "delivery"),
    [
        (None, {"attempt_source": "schedule_delivery", "trigger_name": "t"}, "t"),
        ("t", {"attempt_source": "timer_delivery"}, "t"),
        ("other", {"attempt_source": "timer_delivery", "trigger_name": "t"}, "t"),
        ("t", {}, "t"),
        ("t", {"attempt_source": "queued_dispatch"}, "t"),
        ("t", {"attempt_source": "manual_dispatch"}, None),
        ("t", {"attempt_source": "EVENT_FIRE"}, None),
        (None, {"attempt_source": "schedule_delivery"}, None),
        ("t", {"attempt_source": "schedule_delivery", "scheduled_fire_at": None}, None),
    ],
)
def test_deliveries_of_schedules(only: str | None, fields: dict[str, Any], delivery: str | None) -> None:
    """Of the named trigger, else of the only one; a fire time belongs to it."""
    observed = run(only, **{"scheduled_fire_at": SECONDS, **fields})
    assert observed.delivery == (None if delivery is None else Delivery(delivery, NOW))
    assert marked(observed, SCHEDULE_FIRED) == ([] if delivery is None else [((delivery,), NOW)])


STEP = Step("ordinary", NOW, NOW, None, False, True, True, NOW - HOUR, NOW)


def test_a_page_tells_the_fields_with_unknown_values() -> None:
    """Each once; missing values are not unknown."""
    rows = [
        {"id": "a", "status": "EVICTED", "phase": "completed", "trigger_type": "webhook"},
        {"id": "b", "status": "evicted", "attempt_source": "Schedule_Delivery"},
        {"id": "c", "action_type": "invoke_workflow", "trigger_type": ""},
    ]
    items = tuple(Attempt(run, None) for run in records(rows, RoutineRun)[0])
    page = observe_page(Page("nightly", 3, items, STEP, NOW, (Skipped("no_id"),)), NOW)
    assert page.unknown == ("status", "trigger_type", "action_type")
    assert (page.listing, page.sequence, page.step, page.upstream_now) == ("nightly", 3, STEP, NOW)
    assert page.skipped == (Skipped("no_id"),)


# Routines


def workload(**fields: object) -> Workload:
    """The workload that a routine with these fields is."""
    routine = Routine.model_validate({"name": "nightly", **fields})
    return observe_roster(Roster((routine,), NOW)).items[0]


@pytest.mark.parametrize(
    ("fields", "info"),
    [
        ({}, {}),
        ({"action": {"agent_name": "a", "agent_endpoint_id": "e"}}, {"agent_id": "a"}),
        ({"action": {"agent_endpoint_id": "e"}}, {"agent_id": "e"}),
        ({"action": "x", "triggers": []}, {}),
        (
            {"triggers": {"t": {"type": "schedule", "cron_expression": "0 7 * * *", "time_zone": "Europe/Paris"}}},
            {"trigger_type": "schedule", "schedule": "0 7 * * *", "time_zone": "Europe/Paris"},
        ),
        (
            {"triggers": {"a": {"type": "schedule", "cron_expression": "0 7 * * *"}, "b": {"type": "timer"}, "c": 5}},
            {"trigger_type": "schedule,timer", "schedule": "0 7 * * *"},
        ),
    ],
)
def test_facts_about_a_routine(fields: dict[str, object], info: dict[str, str]) -> None:
    """Only those that are told."""
    assert workload(**fields).info == {"workload_id": "nightly", **info}


def test_edits_and_switches() -> None:
    """The later of creation and update; ``enabled`` only when it is a truth value."""
    assert workload(created_at=SECONDS, updated_at=SECONDS + 5).edited_at == NOW + 5 * SECOND
    assert workload(created_at=SECONDS).edited_at == NOW
    assert workload().edited_at is None
    assert [workload(enabled=value).enabled for value in (True, False, None, "yes")] == [True, False, None, None]


def test_schedules_that_cannot_be_understood_are_told_of() -> None:
    """A bad expression or an unmappable zone says nothing of when the routine is due."""
    triggers = {
        "good": {"type": "schedule", "cron_expression": "0 7 * * 1", "time_zone": "UTC"},
        "six": {"type": "schedule", "cron_expression": "0 0 7 * * 1"},
        "zone": {"type": "schedule", "cron_expression": "0 7 * * 1", "time_zone": "Moon/Tranquility"},
        "none": {"type": "schedule"},
        "duration": {"type": "timer", "at": "PT5M"},
        "event": {"type": "github_issue"},
        "new": {"type": "hologram"},
    }
    roster = observe_roster(Roster((Routine.model_validate({"name": "n", "triggers": triggers}),), NOW))
    assert roster.items[0].schedules == (Schedule("good", "0 7 * * 1", "UTC"),)
    assert roster.skipped == (Skipped("schedule"),) * 4
    assert roster.unknown == ("trigger_type",)


def test_names_are_made_safe() -> None:
    """The identity stays what the platform calls it."""
    routine = Routine.model_validate(
        {"name": "_other", "triggers": {"t" * 300: {"type": "timer", "at": SECONDS + DAY}}}
    )
    item = observe_roster(Roster((routine,), NOW)).items[0]
    assert (item.identity, item.label) == ("_other", "_other_")
    assert len(item.schedules[0].name) == 200


def test_other_batches_are_none_of_foundrys() -> None:
    """A mistake of ours, not of the upstream."""
    from exporter.observations import Windows  # noqa: PLC0415

    with pytest.raises(TypeError):
        foundry().observe(Windows((), NOW), NOW)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, False),
        ({"status": "FAILED", "phase": "failed"}, True),
        ({"status": "RUNNING", "phase": None}, True),
        ({"scheduled_fire_at": SECONDS - 10, "started_at": SECONDS}, False),
        ({"scheduled_fire_at": SECONDS - 11, "started_at": SECONDS}, True),
        ({"scheduled_fire_at": SECONDS - 11, "triggered_at": SECONDS}, True),
    ],
)
def test_further_ids_are_told_of_runs_that_people_may_look_for(fields: dict[str, object], told: bool) -> None:
    """Open ones, failed ones, and those that the shortest grace there is would call late."""
    assert bool(run("t", dispatch_id="d-1", **fields).ids) is told
