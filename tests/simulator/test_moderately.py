"""The face of Moderately AI: its shapes are the documented ones, and the vendor's client library can read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moderatelyai_sdk import ModeratelyAI
from moderatelyai_sdk.exceptions import APIError

from exporter.simulator import CANARY, Change, World
from tests.platforms.support import document
from tests.simulator.support import HOUR, MINUTE, NOON, SECOND, Asker


@pytest.fixture
def asker() -> Asker:
    """An agent that was renamed, with executions of every status, and one that never ran."""
    world = World()
    world.add_workload("moderately", "Research", key="research")
    world.add_workload("moderately", "Idle", key="idle")
    start = NOON - HOUR
    for number, outcome in enumerate(("completed", "failed", "cancelled")):
        born = start + number * MINUTE
        world.add_run(
            "moderately",
            "research",
            id=f"ended-{outcome}",
            created=born,
            started=born + SECOND,
            ended=born + 30 * SECOND,
            outcome=outcome,  # type: ignore[arg-type]
            steps=7,
            step_limit=20,
        )
    world.add_run("moderately", "research", id="waiting", created=NOON - MINUTE)
    world.add_run("moderately", "research", id="working", created=NOON - 3 * MINUTE, started=NOON - 2 * MINUTE)
    pause = (Change(start, "queued"), Change(start + SECOND, "running"), Change(start + MINUTE, "paused"))
    world.add_run("moderately", "research", id="paused", changes=pause)
    world.rename_workload("moderately", "research", "Deep Research", at=NOON - 10 * MINUTE)
    return Asker(world)


def get(asker: Asker, path: str, **parameters: str) -> Any:
    """GET with the good key, for the team."""
    credentials = asker.simulator.credentials
    response = asker.client.get(
        asker.endpoints["moderately"] + path,
        params={"teamIds": credentials.moderately_team_id, **parameters},
        headers={"Authorization": f"Bearer {credentials.moderately_api_key}"},
    )
    response.raise_for_status()
    return response.json()


def ids(page: Any) -> list[str]:
    """The executions of a page."""
    return [item["agentExecutionId"] for item in page["items"]]


def keys(items: Any) -> set[frozenset[str]]:
    """The key sets of some objects."""
    return {frozenset(item) for item in items}


@pytest.mark.parametrize(
    ("path", "sample"),
    [
        ("/agent-executions", "agent_executions_page1"),
        ("/agents", "agents"),
        ("/agent-configuration-versions", "agent_configuration_versions"),
    ],
)
def test_key_sets_equal_the_documented_ones(asker: Asker, path: str, sample: str) -> None:
    """Of the items, and of the envelope."""
    told, documented = get(asker, path), document(f"moderately/{sample}")
    if isinstance(documented, list):
        assert keys(told) == keys(documented)
        return
    assert keys(told["items"]) == keys(documented["items"])
    assert keys([told, told["pagination"]]) == keys([documented, documented["pagination"]])


def test_times_and_states(asker: Asker) -> None:
    """Each status has the time of its own end, and no other."""
    found = {item["agentExecutionId"]: item for item in get(asker, "/agent-executions")["items"]}
    ends = ("completedAt", "failedAt", "cancelledAt", "pausedAt")
    assert {name: [end for end in ends if item[end]] for name, item in found.items()} == {
        "ended-completed": ["completedAt"],
        "ended-failed": ["failedAt"],
        "ended-cancelled": ["cancelledAt"],
        "waiting": [],
        "working": [],
        "paused": ["pausedAt"],
    }
    assert {name: item["status"] for name, item in found.items() if not name.startswith("ended")} == {
        "waiting": "pending",
        "working": "running",
        "paused": "paused",
    }
    assert found["ended-failed"]["failedAt"] == "2026-03-02T11:01:30.000Z"


@pytest.mark.parametrize("order", ["descending", "ascending"])
def test_pages_in_both_orders(asker: Asker, order: Any) -> None:
    """Two at a time, all of them once."""
    asker.simulator.moderately.order = order
    pages = [get(asker, "/agent-executions", page=str(number), pageSize="4") for number in (1, 2)]
    found = [name for page in pages for name in ids(page)]
    newest_first = ["waiting", "working", "ended-cancelled", "ended-failed", "paused", "ended-completed"]
    assert found == (newest_first if order == "descending" else newest_first[::-1])
    assert [page["pagination"]["hasNextPage"] for page in pages] == [True, False]
    assert pages[0]["pagination"]["totalItems"] == 6


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"statuses": "failed"}, ["ended-failed"]),
        ({"statuses": "failed,cancelled"}, ["ended-cancelled", "ended-failed"]),
        ({"agentExecutionIds": "working,nobody"}, ["working"]),
        ({"agentIds": "nobody"}, []),
        ({"status": "failed", "pageSize": "1"}, ["waiting"]),
    ],
)
def test_filters(asker: Asker, parameters: dict[str, str], expected: list[str]) -> None:
    """In the documented spelling; the client library's is not understood, and nobody says so."""
    page = get(asker, "/agent-executions", **parameters)
    assert ids(page) == expected
    assert page["pagination"]["totalItems"] == (len(expected) if "status" not in parameters else 6)


