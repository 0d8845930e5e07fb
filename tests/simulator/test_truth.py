"""The truth counts each run once, from the baseline on, with the outcome it has when it can first be counted."""

from __future__ import annotations

from typing import Any

from exporter.simulator import Change, Trigger, World, active_runs, demo_world, truth
from exporter.simulator.truth import labels_of, missed_schedules
from tests.simulator.support import HOUR, MINUTE, NOON, SECOND, Asker, iso

RUNS = "automation_runs_total"


def test_every_family_of_one_foundry_run() -> None:
    """A failed scheduled run, in all the families it feeds."""
    world = World()
    world.add_run(
        "foundry",
        "w",
        triggered=NOON + SECOND,
        scheduled=NOON,
        started=NOON + 3 * SECOND,
        ended=NOON + 8 * SECOND,
        outcome="failed",
        status_code=502,
        trigger_type="schedule",
        attempt_source="schedule_delivery",
        action_type="call",
    )
    assert (
        truth(world, "foundry", NOON, NOON + MINUTE).samples().items()
        >= {
            (RUNS, labels_of(workload="w", outcome="failed")): 1,
            (
                "automation_run_failures_total",
                labels_of(workload="w", reason="http_502", status_code="502"),
            ): 1,
            (
                "automation_triggered_runs_total",
                labels_of(workload="w", trigger_type="schedule", outcome="failed"),
            ): 1,
            (
                "foundry_dispatches_total",
                labels_of(workload="w", attempt_source="schedule_delivery", action_type="call", outcome="failed"),
            ): 1,
            ("automation_run_duration_seconds_sum", labels_of(workload="w", outcome="failed")): 5,
            ("automation_run_duration_seconds_bucket", labels_of(workload="w", outcome="failed", le="1.0")): 0,
            ("automation_run_duration_seconds_bucket", labels_of(workload="w", outcome="failed", le="5.0")): 1,
            ("automation_run_duration_seconds_bucket", labels_of(workload="w", outcome="failed", le="+Inf")): 1,
            ("automation_run_wait_seconds_sum", labels_of(workload="w")): 2,
            ("automation_run_lateness_seconds_sum", labels_of(workload="w")): 3,
        }.items()
    )


def test_spans_are_open_at_the_start_and_add_up() -> None:
    """(since, until], so that two spans side by side are one."""
    world = World()
    world.add_run("foundry", "w", triggered=NOON, ended=NOON + SECOND)
    early, late = NOON - HOUR, NOON + HOUR
    counts = [
        truth(world, "foundry", since, until, early).counter(RUNS, workload="w")
        for since, until in ((early, NOON + SECOND - 1), (early, NOON + SECOND), (NOON + SECOND, late), (early, late))
    ]
    assert counts == [0, 1, 0, 1]


def test_history_and_baseline() -> None:
    """What ended before the baseline is history; at the baseline, or seen active there, it counts."""
    world = World()
    world.add_run("foundry", "ended before", triggered=NOON - HOUR, ended=NOON - 1)
    world.add_run("foundry", "ended at", triggered=NOON - HOUR, ended=NOON)
    world.add_run("foundry", "open at", triggered=NOON - HOUR, ended=NOON + HOUR)
    world.add_run("foundry", "seen late", triggered=NOON - HOUR, ended=NOON - 1, visible=NOON + MINUTE)
    world.add_run("foundry", "never ends", triggered=NOON)
    world.add_run("foundry", "lags", triggered=NOON - HOUR, ended=NOON - SECOND, status_lag=MINUTE)
    found = truth(world, "foundry", NOON - 1, NOON + HOUR, baseline=NOON)
    assert {dict(labels)["workload"] for labels in found.counters[RUNS]} == {"ended at", "open at", "lags"}


def test_a_lagging_status_settles_after_ten_minutes() -> None:
    """A run whose status never follows its end time counts ten minutes after that, and nobody knows how it ended."""
    world = World()
    run = world.add_run("foundry", "w", triggered=NOON, ended=NOON, status_lag=10 * HOUR)
    assert run.countable_at == NOON + 10 * MINUTE
    assert active_runs(world, "foundry", NOON + 9 * MINUTE) == {labels_of(workload="w", state="running"): 1}
    assert active_runs(world, "foundry", NOON + 10 * MINUTE) == {}
    found = truth(world, "foundry", NOON, NOON + HOUR)
    assert found.counters[RUNS] == {labels_of(workload="w", outcome="unknown"): 1}


def test_a_failure_does_not_wait_for_the_status() -> None:
    """The phase says it at once."""
    world = World()
    run = world.add_run("foundry", "w", triggered=NOON, ended=NOON, outcome="failed", status_lag=HOUR)
    assert run.countable_at == NOON


