"""Incidents change what comes after their start, and nothing before it."""

from __future__ import annotations

import pytest

from exporter.simulator import INCIDENTS, Rotation, demo_world
from exporter.simulator.incidents import IncidentName
from exporter.simulator.truth import missed_schedules
from tests.simulator.support import HOUR, MINUTE, NOON, SECOND, Asker

ROUTINE = "ticket-triage"


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_past_stays_as_it_was(name: IncidentName) -> None:
    """Whatever is switched on at a moment, every state up to that moment is the same as before."""
    world = demo_world(1, NOON, workloads=4)
    keys = [(platform, key) for platform in ("roboto", "foundry") for key in world.keys(platform)]

    def past() -> list[object]:
        return [
            (run.id, run.state_at(NOON), run.ended_at(NOON))
            for platform, key in keys
            for run in world.runs(platform, key, NOON - HOUR, NOON + 1)  # type: ignore[arg-type]
        ]

    before = past()
    world.incidents.start(name, NOON)
    assert past() == before
    world.incidents.stop(NOON + 5 * MINUTE)
    assert past() == before


def test_failure_burst() -> None:
    """Most runs born in it fail, with a 503."""
    world = demo_world(1, NOON, workloads=1, failures=0.0)
    world.incidents.start("failure_burst", NOON, 10 * MINUTE, platform="foundry", workload=ROUTINE)
    inside = list(world.runs("foundry", ROUTINE, NOON + 1, NOON + 10 * MINUTE))
    failed = [run for run in inside if run.outcome == "failed"]
    assert len(failed) > len(inside) * 0.7
    assert {(run.error_type, run.status_code) for run in failed} == {("upstream_unavailable", 503)}
    after = world.runs("foundry", ROUTINE, NOON + 11 * MINUTE, NOON + 20 * MINUTE)
    assert not [run for run in after if run.outcome == "failed"]
    elsewhere = world.runs("roboto", "ros_ingestion", NOON, NOON + 10 * MINUTE)
    assert not [run for run in elsewhere if run.outcome == "failed"]


def test_missed_schedule() -> None:
    """Schedules do not fire, and the truth counts what was due."""
    world = demo_world(1, NOON, workloads=3)
    world.incidents.start("missed_schedule", NOON, 14 * MINUTE)
    fired = {run.scheduled_fire_at for run in world.runs("foundry", "five-minute-check", NOON, NOON + HOUR)}
    due = {NOON + minutes * MINUTE for minutes in range(0, 60, 5)}
    assert due - fired == {NOON + 5 * MINUTE, NOON + 10 * MINUTE}
    missed = missed_schedules(world, NOON - HOUR, NOON + HOUR)
    assert missed == {(("trigger_name", "main"), ("workload", "five-minute-check")): 2}


def test_stuck_run_hangs_until_the_incident_is_over() -> None:
    """One run of each workload stays active, and fails when the incident is stopped."""
    world = demo_world(1, NOON, workloads=1)
    world.incidents.start("stuck_run", NOON, platform="foundry")
    much_later = NOON + 5 * HOUR
    alive = list(world.alive("foundry", ROUTINE, much_later, much_later + 1))
    stuck = [run for run in alive if run.outcome is None]
    assert len(stuck) == 1
    assert stuck[0].state_at(much_later) == "running"
    world.incidents.stop(much_later, "stuck_run")
    again = next(r for r in world.newest_first("foundry", ROUTINE, much_later) if r.id == stuck[0].id)
    assert again.outcome == "failed"
    assert much_later < (again.settled_at or 0) <= much_later + SECOND


def test_token_spike() -> None:
    """Runs use far more tokens and steps."""
    world = demo_world(1, NOON, workloads=1)
    calm = max(run.tokens for run in world.runs("foundry", ROUTINE, NOON - HOUR, NOON))
    world.incidents.start("token_spike", NOON, HOUR)
    spiked = [run.tokens for run in world.runs("foundry", ROUTINE, NOON + 1, NOON + HOUR)]
    assert sum(spiked) / len(spiked) > calm


def test_expired_token_and_dead_upstream_meet_requests() -> None:
    """The face refuses or is gone while they last, and recovers."""
    asker = Asker(demo_world(1, NOON))
    incidents = asker.world.incidents
    incidents.start("expired_token", NOON, MINUTE, platform="foundry")
    assert asker.foundry("/routines").status_code == 401
    assert asker.roboto("/v1/orgs/caller").status_code == 200
    asker.clock.advance(60)
    assert asker.foundry("/routines").status_code == 200
    incidents.start("dead_upstream", asker.clock(), MINUTE)
    with pytest.raises(Exception, match="connection refused"):
        asker.foundry("/routines")


def test_quota_low_refuses_every_third_request() -> None:
    """With a hint when to come back."""
    asker = Asker(demo_world(1, NOON))
    asker.world.incidents.start("quota_low", NOON)
    responses = [asker.foundry("/routines") for _ in range(6)]
    assert [response.status_code for response in responses] == [200, 200, 429, 200, 200, 429]
    assert responses[2].headers["Retry-After"] == "2"


def test_rotation_plays_one_after_the_other() -> None:
    """After a calm beginning each incident has its turn, on one platform after the other."""
    rotation = Rotation(NOON, platforms=("roboto", "foundry"), gap=5 * MINUTE, duration=MINUTE)
    turns = [rotation.at(NOON + minutes * MINUTE) for minutes in range(0, 5 * 15, 5)]
    assert turns[0] is None
    assert [turn.name for turn in turns[1:8] if turn] == list(INCIDENTS)
    assert {(turn.name, turn.platform) for turn in turns if turn} == {
        (name, platform) for name in INCIDENTS for platform in ("roboto", "foundry")
    }
    assert rotation.at(NOON + 6 * MINUTE) is None


def test_unknown_incidents_are_refused() -> None:
    """The message names those that there are."""
    with pytest.raises(ValueError, match="failure_burst"):
        demo_world(1, NOON).incidents.start("earthquake", NOON)  # type: ignore[arg-type]
