"""The face of Roboto says what the world holds, in Roboto's words."""

from __future__ import annotations

from datetime import datetime

import pytest

from exporter.simulator import CANARY, Change, World
from tests.simulator.support import HOUR, MINUTE, NOON, SECOND, Asker, iso

STATS = "/v1/actions/invocations/org-stats"


@pytest.fixture
def asker() -> Asker:
    """An organization with a completed, a failed, a cancelled, a running and a re-queued invocation."""
    world = World()
    world.add_workload("roboto", "grab")
    world.add_workload("roboto", "grab", owner="og_roboto_public")
    world.add_workload("roboto", "idle")
    start = NOON - HOUR
    world.add_run("roboto", "grab", id="iv_1", created=start, started=start + SECOND, ended=start + MINUTE)
    world.add_run("roboto", "grab", id="iv_2", created=start, ended=start + MINUTE, outcome="failed")
    world.add_run("roboto", "grab", id="iv_3", created=start, ended=start + MINUTE, outcome="cancelled")
    world.add_run("roboto", "grab", id="iv_4", created=NOON - MINUTE, started=NOON - SECOND)
    requeued = (
        Change(start, "queued"),
        Change(start + MINUTE, "failed"),
        Change(start + 2 * MINUTE, "queued"),
        Change(start + 3 * MINUTE, "running"),
        Change(start + 4 * MINUTE, "completed"),
    )
    world.add_run("roboto", "og_roboto_public/grab", id="iv_5", changes=requeued)
    return Asker(world)


def test_statistics_by_owner_and_name(asker: Asker) -> None:
    """Two actions of one name stay apart, cancelled runs are not counted, idle actions are not listed."""
    assert asker.stats(NOON - 2 * HOUR, NOON) == {
        "og_example/grab": (1, 1, 1),
        "og_roboto_public/grab": (1, 0, 0),
    }


def test_a_count_falls_when_a_failed_invocation_returns_to_the_queue(asker: Asker) -> None:
    """Failed, queued, completed: the failure is taken back."""
    seen = []
    for minutes in (1, 2, 4):
        asker.clock.set(NOON - HOUR + minutes * MINUTE)
        seen.append(asker.stats(NOON - 2 * HOUR, NOON)["og_roboto_public/grab"])
    assert seen == [(0, 1, 0), (0, 0, 1), (1, 0, 0)]


def test_the_window_holds_its_start_and_not_its_end(asker: Asker) -> None:
    """[start, end), by creation."""
    start = NOON - HOUR
    assert asker.stats(start, start + 1)["og_example/grab"] == (1, 1, 0)
    assert asker.stats(start + 1, NOON)["og_example/grab"] == (0, 0, 1)
    assert asker.stats(start - 1, start) == {}


def test_windows_can_be_keyed_by_completion(asker: Asker) -> None:
    """Active invocations keep their creation time."""
    asker.simulator.roboto.keyed_by = "completion"
    start = NOON - HOUR
    assert asker.stats(start, start + 1) == {}
    assert asker.stats(start + MINUTE, start + MINUTE + 1)["og_example/grab"] == (1, 1, 0)
    assert asker.stats(NOON - MINUTE, NOON)["og_example/grab"] == (0, 0, 1)


def test_statistics_in_pages(asker: Asker) -> None:
    """next_token goes back as page_token."""
    asker.simulator.roboto.page_size = 1
    window = {"start_time": iso(NOON - 2 * HOUR), "end_time": iso(NOON)}
    first = asker.roboto(STATS, **window).json()["data"]
    second = asker.roboto(STATS, **window, page_token=first["next_token"]).json()["data"]
    assert [page["items"][0]["action_org_id"] for page in (first, second)] == ["og_example", "og_roboto_public"]
    assert second["next_token"] is None


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "RobotoInvalidRequestException"),
        ({"start_time": "soon", "end_time": "later"}, "RobotoInvalidRequestException"),
        ({"start_time": iso(NOON), "end_time": iso(NOON)}, "RobotoInvalidRequestException"),
        ({"start_time": iso(0), "end_time": iso(NOON), "page_token": "x"}, "RobotoInvalidRequestException"),
    ],
)
def test_bad_windows(asker: Asker, parameters: dict[str, str], code: str) -> None:
    """400 in Roboto's envelope."""
    response = asker.roboto(STATS, **parameters)
    assert (response.status_code, response.json()["error"]["error_code"]) == (400, code)


