"""A world is a pure function of seed, time and what was written into it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator import Change, Run, Trigger, World, demo_world
from exporter.simulator.generate import Profile
from exporter.simulator.model import timeline
from exporter.simulator.schedules import Cron, Every, Once
from tests.simulator.support import HOUR, MINUTE, NOON, SECOND, micros


def test_the_same_seed_gives_the_same_runs() -> None:
    """Two worlds of one seed agree; a world of another seed does not."""
    first, second, other = demo_world(7, NOON), demo_world(7, NOON), demo_world(8, NOON)
    span = NOON - HOUR, NOON + HOUR
    runs = list(first.runs("foundry", "ticket-triage", *span))
    assert runs == list(second.runs("foundry", "ticket-triage", *span))
    assert runs != list(other.runs("foundry", "ticket-triage", *span))
    assert len(runs) > 100


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(min_value=-5 * 3600, max_value=3 * 3600), min_size=1, max_size=6))
def test_windows_can_be_asked_for_in_any_order_and_cut(cuts: list[int]) -> None:
    """However a span is cut into windows, the windows together hold the runs of the span."""
    since, until = NOON - 5 * HOUR, NOON + 3 * HOUR
    world = demo_world(3, NOON, workloads=1, pace=60)
    edges = sorted({since, until, *(NOON + cut * SECOND for cut in cuts)})
    parts = [list(world.runs("foundry", "ticket-triage", *pair)) for pair in pairwise(edges)]
    fresh = demo_world(3, NOON, workloads=1, pace=60)
    assert [run for part in parts for run in part] == list(fresh.runs("foundry", "ticket-triage", since, until))


def test_tallies_of_settled_hours_equal_a_count_run_by_run() -> None:
    """The quick count of states over days is the slow count."""
    world = demo_world(5, NOON, workloads=1, history_days=1, pace=60, requeues=0.5)
    since = NOON - 23 * HOUR + 17 * SECOND
    states = [run.state_at(NOON) for run in world.runs("roboto", "ros_ingestion", since, NOON + 1)]
    quick = world.states("roboto", "ros_ingestion", since, NOON + 1, NOON)
    assert quick == {state: states.count(state) for state in set(states)}
    assert quick == world.states("roboto", "ros_ingestion", since, NOON + 1, NOON)


def test_newest_first_goes_on_where_it_stopped() -> None:
    """A listing continued behind its last row neither repeats nor skips one, whatever is born meanwhile."""
    world = demo_world(5, NOON, workloads=1, history_days=0.05)
    world.add_run("foundry", "ticket-triage", id="by-hand", triggered=NOON - 100 * SECOND)
    whole = list(world.newest_first("foundry", "ticket-triage", NOON))
    last = whole[9]
    behind = list(world.newest_first("foundry", "ticket-triage", NOON + HOUR, (last.created_at, last.id)))
    assert behind == whole[10:]
    assert "by-hand" in {run.id for run in whole}


def test_generated_times_are_whole_seconds() -> None:
    """So every wire format carries them exactly."""
    world = demo_world(9, NOON, workloads=8)
    for key in world.keys("foundry"):
        for run in world.runs("foundry", key, NOON - HOUR, NOON):
            assert all(change.at % SECOND == 0 for change in run.changes)


def test_no_fire_after_the_end() -> None:
    """A world that was told to end comes to rest."""
    world = demo_world(2, NOON, pace=2)
    assert list(world.runs("foundry", "ticket-triage", NOON + MINUTE, NOON + HOUR))
    world.end_at(NOON)
    assert not list(world.runs("foundry", "ticket-triage", NOON + MINUTE, NOON + HOUR))
    late = NOON + 10 * MINUTE
    assert set(world.states("foundry", "ticket-triage", 0, late, late)) <= {"completed", "failed", "cancelled"}


def test_a_run_by_hand_shows_what_has_happened_so_far() -> None:
    """State and times appear as they come."""
    world = World()
    run = world.add_run("foundry", "w", triggered=NOON, started=NOON + 2, ended=NOON + 5, outcome="failed")
    assert [run.state_at(NOON + n) for n in (-1, 0, 2, 4, 5)] == [None, "queued", "running", "running", "failed"]
    assert run.shown("started_at", NOON + 1) is None
    assert run.shown("started_at", NOON + 2) == NOON + 2
    assert run.ended_at(NOON + 4) is None
    assert run.ended_at(NOON + 9) == NOON + 5
    assert (run.outcome, run.countable_at) == ("failed", NOON + 5)
    assert [w.name for w in world.workloads("foundry", NOON)] == ["w"]


def test_a_run_may_leave_a_terminal_state() -> None:
    """A re-queued invocation is active again, and its first end stays the moment of counting."""
    changes = (Change(0, "queued"), Change(1, "failed"), Change(2, "queued"), Change(3, "completed"))
    run = World().add_run("roboto", "a", changes=changes)
    assert [run.ended_at(n) for n in (0, 1, 2, 3)] == [None, 1, None, 3]
    assert (run.outcome, run.countable_at) == ("completed", 1)


def test_a_late_run_is_not_there_before_it_is_visible() -> None:
    """Listings show it only from then on, and only then can it count."""
    world = World()
    run = world.add_run("foundry", "w", triggered=0, started=1, ended=2, visible=NOON)
    assert not list(world.newest_first("foundry", "w", NOON - 1))
    assert list(world.newest_first("foundry", "w", NOON)) == [run]
    assert run.countable_at == NOON


@pytest.mark.parametrize("changes", [(), (Change(2, "queued"), Change(1, "running"))])
def test_impossible_histories_are_refused(changes: tuple[Change, ...]) -> None:
    """A run has a first state, and its states follow in time."""
    with pytest.raises(ValueError, match="in order of time"):
        World().add_run("foundry", "w", triggered=0, changes=changes)


def test_a_run_without_any_time_is_refused() -> None:
    """It could be nowhere in a listing; use ``hidden`` for times that are not told."""
    with pytest.raises(ValueError, match="at least one time"):
        World().add_run("foundry", "w")


def test_from_runs_makes_the_workloads_up() -> None:
    """The keys of the runs are the names of the workloads."""
    runs = [Run("foundry", name, f"run-{name}", 1, timeline(1, 2, 3), 1) for name in ("b", "a")]
    world = World.from_runs(runs)
    assert [w.name for w in world.workloads("foundry", 5)] == ["b", "a"]
    assert list(world.runs("foundry", "a", 0, 10)) == [runs[1]]


def test_workloads_are_renamed_disabled_removed_and_return() -> None:
    """Each is an edit with a time, and what was before stays as it was."""
    world = World()
    world.add_workload("foundry", "old", at=10)
    world.rename_workload("foundry", "old", "new", at=20)
    world.edit_workload("foundry", "old", at=30, enabled=False)
    world.remove_workload("foundry", "old", at=40)
    world.add_workload("foundry", "again", key="old", at=50)
    seen = {at: [(w.name, w.enabled) for w in world.workloads("foundry", at)] for at in (5, 10, 20, 30, 40, 50)}
    assert seen == {
        5: [],
        10: [("old", True)],
        20: [("new", True)],
        30: [("new", False)],
        40: [],
        50: [("again", True)],
    }


def test_a_disabled_workload_does_not_fire() -> None:
    """Nor does one that is gone."""
    world = demo_world(4, NOON, workloads=1)
    world.edit_workload("foundry", "ticket-triage", at=NOON, enabled=False)
    spill = NOON + 10 * MINUTE
    assert not list(world.runs("foundry", "ticket-triage", spill, NOON + HOUR))
    assert list(world.runs("foundry", "ticket-triage", NOON - HOUR, NOON))


def test_requeues_and_retries_are_two_things() -> None:
    """A re-queued run goes on under its id, a retried one is followed by a run of its own with old times."""
    world = demo_world(6, NOON, workloads=1, failures=0.5, requeues=1.0, retries=1.0)
    roboto = list(world.runs("roboto", "ros_ingestion", NOON - HOUR, NOON))
    assert any(len(run.changes) == 6 and run.outcome == "completed" for run in roboto)
    foundry = list(world.runs("foundry", "ticket-triage", NOON - HOUR, NOON))
    retries = [run for run in foundry if run.attempt_source == "queued_dispatch"]
    assert retries
    assert all(run.triggered_at is not None and run.triggered_at < run.created_at for run in retries)
    assert len({run.id for run in foundry}) == len(foundry)


@pytest.mark.parametrize(
    ("schedule", "fires"),
    [
        (Every(20 * MINUTE, 5 * MINUTE), ["12:05", "12:25", "12:45"]),
        (Cron("0,30 * * * *"), ["12:00", "12:30"]),
        (Cron("15 13 * * 1", "Europe/Paris"), ["12:15"]),
        (Cron("15 13 * * 1", "W. Europe Standard Time"), ["12:15"]),
        (Cron("15 13 * * 2", "Europe/Paris"), []),
        (Once(NOON), ["12:00"]),
        (Once(NOON + HOUR), []),
    ],
)
def test_schedules(schedule: Every | Cron | Once, fires: list[str]) -> None:
    """The fire times in the hour from Monday noon: the first instant belongs to it, the last does not."""
    assert list(schedule.fires(NOON, NOON + HOUR)) == [micros(f"2026-03-02T{fire}:00") for fire in fires]


def test_cron_follows_daylight_saving_time() -> None:
    """07:00 in Paris is 06:00 UTC in winter and 05:00 UTC in summer."""
    fires = Cron("0 7 * * *", "Europe/Paris").fires(micros("2026-03-28T00:00"), micros("2026-03-30T00:00"))
    assert list(fires) == [micros("2026-03-28T06:00"), micros("2026-03-29T05:00")]


def test_scripted_runs_join_generated_ones() -> None:
    """A workload may have both."""
    world = World(seed=1, history_start=NOON - HOUR)
    world.add_workload("foundry", "both", triggers={"main": Trigger("custom")}, profile=Profile(schedule=Every(MINUTE)))
    world.add_run("foundry", "both", id="by-hand", triggered=NOON + 30 * SECOND)
    ids = [run.id for run in world.runs("foundry", "both", NOON, NOON + 2 * MINUTE)]
    assert len(ids) == 3
    assert "by-hand" in ids