def test_what_ended_while_its_routine_was_gone_counts_when_it_returns() -> None:
    """Nobody can have seen it before."""
    world = World()
    world.add_workload("foundry", "w")
    world.add_run("foundry", "w", triggered=NOON, ended=NOON + MINUTE)
    world.remove_workload("foundry", "w", at=NOON + SECOND)
    assert truth(world, "foundry", NOON, NOON + HOUR).counters == {}
    world.add_workload("foundry", "w", at=NOON + HOUR)
    assert truth(world, "foundry", NOON, NOON + HOUR - 1).counters == {}
    assert truth(world, "foundry", NOON + HOUR - 1, NOON + HOUR, NOON).counter(RUNS, workload="w") == 1


def test_the_first_end_decides() -> None:
    """A run that flips or re-opens after its end counts as it first ended."""
    world = World()
    flips = (Change(NOON, "queued"), Change(NOON + 1, "completed"), Change(NOON + 2, "failed"))
    world.add_run("foundry", "w", changes=flips)
    assert truth(world, "foundry", NOON, NOON + HOUR).counters[RUNS] == {
        labels_of(workload="w", outcome="completed"): 1
    }


def test_durations_that_cannot_be_are_left_out() -> None:
    """No start, no duration; a negative one is skipped."""
    world = World()
    world.add_run("foundry", "w", triggered=NOON, ended=NOON + 1)
    world.add_run("foundry", "w", triggered=NOON + 9, started=NOON + 5, ended=NOON + 10, changes=None)
    found = truth(world, "foundry", NOON - 1, NOON + HOUR)
    assert found.counter(RUNS, workload="w") == 2
    assert found.histogram("automation_run_duration_seconds", workload="w", outcome="completed").count == 1
    assert found.histogram("automation_run_wait_seconds", workload="w").count == 0


def test_roboto_has_the_net_change() -> None:
    """A re-queued failure is taken back."""
    world = World()
    changes = (
        Change(NOON, "queued"),
        Change(NOON + 1, "failed"),
        Change(NOON + 2, "queued"),
        Change(NOON + 3, "completed"),
    )
    world.add_workload("roboto", "a", owner="og_other")
    world.add_run("roboto", "og_other/a", changes=changes)

    def net(since: int, until: int) -> dict[str, int]:
        family = truth(world, "roboto", NOON + since, NOON + until).counters.get(RUNS, {})
        return {dict(labels)["outcome"]: number for labels, number in family.items()}

    assert [net(-1, 1), net(1, 2), net(2, 3), net(-1, 3)] == [
        {"failed": 1},
        {"failed": -1},
        {"completed": 1},
        {"completed": 1},
    ]
    assert truth(world, "roboto", NOON - 1, NOON + 3).counter(RUNS, workload="og_other/a") == 1
    assert active_runs(world, "roboto", NOON) == {labels_of(workload="og_other/a", state="open"): 1}


def test_what_the_statistics_say_is_the_truth() -> None:
    """The difference of two readings of the face is the net change of the world."""
    asker = Asker(demo_world(11, NOON, requeues=0.3))
    before = asker.stats(NOON - 5 * HOUR, asker.clock())
    since = asker.clock()
    asker.clock.advance(1800)
    after = asker.stats(NOON - 5 * HOUR, asker.clock())
    found = asker.simulator.truth("roboto", since, asker.clock())
    for key, (completed, failed, _) in after.items():
        label = key.removeprefix("og_example/")
        assert completed - before[key][0] == found.counter(RUNS, workload=label, outcome="completed")
        assert failed - before[key][1] == found.counter(RUNS, workload=label, outcome="failed")
    assert found.counter(RUNS) > 100


def test_what_the_listings_say_is_the_truth() -> None:
    """Counting ids once, as they end, over repeated whole readings gives the world's totals."""
    asker = Asker(demo_world(11, NOON, workloads=4))
    baseline, counted, open_at_baseline = NOON, set(), set()
    totals: dict[tuple[str, str], int] = {}
    words = {"FINISHED": "completed", "FAILED": "failed", "KILLED": "cancelled"}
    for _ in range(6):
        for routine in asker.foundry("/routines").json()["data"]:
            for run in asker.runs(routine["name"]):
                outcome = words.get(run["status"])
                if outcome is None and asker.clock() == baseline:
                    open_at_baseline.add(run["id"])
                history = run["id"] not in open_at_baseline and (run["ended_at"] or 0) * SECOND < baseline
                if outcome is None or history or run["id"] in counted:
                    continue
                counted.add(run["id"])
                place = routine["name"], outcome
                totals[place] = totals.get(place, 0) + 1
        asker.clock.advance(300)
    until = asker.clock() - 300 * SECOND
    found = asker.simulator.totals("foundry", until).counters[RUNS]
    assert totals == {(dict(labels)["workload"], dict(labels)["outcome"]): n for labels, n in found.items()}
    assert len(counted) > 100


