"""The face of Foundry says what the world holds, in Foundry's words."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from exporter.simulator import CANARY, Trigger, World
from tests.simulator.support import HOUR, MINUTE, NOON, SECOND, Asker

AT = NOON // SECOND


def test_routines_show_their_triggers() -> None:
    """A schedule with its zone, a timer, and a kind that nobody knows."""
    world = World()
    world.add_workload(
        "foundry",
        "daily",
        triggers={"morning": Trigger("schedule", cron="0 7 * * 1-5", zone="Europe/Paris")},
        agent="helper",
        at=NOON,
    )
    world.add_workload("foundry", "once", enabled=False, triggers={"day": Trigger("timer", at=NOON + HOUR)}, at=NOON)
    world.add_workload("foundry", "odd", triggers={"x": Trigger("hologram", details={"intensity": 3})}, at=NOON)
    routines = Asker(world).foundry("/routines").json()["data"]
    assert [(r["name"], r["enabled"], r["created_at"]) for r in routines] == [
        ("daily", True, AT),
        ("odd", True, AT),
        ("once", False, AT),
    ]
    assert [r["triggers"] for r in routines] == [
        {"morning": {"type": "schedule", "cron_expression": "0 7 * * 1-5", "time_zone": "Europe/Paris"}},
        {"x": {"type": "hologram", "intensity": 3}},
        {"day": {"type": "timer", "at": AT + 3600}},
    ]
    assert CANARY in routines[0]["description"]
    assert CANARY in routines[0]["action"]["input"]


def test_a_run_over_time() -> None:
    """Queued, running, ended; the status follows the phase a little later."""
    world = World()
    world.add_run(
        "foundry",
        "daily",
        id="run-1",
        triggered=NOON,
        scheduled=NOON,
        started=NOON + 5 * SECOND,
        ended=NOON + 42 * SECOND + 250_000,
        status_lag=10 * SECOND,
        trigger_type="schedule",
        trigger_name="main",
        attempt_source="schedule_delivery",
        action_type="invoke_agent_responses_api",
    )
    asker = Asker(world)
    seen = []
    for seconds in (0, 5, 43, 53):
        asker.clock.set(NOON + seconds * SECOND)
        (run,) = asker.runs("daily")
        seen.append((run["status"], run["phase"], run["started_at"], run["ended_at"]))
    assert seen == [
        ("SCHEDULED", "queued", None, None),
        ("RUNNING", "dispatching", AT + 5, None),
        ("RUNNING", "completed", AT + 5, AT + 42.25),
        ("FINISHED", "completed", AT + 5, AT + 42.25),
    ]


@pytest.mark.parametrize(
    ("outcome", "status", "phase"),
    [
        ("completed", "FINISHED", "completed"),
        ("failed", "FAILED", "failed"),
        ("cancelled", "KILLED", "cancelled"),
        ("unknown", "EVICTED", "evicted"),
    ],
)
def test_outcomes(outcome: str, status: str, phase: str) -> None:
    """Each outcome in the two fields; only failures carry an error."""
    world = World()
    world.add_run(
        "foundry",
        "w",
        triggered=NOON,
        ended=NOON,
        outcome=outcome,  # type: ignore[arg-type]
        error_type="model_timeout",
        status_code=504,
    )
    (run,) = Asker(world).runs("w")
    assert (run["status"], run["phase"]) == (status, phase)
    failed = outcome == "failed"
    assert (run["error_type"], run["error_status_code"]) == (("model_timeout", 504) if failed else (None, None))
    assert (run["error_message"] is not None) == failed


def test_pages_of_runs_join_without_gap() -> None:
    """While runs are born between the pages, nothing is repeated or lost; the link has the request's origin."""
    world = World()
    for number in range(25):
        world.add_run("foundry", "w/ü", id=f"run-{number:02d}", triggered=NOON - HOUR + number * SECOND)
    asker = Asker(world)
    name = quote("w/ü", safe="")
    first = asker.foundry(f"/routines/{name}/runs", limit="10", order="desc").json()
    assert first["next_link"].startswith(asker.endpoints["foundry"] + f"/routines/{name}/runs?")
    world.add_run("foundry", "w/ü", id="run-new", triggered=NOON - MINUTE)
    good = {"Authorization": f"Bearer {asker.simulator.credentials.foundry_token}"}
    second = asker.client.get(first["next_link"], headers=good).json()
    third = asker.client.get(second["next_link"], headers=good).json()
    ids = [run["id"] for page in (first, second, third) for run in page["data"]]
    assert ids == [f"run-{number:02d}" for number in range(24, -1, -1)]
    assert third["next_link"] is None


