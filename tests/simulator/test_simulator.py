"""What the simulator does around the faces: log, rate limits, endpoints, and what never leaks."""

from __future__ import annotations

import httpx
import pytest

from exporter.simulator import CANARY, RealClock, ScaledClock, Simulator, World, demo_world
from exporter.simulator.clock import http_date, iso, micros, parse_http_date
from exporter.simulator.faults import catalogue
from exporter.simulator.quota import Quota, RateLimit
from tests.simulator.support import HOUR, MINUTE, NOON, SECOND, Asker

RUNS = "automation_runs_total"


def test_the_log_says_who_asked_what() -> None:
    """Time, platform, method, path, query, status, and whether there were good credentials."""
    asker = Asker()
    asker.foundry("/routines", headers={"User-Agent": "test/1", "Foundry-Features": "Routines=V2Preview"})
    asker.clock.advance(1)
    asker.client.get(asker.endpoints["roboto"] + "/v1/orgs/caller")
    first, second = asker.simulator.log
    assert (first.time, first.platform, first.method, first.path, first.query, first.status) == (
        NOON,
        "foundry",
        "GET",
        "/routines",
        "api-version=v1",
        200,
    )
    assert (first.authorized, first.carried_token) == (True, True)
    assert (first.headers["user-agent"], first.headers["foundry-features"]) == ("test/1", "Routines=V2Preview")
    assert (second.time, second.status, second.authorized, second.carried_token) == (NOON + SECOND, 403, False, False)
    asker.simulator.log.clear()
    assert (len(asker.simulator.log), asker.simulator.log.count("foundry")) == (0, 1)


def test_no_credential_is_in_the_log() -> None:
    """Nor anything else of the headers than what is named."""
    asker = Asker(demo_world(1, NOON))
    asker.foundry("/routines", headers={"X-Secret": "example-secret"})
    asker.roboto("/v1/orgs/caller")
    text = repr(list(asker.simulator.log))
    for word in (*vars(asker.simulator.credentials).values(), "example-secret"):
        assert word not in text or word == asker.simulator.credentials.roboto_org_id


def test_a_rate_limit_is_enforced_until_its_window_ends() -> None:
    """With a hint how long to wait."""
    asker = Asker()
    asker.simulator.rate_limits["foundry"] = RateLimit(requests=2, seconds=60)
    asker.clock.advance(15)
    responses = [asker.foundry("/routines") for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert responses[2].headers["Retry-After"] == "45"
    asker.clock.advance(45)
    assert asker.foundry("/routines").status_code == 200


def test_what_a_rate_limit_says() -> None:
    """What remains, and when it begins anew."""
    limit = RateLimit(requests=100, seconds=3600)
    first, second = limit.take(NOON), limit.take(NOON + SECOND)
    assert first == Quota(100, 99, NOON + HOUR)
    assert (second.remaining, second.exceeded, second.nearly_used.remaining) == (98, False, 2)


def test_endpoints_lead_to_the_faces() -> None:
    """Each platform below its own path, under whatever base the server has."""
    simulator = Simulator(World())
    assert simulator.endpoints("http://127.0.0.1:8080/") == {
        "roboto": "http://127.0.0.1:8080/roboto",
        "foundry": "http://127.0.0.1:8080/foundry/api/projects/demo",
        "granite": "http://127.0.0.1:8080/granite",
        "moderately": "http://127.0.0.1:8080/moderately",
    }


def test_the_clocks() -> None:
    """Real time is now; scaled time starts where it is told and does not go back."""
    real, scaled = RealClock(), ScaledClock(NOON, speed=1000.0)
    assert real() > micros("2026-01-01")
    first = scaled()
    assert NOON <= first <= scaled()


@pytest.mark.parametrize("time", [NOON, NOON + 1, NOON + 999_999, 0])
def test_times_survive_iso(time: int) -> None:
    """To the microsecond; a Date has whole seconds."""
    assert micros(iso(time)) == time
    assert parse_http_date(http_date(time)) == time // SECOND * SECOND
    assert parse_http_date("yesterday") is None


def test_a_skewed_upstream_has_the_same_truth() -> None:
    """Its baseline is told in its own time, and counts in the world's."""
    asker = Asker(demo_world(3, NOON))
    asker.simulator.faults.on("skewed_clock", seconds=-600)
    asker.foundry("/routines")
    asker.clock.advance(300)
    straight = asker.simulator.truth("foundry", NOON - 1, asker.clock(), NOON)
    assert asker.simulator.totals("foundry").counters == straight.counters
    assert straight.counter(RUNS) > 20


def test_a_window_of_a_skewed_upstream_is_the_same_window_in_its_time() -> None:
    """Who asks in the upstream's time gets what others get in theirs."""
    asker = Asker(demo_world(3, NOON))
    straight = asker.stats(NOON - HOUR, NOON - MINUTE)
    asker.simulator.faults.on("skewed_clock", seconds=600)
    assert asker.stats(NOON - HOUR + 600 * SECOND, NOON - MINUTE + 600 * SECOND) == straight


def test_every_record_carries_canaries() -> None:
    """Wherever customers' data would stand, in every kind of record."""
    asker = Asker(demo_world(1, NOON))
    answers = [
        asker.foundry("/routines"),
        asker.foundry("/routines/ticket-triage/runs"),
        asker.roboto_post("/v1/actions/invocations/query", {}),
        asker.roboto("/v1/triggers"),
    ]
    assert [CANARY in answer.text for answer in answers] == [True] * 4


FOUNDRY_RUN = """
    id status phase trigger_type trigger_name trigger_event_payload attempt_source action_type agent_id
    agent_endpoint_id conversation_id session_id dispatch_id action_correlation_id response_id task_id triggered_at
    scheduled_fire_at started_at ended_at error_status_code error_type error_message
"""
FOUNDRY_ROUTINE = "name description enabled triggers action created_at updated_at"
ROBOTO_STATISTICS = "action_name action_org_id completed_count fail_count queued_count"
ROBOTO_INVOCATION = """
    created data_source input_data rich_input_data upload_destination invocation_id idempotency_id
    compute_requirements container_parameters last_heartbeat last_status org_id parameter_values provenance status
    duration timeout
"""


def test_records_have_the_documented_fields() -> None:
    """No more and no less than the contracts name."""
    asker = Asker(demo_world(1, NOON))
    window = {"start_time": iso(NOON - HOUR), "end_time": iso(NOON)}
    statistics = asker.roboto("/v1/actions/invocations/org-stats", **window).json()["data"]["items"]
    invocations = asker.roboto_post("/v1/actions/invocations/query", {"limit": 1000}).json()["data"]["items"]
    ended = next(item for item in invocations if item["last_status"] == 5)
    assert set(asker.runs("ticket-triage")[0]) == set(FOUNDRY_RUN.split())
    assert set(asker.foundry("/routines").json()["data"][0]) == set(FOUNDRY_ROUTINE.split())
    assert set(statistics[0]) == set(ROBOTO_STATISTICS.split())
    assert set(ended) == set(ROBOTO_INVOCATION.split())


def test_all_names_are_in_the_catalogue_of_faults() -> None:
    """Faults are found under their own names."""
    assert all(fault.apply.__name__ == name for name, fault in catalogue().items())


def test_a_broken_clock_of_the_client_does_not_matter() -> None:
    """The transport never asks the machine for the time."""
    asker = Asker(now=0)
    assert asker.foundry("/routines").headers["Date"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    with pytest.raises(httpx.ConnectError):
        asker.client.get("http://other.invalid/")