def test_versions_lead_to_the_agent_under_its_present_name(asker: Asker) -> None:
    """Each edit is a version; both are the same agent's."""
    versions = get(asker, "/agent-configuration-versions")
    agents = {item["agentId"]: item for item in get(asker, "/agents")["items"]}
    used = {item["agentConfigurationVersionId"] for item in get(asker, "/agent-executions")["items"]}
    owners = {v["agentId"] for v in versions if v["agentConfigurationVersionId"] in used}
    assert len(used) == 2
    assert [(agents[each]["name"], agents[each]["totalRuns"]) for each in owners] == [("Deep Research", 6)]


def test_another_team_is_refused(asker: Asker) -> None:
    """In the documented envelope."""
    response = asker.client.get(
        asker.endpoints["moderately"] + "/agents",
        params={"teamIds": "team_other"},
        headers={"Authorization": f"Bearer {asker.simulator.credentials.moderately_api_key}"},
    )
    assert response.status_code == 403
    documented = document("moderately/error_403")["error"]
    assert response.json()["error"].keys() <= documented.keys()


def test_payloads_are_canaries(asker: Asker) -> None:
    """Whatever may hold customers' data."""
    item = get(asker, "/agent-executions")["items"][-1]
    assert CANARY in str(item["agentInput"])
    assert CANARY in str(item["thoughts"])


# The vendor's client library


@pytest.fixture
def library(asker: Asker) -> Iterator[ModeratelyAI]:
    """moderatelyai-sdk 0.2.7 with its own connections to a real server."""
    credentials = asker.simulator.credentials
    with asker.simulator.serve() as server:
        client = ModeratelyAI(
            team_id=credentials.moderately_team_id,
            api_key=credentials.moderately_api_key,
            base_url=asker.simulator.endpoints(server.base_url)["moderately"],
            max_retries=0,
        )
        yield client
        client.close()


def test_the_client_library_lists_executions(asker: Asker, library: ModeratelyAI) -> None:
    """Its page size and filters are not understood by a server that follows the documentation."""
    page = library.agent_executions.list(page_size=2, status="failed")
    assert len(page["items"]) == 6
    asker.simulator.moderately.understands = "library"
    page = library.agent_executions.list(page_size=2, status="failed")
    assert ids(page) == ["ended-failed"]
    assert page["pagination"]["pageSize"] == 2


def test_the_client_library_reads_one_of_each(library: ModeratelyAI) -> None:
    """By id; what is not there is its error."""
    assert library.agent_executions.retrieve("working")["status"] == "running"
    (agent, _) = library.agents.list()["items"]
    assert library.agents.retrieve(agent["agentId"])["name"] == "Deep Research"
    with pytest.raises(APIError):
        library.agent_executions.retrieve("nobody")


def test_the_client_librarys_spelling_is_what_we_send_for_it(asker: Asker, library: ModeratelyAI) -> None:
    """Parameter by parameter."""
    library.agent_executions.list(agent_id="a-1", status="failed", page=3, page_size=100)
    sent = dict(part.split("=") for part in list(asker.simulator.log)[-1].query.split("&"))
    assert sent.keys() == {"teamIds", "agent_id", "status", "page", "page_size", "order_by", "order_direction"}
