"""The face of Granite says what the world holds, in the documented shape."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.simulator import CANARY, World
from exporter.simulator.quota import RateLimit
from tests.platforms.support import document
from tests.simulator.support import HOUR, MINUTE, NOON, SECOND, Asker, iso


@pytest.fixture
def asker() -> Asker:
    """Two workflows: four ended executions, one that is running."""
    world = World()
    world.add_workload("granite", "Invoice Entry")
    world.add_workload("granite", "Report")
    start = NOON - HOUR
    common: dict[str, Any] = {"created": start, "started": start + SECOND, "ended": start + MINUTE}
    world.add_run("granite", "Report", id="r1", trigger_type="endpoint", tokens=100, steps=4, **common)
    world.add_run("granite", "Report", id="r2", outcome="failed", error_type="timeout", tokens=10, **common)
    world.add_run("granite", "Report", id="r3", outcome="cancelled", trigger_type="scheduled", **common)
    world.add_run("granite", "Invoice Entry", id="i1", tokens=1, **common)
    world.add_run("granite", "Invoice Entry", id="i2", created=NOON - MINUTE, started=NOON - SECOND)
    return Asker(world)


def ask(asker: Asker, since: int = NOON - 2 * HOUR, until: int = NOON, **body: Any) -> Any:
    """Ask with the good key."""
    response = asker.client.post(
        asker.endpoints["granite"] + "/api/analytics/batch",
        headers={"X-Granite-API-Key": asker.simulator.credentials.granite_api_key},
        json={"start_date": iso(since), "end_date": iso(until), **body},
    )
    response.raise_for_status()
    return response.json()


def shape(value: Any) -> Any:
    """The keys of a value, and of the first item of its lists."""
    if isinstance(value, dict):
        return {name: shape(held) for name, held in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    return None


def test_key_sets_equal_the_documented_ones(asker: Asker) -> None:
    """In every member and every item."""
    assert shape(ask(asker)) == shape(document("granite/batch_ok"))


def test_an_empty_window_has_all_members(asker: Asker) -> None:
    """With empty lists and zeros; the roster is no matter of the window."""
    empty = ask(asker, NOON - 5 * HOUR, NOON - 4 * HOUR)
    documented = document("granite/batch_empty")
    assert {**empty, "workflows": [], "summary": {**empty["summary"], "active_today": 0}} == documented
    assert empty["workflows"] == ["Invoice Entry", "Report"]


def test_sums_and_lists_agree(asker: Asker) -> None:
    """Cancelled executions are in the totals only."""
    told = ask(asker)
    summary = told["summary"]
    assert (summary["total_executions"], summary["completed"], summary["total_failures"]) == (5, 2, 1)
    assert (summary["total_tokens"], summary["active_today"]) == (111, 1)
    by_name = {item["workflow_name"]: item for item in told["top_automations"]["data"]}
    assert {name: (item["executions"], item["completed"], item["failures"]) for name, item in by_name.items()} == {
        "Report": (3, 1, 1),
        "Invoice Entry": (2, 1, 0),
    }
    assert told["failure_breakdown"]["data"][0]["category"] == "timeout"
    assert {item["trigger_type"]: item["count"] for item in told["trigger_distribution"]["data"]} == {
        "endpoint": 1,
        "manual": 3,
        "scheduled": 1,
    }
    assert told["actions_per_workflow"]["data"][0]["clicks"] == 8
    assert told["duration_distribution"]["stats"]["avg_ms"] == 59_000
    assert told["recent_failures"]["data"][0]["run_id"] == "r2"


@pytest.mark.parametrize(
    ("body", "executions"),
    [
        ({"workflow_name": "Report"}, 3),
        ({"workflow_name": "nobody"}, 0),
        ({"triggered_by": "endpoint"}, 1),
        ({"status": "cancelled"}, 1),
        ({"status": "running"}, 1),
        ({"workflow_name": "Report", "status": "failed"}, 1),
        ({"workflow_name": None, "status": None}, 5),
    ],
)
def test_filters(asker: Asker, body: dict[str, Any], executions: int) -> None:
    """All of them hold together."""
    assert ask(asker, **body)["summary"]["total_executions"] == executions


def completed(asker: Asker, since: int, until: int) -> int:
    """Completed executions of a window."""
    return int(ask(asker, since, until)["summary"]["completed"])


def test_a_window_holds_its_start_and_not_its_end(asker: Asker) -> None:
    """By creation, unless switched."""
    start = NOON - HOUR
    assert (completed(asker, start, start + 1), completed(asker, start - SECOND, start)) == (2, 0)
    asker.simulator.granite.inclusive_end = True
    assert completed(asker, start - SECOND, start) == 2
    asker.simulator.granite.inclusive_end = False
    asker.simulator.granite.keyed_by = "completion"
    assert (completed(asker, start, start + 1), completed(asker, start + MINUTE, start + MINUTE + 1)) == (0, 2)
    asker.simulator.granite.rounded_to = HOUR
    assert completed(asker, start + 2 * MINUTE, start + 3 * MINUTE) == 2


def test_lists_can_be_cut_short(asker: Asker) -> None:
    """Most executions first; the sums stay."""
    asker.simulator.granite.longest_list = 1
    told = ask(asker)
    assert [item["workflow_name"] for item in told["top_automations"]["data"]] == ["Report"]
    assert told["summary"]["completed"] == 2


@pytest.mark.parametrize(
    "body", [{}, {"start_date": None, "end_date": None}, {"start_date": "x", "end_date": iso(NOON)}]
)
def test_dates_are_needed(asker: Asker, body: dict[str, Any]) -> None:
    """Their absence has no stated meaning."""
    response = asker.client.post(
        asker.endpoints["granite"] + "/api/analytics/batch",
        headers={"X-Granite-API-Key": asker.simulator.credentials.granite_api_key},
        json=body,
    )
    assert response.status_code == 422
    assert shape(response.json()) == shape(document("granite/error_422"))


def test_a_wrong_key_is_refused_in_the_documented_envelope(asker: Asker) -> None:
    """401."""
    response = asker.client.post(asker.endpoints["granite"] + "/api/analytics/batch", json={})
    assert (response.status_code, shape(response.json())) == (401, shape(document("granite/error_401")))


def test_a_limit_is_announced(asker: Asker) -> None:
    """With the end of the period in unix seconds."""
    asker.simulator.rate_limits["granite"] = RateLimit(100, 3600)
    response = asker.client.post(asker.endpoints["granite"] + "/api/analytics/batch", json={})
    assert response.headers["X-RateLimit-Limit"] == "100"
    assert response.headers["X-RateLimit-Remaining"] == "99"
    assert int(response.headers["X-RateLimit-Reset"]) == (NOON + HOUR) // SECOND


def test_free_text_is_a_canary(asker: Asker) -> None:
    """So that a leak shows."""
    told = ask(asker)
    assert CANARY in told["recent_failures"]["data"][0]["error_message"]
    assert CANARY in told["failure_breakdown"]["data"][0]["sample_messages"][0]