def test_runs_in_ascending_order() -> None:
    """``order=asc`` begins with the oldest, and its pages join as well."""
    world = World()
    for number in range(5):
        world.add_run("foundry", "w", id=f"run-{number}", triggered=NOON - HOUR + number * SECOND)
    asker = Asker(world)
    first = asker.foundry("/routines/w/runs", limit="3", order="asc").json()
    good = {"Authorization": f"Bearer {asker.simulator.credentials.foundry_token}"}
    second = asker.client.get(first["next_link"], headers=good).json()
    assert [run["id"] for page in (first, second) for run in page["data"]] == [f"run-{n}" for n in range(5)]


def test_a_retry_with_an_old_logical_time_stands_among_fresh_rows() -> None:
    """Order is by creation, which the run does not show."""
    world = World()
    world.add_run("foundry", "w", id="old", triggered=NOON - 2 * HOUR)
    world.add_run("foundry", "w", id="retry", created=NOON - MINUTE, triggered=NOON - 5 * HOUR)
    assert [run["id"] for run in Asker(world).runs("w")] == ["retry", "old"]


def test_hidden_times_are_null() -> None:
    """Such as those of a run without any."""
    world = World()
    times = ("triggered_at", "started_at", "ended_at")
    world.add_run("foundry", "w", triggered=NOON, started=NOON, ended=NOON, hidden=times)
    (run,) = Asker(world).runs("w")
    assert [run[name] for name in times] == [None, None, None]
    assert run["status"] == "FINISHED"


@pytest.mark.parametrize(
    ("path", "parameters", "status"),
    [
        ("/routines", {"limit": "0"}, 400),
        ("/routines", {"limit": "101"}, 400),
        ("/routines", {"limit": "many"}, 400),
        ("/routines", {"order": "newest"}, 400),
        ("/routines", {"after": "nonsense"}, 400),
        ("/routines", {"api-version": "v9"}, 400),
        ("/routines/none/runs", {}, 404),
        ("/elsewhere", {}, 404),
    ],
)
def test_bad_requests(path: str, parameters: dict[str, str], status: int) -> None:
    """Errors come in Foundry's envelope."""
    response = Asker().foundry(path, **parameters)
    assert response.status_code == status
    assert set(response.json()["error"]) == {"code", "message"}


def test_the_api_version_is_mandatory() -> None:
    """400 without it."""
    asker = Asker()
    good = {"Authorization": f"Bearer {asker.simulator.credentials.foundry_token}"}
    assert asker.client.get(asker.endpoints["foundry"] + "/routines", headers=good).status_code == 400


def test_the_preview_header_can_be_required() -> None:
    """403 with the code that the SDK looks for."""
    asker = Asker()
    asker.simulator.foundry.requires_preview = True
    refused = asker.foundry("/routines")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "preview_feature_required")
    assert asker.foundry("/routines", headers={"Foundry-Features": "Routines=V2Preview"}).status_code == 200


def test_a_wrong_token_is_401() -> None:
    """Also none at all."""
    asker = Asker()
    for value in ("Bearer wrong", "Basic abc", ""):
        assert asker.foundry("/routines", headers={"Authorization": value}).status_code == 401


def test_the_date_is_the_worlds() -> None:
    """Whole seconds of world time."""
    assert Asker(now=NOON + 1).foundry("/routines").headers["Date"] == "Mon, 02 Mar 2026 12:00:00 GMT"