def test_a_window_that_is_too_long_is_507(asker: Asker) -> None:
    """And half of it is not."""
    asker.simulator.roboto.max_window = 2 * HOUR
    window = {"start_time": iso(NOON - 3 * HOUR), "end_time": iso(NOON)}
    response = asker.roboto(STATS, **window)
    assert response.status_code == 507
    assert response.json()["error"]["error_code"] == "RobotoResponseTooLargeException"
    assert asker.stats(NOON - 2 * HOUR, NOON)


def test_a_wrong_token_is_refused_by_the_gateway(asker: Asker) -> None:
    """403 with the gateway's body, not 401."""
    response = asker.roboto("/v1/orgs/caller", headers={"Authorization": "Bearer wrong"})
    assert (response.status_code, list(response.json())) == (403, ["Message"])
    assert [(entry.authorized, entry.carried_token) for entry in asker.simulator.log] == [(False, True)]


def test_another_organization_is_refused(asker: Asker) -> None:
    """401 in Roboto's envelope."""
    response = asker.roboto("/v1/orgs/caller", headers={"X-Roboto-Org-Id": "og_other"})
    assert (response.status_code, response.json()["error"]["error_code"]) == (401, "RobotoUnauthorizedException")


def test_the_caller_of_several_organizations_must_name_one(asker: Asker) -> None:
    """``/v1/orgs/caller`` lists them."""
    asker.simulator.roboto.several_orgs = True
    orgs = [org["org_id"] for org in asker.roboto("/v1/orgs/caller").json()["data"]]
    assert orgs == ["og_example", "og_second"]
    window = {"start_time": iso(NOON - HOUR), "end_time": iso(NOON)}
    refused = asker.roboto(STATS, **window)
    assert (refused.status_code, refused.json()["error"]["error_code"]) == (400, "RobotoNoOrgProvidedException")
    assert asker.roboto(STATS, headers={"X-Roboto-Org-Id": "og_example"}, **window).status_code == 200


def test_invocations_are_queried_by_time_and_status(asker: Asker) -> None:
    """Conditions, order and pages."""
    body = {
        "condition": {
            "operator": "AND",
            "conditions": [
                {"field": "created", "comparator": "GREATER_THAN_OR_EQUAL", "value": iso(NOON - HOUR)},
                {"field": "last_status", "comparator": "NOT_EQUALS", "value": 998},
            ],
        },
        "limit": 2,
        "sort_by": "created",
        "sort_direction": "DESC",
    }
    first = asker.roboto_post("/v1/actions/invocations/query", body).json()["data"]
    second = asker.roboto_post("/v1/actions/invocations/query", {**body, "after": first["next_token"]}).json()["data"]
    ids = [item["invocation_id"] for page in (first, second) for item in page["items"]]
    assert ids == ["iv_4", "iv_5", "iv_3", "iv_1"]
    assert second["next_token"] is None


def test_an_invocation_carries_its_history_and_canaries(asker: Asker) -> None:
    """Each state with its time; what is sensitive is a canary."""
    items = asker.roboto_post("/v1/actions/invocations/query", {}).json()["data"]["items"]
    record = next(item for item in items if item["invocation_id"] == "iv_5")
    assert [entry["status"] for entry in record["status"]] == [0, 998, 0, 3, 5]
    assert datetime.fromisoformat(record["created"]).tzinfo is not None
    assert record["duration"] == "PT60.000000S"
    assert CANARY in str(record["parameter_values"])
    assert CANARY in str(record["container_parameters"])


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"limit": 0},
        {"limit": 1001},
        {"after": "nonsense"},
        {"sort_by": "duration"},
        {"condition": {"field": "parameter_values", "comparator": "EQUALS", "value": 1}},
    ],
)
def test_bad_queries(asker: Asker, body: object) -> None:
    """400."""
    assert asker.roboto_post("/v1/actions/invocations/query", body).status_code == 400


def test_other_paths_are_not_found(asker: Asker) -> None:
    """404 in Roboto's envelope."""
    response = asker.roboto("/v1/nothing")
    assert (response.status_code, response.json()["error"]["error_code"]) == (404, "RobotoNotFoundException")