def test_the_baseline_is_what_the_first_good_answer_said() -> None:
    """``Date`` for listings, skew included; the instant of the reading for windows."""
    asker = Asker(demo_world(1, NOON), now=NOON + 250_000)
    with asker.simulator.faults.active("unavailable"):
        asker.foundry("/routines")
    assert asker.simulator.baseline("foundry") is None
    assert asker.simulator.totals("foundry").samples() == {}
    with asker.simulator.faults.active("clock_skew", seconds=-60):
        asker.foundry("/routines")
    asker.stats(NOON - HOUR, NOON)
    assert asker.simulator.baseline("foundry") == NOON - MINUTE
    assert asker.simulator.baseline("roboto") == NOON + 250_000
    asker.simulator.forget_baselines()
    assert asker.simulator.baseline("roboto") is None


def test_what_began_between_the_end_of_the_first_window_and_its_answer_is_not_of_the_baseline() -> None:
    """Granite is asked in whole seconds, and the answer may come in the next one."""
    world = World()
    for name, created in (("before", NOON - SECOND), ("between", NOON), ("after", NOON + SECOND)):
        details: dict[str, Any] = {"id": name, "trigger_type": "scheduled"}
        world.add_run("granite", "w", created=created, started=created, ended=NOON + MINUTE, **details)
    asker = Asker(world, now=NOON + 20_000)
    question = {"start_date": iso(NOON - HOUR), "end_date": iso(NOON), "granularity": "day"}
    told = asker.granite(**question).json()
    asker.clock.advance(120)
    later = asker.granite(**question | {"end_date": iso(asker.clock())}).json()
    rise = [each["count"] for each in later["trigger_distribution"]["data"]]
    assert (told["summary"]["total_executions"], rise) == (1, [3])
    found = asker.simulator.totals("granite")
    assert found.counter("automation_triggered_runs_total", trigger_type="scheduled") == 2
    assert found.counter(RUNS, workload="w") == 3  # none of them had ended


def test_cancelled_executions_have_a_beginning_of_their_own() -> None:
    """Granite is asked for them by themselves, a moment later: what was cancelled in between was told of then."""
    world = World()
    for name, ended in (("before", NOON - SECOND), ("between", NOON + 5 * SECOND), ("after", NOON + MINUTE)):
        world.add_run("granite", "w", id=name, created=NOON - MINUTE, ended=ended, outcome="cancelled", steps=2)
    asker = Asker(world)
    question = {"start_date": iso(NOON - HOUR), "end_date": iso(NOON + HOUR), "granularity": "day"}
    asker.granite(**question)
    asker.clock.advance(10)
    told = asker.granite(**question, status="cancelled").json()
    asker.clock.advance(120)
    later = asker.granite(**question, status="cancelled").json()
    assert [each["summary"]["total_executions"] for each in (told, later)] == [2, 3]
    found = asker.simulator.totals("granite")
    assert found.counter(RUNS, workload="w", outcome="cancelled") == 1
    assert found.counter("granite_workflow_steps_total", workload="w") == 4  # of both that had not ended at first


def test_missed_schedules_need_an_enabled_and_unedited_routine() -> None:
    """A due time counts when its grace has run out, unless it was delivered, even a little off."""
    world = World()
    for key in ("on", "off", "edited"):
        trigger = Trigger("schedule", cron="*/30 * * * *")
        world.add_workload("foundry", key, enabled=key != "off", triggers={"main": trigger}, at=NOON - HOUR)
    world.edit_workload("foundry", "edited", at=NOON + 20 * MINUTE, enabled=True)
    world.add_workload("foundry", "timer", triggers={"t": Trigger("timer", at=NOON + MINUTE)}, at=NOON - HOUR)
    world.add_run("foundry", "on", triggered=NOON + 31 * MINUTE, scheduled=NOON + 30 * MINUTE + 59 * SECOND)

    def missed(until: int) -> dict[str, int]:
        found = missed_schedules(world, NOON, until)
        return {dict(labels)["workload"]: number for labels, number in found.items()}

    assert missed(NOON + 10 * MINUTE - 1) == {}
    assert missed(NOON + 10 * MINUTE) == {"on": 1, "edited": 1}
    assert missed(NOON + 11 * MINUTE) == {"on": 1, "edited": 1, "timer": 1}
    assert missed(NOON + 45 * MINUTE) == {"on": 1, "edited": 1, "timer": 1}
