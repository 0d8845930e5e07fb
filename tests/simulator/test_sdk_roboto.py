"""What Roboto's own SDK reads from the server equals what the world holds."""

from __future__ import annotations

import itertools
import warnings
from datetime import timedelta

import pytest

from exporter.simulator.clock import to_datetime, to_micros
from tests.simulator.conftest import Served
from tests.simulator.support import HOUR, NOON

with warnings.catch_warnings():
    # The SDK calls a deprecated function of pathspec when it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from roboto.domain.actions import Invocation, InvocationStatus
    from roboto.domain.actions.stats import get_action_stats
    from roboto.domain.triggers import Trigger
    from roboto.exceptions.domain import (
        RobotoAuthenticationFailureException,
        RobotoInvalidRequestException,
        RobotoUnauthorizedException,
    )
    from roboto.http import BearerTokenDecorator, RobotoClient
    from roboto.query import Comparator, Condition, QuerySpecification, SortDirection

NUMBERS = {"queued": 0, "running": 3, "completed": 5, "failed": 998, "cancelled": 997}


def client(served: Served, token: str | None = None) -> RobotoClient:
    """The SDK's client, pointed at the simulator."""
    token = token or served.simulator.credentials.roboto_token
    return RobotoClient(served.endpoint("roboto"), BearerTokenDecorator(token))


def test_action_statistics(served: Served) -> None:
    """Every action with its counts by state, those of the public hub apart."""
    since = NOON - HOUR
    found = get_action_stats(
        to_datetime(since), to_datetime(NOON), client(served), served.simulator.credentials.roboto_org_id
    )
    held = {}
    for workload in served.world.workloads("roboto", NOON):
        states = [run.state_at(NOON) for run in served.world.runs("roboto", workload.key, since, NOON)]
        active = sum(state in ("queued", "running") for state in states)
        held[workload.owner or "og_example", workload.name] = states.count("completed"), states.count("failed"), active
    assert {
        (record.action_org_id, record.action_name): (record.completed_count, record.fail_count, record.queued_count)
        for record in found
    } == held
    assert len(held) == 6


def test_every_invocation(served: Served) -> None:
    """Page by page, with status, creation, duration and history."""
    condition = Condition(
        field="created",
        comparator=Comparator.GreaterThanOrEqual,
        value=to_datetime(NOON - HOUR).isoformat().replace("+00:00", "Z"),
    )
    query = QuerySpecification(
        condition=condition, limit=200, sort_by="created", sort_direction=SortDirection.Descending
    )
    found = {invocation.id: invocation for invocation in Invocation.query(query, roboto_client=client(served))}
    held = {
        run.id: run
        for key in served.world.keys("roboto")
        for run in served.world.runs("roboto", key, NOON - HOUR, NOON + 1)
    }
    assert set(found) == set(held)
    assert len(held) > 200
    for identifier, run in held.items():
        record = found[identifier].record
        assert record.last_status.value == NUMBERS[run.state_at(NOON) or ""]
        assert to_micros(record.created) == run.created_at
        history = [(entry.status.value, to_micros(entry.timestamp)) for entry in record.status]
        assert history == [(NUMBERS[change.state], change.at) for change in run.changes if change.at <= NOON]
        started, ended = run.started_at(NOON), run.ended_at(NOON)
        worked = 0 if started is None or ended is None else ended - started
        assert record.duration == timedelta(microseconds=worked)


def test_invocations_by_status(served: Served) -> None:
    """A filter on the number of the status."""
    condition = Condition(field="last_status", comparator=Comparator.Equals, value=InvocationStatus.Failed.value)
    query = QuerySpecification(condition=condition, limit=1000)
    found = {invocation.id for invocation in Invocation.query(query, roboto_client=client(served))}
    held = {
        run.id
        for key in served.world.keys("roboto")
        for run in served.world.newest_first("roboto", key, NOON)
        if run.state_at(NOON) == "failed"
    }
    assert found == held


def test_triggers_and_their_dispatches(served: Served) -> None:
    """One trigger an action; its dispatches lead to the invocations that it made."""
    triggers = list(Trigger.list(roboto_client=client(served)))
    assert len(triggers) == 6
    workload = served.world.workloads("roboto", NOON)[0]
    trigger = next(t for t in triggers if t.record.targets[0].action.name == workload.name)  # type: ignore[union-attr]
    found = [dispatch.result_ref for dispatch in itertools.islice(trigger.dispatches(limit=40), 100)]
    held = itertools.islice(served.world.newest_first("roboto", workload.key, NOON), 100)
    assert found == [run.id for run in held]


def test_errors_are_what_the_sdk_expects(served: Served) -> None:
    """A wrong token, another organization, and a window that ends before it starts."""
    window = to_datetime(NOON - HOUR), to_datetime(NOON)
    with pytest.raises(RobotoAuthenticationFailureException):
        get_action_stats(*window, client(served, "example-wrong-token"))
    with pytest.raises(RobotoUnauthorizedException):
        get_action_stats(*window, client(served), org_id="og_other")
    with pytest.raises(RobotoInvalidRequestException):
        get_action_stats(window[1], window[0], client(served))


def test_the_sdk_reads_only(served: Served) -> None:
    """What it sent is what the contract says: version, organization, no other method than these."""
    get_action_stats(to_datetime(NOON - HOUR), to_datetime(NOON), client(served))
    (entry,) = served.simulator.log.of("roboto")
    assert (entry.method, entry.path, entry.authorized) == ("GET", "/v1/actions/invocations/org-stats", True)
    assert entry.query == ("start_time=2026-03-02T11%3A00%3A00%2B00%3A00&end_time=2026-03-02T12%3A00%3A00%2B00%3A00")
