"""Reading Granite: which questions are asked when, with what body, and how many."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from exporter.catalogue.granite import WORKFLOW_TOKENS
from exporter.catalogue.runs import CANCELLED, COMPLETED, FAILED, RUNS
from exporter.counting.states import SeriesKey, SourceState, WindowState, WorkloadState
from exporter.errors import InvalidResponse, ServerFailed
from exporter.observations import Windows, WindowTotal
from exporter.platforms.base import View
from exporter.platforms.granite import GranitePlatform
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros
from tests.platforms.support import (
    DATE,
    GRANITE_URL,
    NOW,
    StillClock,
    Upstream,
    client_of,
    document,
    granite,
    reply,
    view,
)

Body = dict[str, Any]


def named(name: str, completed: int = 1) -> Body:
    """An answer about one workflow."""
    return {
        **document("granite/batch_empty"),
        "summary": {"completed": completed, "total_failures": 0, "total_executions": completed, "total_tokens": 7},
        "top_automations": {
            "data": [{"workflow_name": name, "executions": completed, "completed": completed, "failures": 0}]
        },
        "workflows": [name],
    }


def bodies(upstream: Upstream) -> list[Body]:
    """What was asked."""
    return [json.loads(request.content) for request in upstream.requests]


def always(payload: object) -> Callable[[httpx.Request], httpx.Response]:
    """The same answer to everything, without a ``Date``."""
    return lambda _: reply(payload, date=None)


def poll(
    known: View | None = None,
    platform: GranitePlatform | None = None,
    clock: StillClock | None = None,
    answer: Callable[[httpx.Request], httpx.Response] = lambda _: reply(document("granite/batch_ok")),
    *,
    per_minute: float = 1200,
    seconds: float = 30.0,
) -> tuple[list[Windows[WindowTotal]], Upstream]:
    """Read once; gives what is observed."""
    platform = platform or granite()
    upstream = Upstream(answer)
    client = client_of(platform, upstream, GRANITE_URL, per_minute=per_minute, seconds=seconds)
    batches = platform.fetch(client, known or view(), clock or StillClock())
    return [platform.observe(batch, NOW) for batch in batches], upstream


def test_the_first_poll_asks_three_questions() -> None:
    """The anchored window, the rolling one, and the anchored one of cancelled executions; dates in whole seconds."""
    batches, upstream = poll()
    window = {"start_date": "2026-06-01T09:00:00Z", "end_date": "2026-06-02T09:00:01Z"}
    assert bodies(upstream) == [
        {**window, "granularity": "day"},
        {**window, "granularity": "hour"},
        {**window, "granularity": "day", "status": "cancelled"},
    ]
    assert upstream.requests[0].method == "POST"
    assert upstream.requests[0].url.path == "/api/analytics/batch"
    assert upstream.requests[0].headers["X-Granite-API-Key"] == "example-key"
    assert [[source.name for source in batch.sources] for batch in batches] == [["list"], [], ["cancelled"]]
    assert [[source.deep for source in batch.sources] for batch in batches] == [[False], [], [True]]
    assert batches[0].roster


def test_the_documented_fields_are_sent_and_no_others() -> None:
    """With every filter set, the body has just the documented names."""
    filters = {"workflow_name": "invoices", "triggered_by": "scheduled", "status": "failed"}
    _, upstream = poll(platform=granite(filters=filters))
    anchored, rolling = bodies(upstream)  # executions that failed are not cancelled: no third question
    assert anchored.keys() == document("granite/request_full").keys()
    assert {name: anchored[name] for name in filters} == filters
    assert {name: rolling[name] for name in filters} == filters


def test_another_header_can_carry_the_key() -> None:
    """As the whole value."""
    _, upstream = poll(platform=granite(header_name="X-Other"))
    assert upstream.requests[0].headers["X-Other"] == "example-key"
    assert "X-Granite-API-Key" not in upstream.requests[0].headers


def test_gauges_and_cancelled_are_read_every_deep_interval() -> None:
    """The anchored window at every poll."""
    memory: dict[str, Any] = {}
    asked = []
    for minute in range(0, 25, 3):
        at = NOW + minute * MINUTE
        known = view(floor=None, memory=memory, sources=anchored(NOW - DAY))
        _, upstream = poll(known, clock=StillClock(at), answer=dated(at))
        asked.append(len(upstream.requests))
    assert asked == [3, 1, 1, 1, 3, 1, 1, 1, 3]


def anchored(at: Micros, tried: Micros | None = None) -> dict[str, SourceState]:
    """Both lists at one anchor."""
    return {"list": SourceState(at, tried), "cancelled": SourceState(at, tried)}


def dated(at: Micros) -> Callable[[httpx.Request], httpx.Response]:
    """The sample, with a ``Date``."""
    from exporter.simulator.clock import http_date  # noqa: PLC0415  a helper of one test

    return lambda _: reply(document("granite/batch_ok"), date=http_date(at))


def test_a_clock_before_the_anchor_fails_the_poll() -> None:
    """Nothing can be said about such a window."""
    with pytest.raises(InvalidResponse, match="clock"):
        poll(view(sources=anchored(NOW + HOUR)))


# Moves


def test_a_move_reads_both_parts_and_the_whole_again() -> None:
    """To the start of the day that is ``settle`` ago: servers that round to days then tell parts without overlap."""
    _, upstream = poll(view(floor=NOW - 3 * DAY, sources={"list": SourceState(NOW - 3 * DAY)}))
    windows = [(body["start_date"], body["end_date"]) for body in bodies(upstream)[:4]]
    old, new, end = "2026-05-30T09:00:00Z", "2026-06-01T00:00:00Z", "2026-06-02T09:00:01Z"
    assert windows == [(old, end), (old, new), (new, end), (old, end)]


@pytest.mark.parametrize(
    ("anchor", "tried", "moves"),
    [
        (NOW - 2 * DAY, None, True),
        (NOW - 2 * DAY + SECOND, None, False),
        (NOW - 3 * DAY, NOW - HOUR, True),
        (NOW - 3 * DAY, NOW - HOUR + SECOND, False),
    ],
)
def test_when_a_move_is_tried(anchor: Micros, tried: Micros | None, moves: bool) -> None:
    """From twice ``settle`` on, once in a ``sweep_interval``."""
    batches, _ = poll(view(floor=NOW - 3 * DAY, sources={"list": SourceState(anchor, tried)}))
    assert (batches[0].sources[0].move is not None) is moves


def test_a_move_that_fails_costs_nothing_else() -> None:
    """What was read counts; then the error is raised."""
    answers = iter([reply(document("granite/batch_ok")), reply({}, status=503)])
    platform = granite()
    upstream = Upstream(lambda _: next(answers))
    client = client_of(platform, upstream, GRANITE_URL)
    batches = platform.fetch(client, view(sources={"list": SourceState(NOW - 3 * DAY)}), StillClock())
    first = next(batches)
    assert isinstance(first, Windows)
    assert first.sources[0].move is None
    with pytest.raises(ServerFailed):
        next(batches)


def test_nobody_is_read_by_name_beside_a_move() -> None:
    """Whether the list's anchor moved is known only when it was counted."""
    workloads = {"new": WorkloadState("new", "new", NOW - 3 * DAY)}
    known = view(floor=NOW - 3 * DAY, sources=anchored(NOW - 3 * DAY), workloads=workloads, windows={})
    _, upstream = poll(known, answer=lambda _: reply(named("old")))
    assert by_name(upstream) == []


# By name


def counted(*names: str, anchor: Micros, source: str = "list", outcome: str = COMPLETED) -> dict[Any, WindowState]:
    """Runs of these workflows are counted by a list, at an anchor."""
    return {(name, SeriesKey(RUNS.name, (name, outcome))): WindowState(source, anchor, 1) for name in names}


def knowing(*names: str, windows: dict[Any, WindowState] | None = None, anchor: Micros = NOW - DAY) -> View:
    """A target that was first polled three hours ago and knows these workflows."""
    return view(
        floor=NOW - 3 * HOUR,
        sources=anchored(anchor),
        workloads={name: WorkloadState(name, name, NOW - 3 * HOUR) for name in names},
        windows=windows or {},
    )


def by_name(upstream: Upstream) -> list[tuple[str, str, str]]:
    """(workflow, start, status) of what was asked by name."""
    return [
        (body["workflow_name"], body["start_date"][11:16], body.get("status", ""))
        for body in bodies(upstream)
        if "workflow_name" in body
    ]


def test_a_workflow_that_no_list_counts_is_read_by_name_from_the_first_poll_on() -> None:
    """Cancelled executions likewise. A whole list lets it move: both parts are asked for, and the whole."""
    _, upstream = poll(knowing("new"), answer=lambda _: reply(named("old")))
    assert by_name(upstream) == [
        ("new", "09:00", "cancelled"),
        ("new", "06:00", "cancelled"),
        ("new", "09:00", "cancelled"),
        ("new", "09:00", ""),
        ("new", "06:00", ""),
        ("new", "09:00", ""),
    ]


@pytest.mark.parametrize(("more", "told"), [(0, {("idle", COMPLETED): 0, ("idle", FAILED): 0}), (1, {})])
def test_a_workflow_of_the_first_roster_that_a_whole_list_lacks_had_nothing(
    more: int, told: dict[tuple[str, str], int]
) -> None:
    """So it belongs to the list, and is never asked for by name. A list that is cut short says nothing of it."""
    answer = {**named("busy"), "workflows": ["busy", "idle"]}
    answer["summary"] = {**answer["summary"], "completed": 1 + more}
    batches, _ = poll(view(floor=None), answer=lambda _: reply(answer))
    runs = [total for total in batches[0].sources[0].whole.items if total.metric is RUNS and total.item == "idle"]
    assert {(total.item, total.labels[0]): total.value for total in runs} == told


def test_what_a_later_list_lacks_is_not_told() -> None:
    """However whole it is: absent is no 0 (rule 10), only the baseline may say so."""
    answer = {**named("busy"), "workflows": ["busy", "idle"]}
    batches, _ = poll(knowing("busy", "idle"), answer=lambda _: reply(answer))
    told = {total.item for total in batches[0].sources[0].whole.items if total.metric is RUNS}
    assert told == {"busy"}


def test_no_workflow_is_read_by_name_over_more_than_the_longest_window() -> None:
    """However long ago the first poll was."""
    workloads = {"new": WorkloadState("new", "new", NOW - 30 * DAY)}
    known = view(floor=NOW - 30 * DAY, sources=anchored(NOW - DAY), workloads=workloads, windows={})
    _, upstream = poll(known, answer=lambda _: reply(named("old")))
    starts = {body["start_date"] for body in bodies(upstream) if "workflow_name" in body}
    assert min(starts) == "2026-05-26T09:00:00Z"


def test_a_workflow_that_no_reading_counts_is_not_read_at_every_poll() -> None:
    """Its window begins later at every poll, as ``max_window`` has it; what is kept of its turns does not grow."""
    workloads = {"new": WorkloadState("new", "new", NOW - 30 * DAY)}
    memory: dict[str, Any] = {}
    readings = []
    for minute in (0, 3, 6, 9, 12, 15):
        now = NOW + minute * MINUTE
        sources = anchored(NOW - DAY)
        known = view(floor=NOW - 30 * DAY, sources=sources, workloads=workloads, windows={}, memory=memory)
        _, upstream = poll(known, clock=StillClock(now), answer=lambda _: reply(named("old"), date=None))
        readings.append(sum(status == "" for _, _, status in by_name(upstream)))
        assert len(memory["by_name"]) <= 4
    assert readings == [3, 0, 0, 0, 3, 0]


@pytest.mark.parametrize(("span", "readings"), [(DAY - 1, 6), (DAY, 0)])
def test_a_workflow_that_the_roster_lacks_for_a_day_is_not_read_by_name(span: Micros, readings: int) -> None:
    """It is gone; requests go to those that are there."""
    known = knowing("gone")
    gone = known.workloads["gone"]._replace(absent_at=NOW - HOUR, absent_span=span)
    _, upstream = poll(replace(known, workloads={"gone": gone}), answer=lambda _: reply(named("old")))
    assert len(by_name(upstream)) == readings


def test_polls_that_are_shorter_than_a_timeout_read_by_name_too() -> None:
    """With an interval of seconds a poll has less time than one request may take."""
    _, upstream = poll(knowing("new"), answer=lambda _: reply(named("old")), seconds=2)
    assert len(by_name(upstream)) == 6


def test_a_workflow_that_a_move_left_behind_keeps_its_anchor() -> None:
    """And comes to the list's, in two readings from its own, and a third that both must add up to."""
    windows = {
        **counted("quiet", anchor=NOW - 2 * DAY - HOUR),
        **counted("quiet", anchor=NOW - DAY, source="cancelled", outcome=CANCELLED),
    }
    batches, upstream = poll(knowing("quiet", windows=windows), answer=lambda _: reply(named("other")))
    starts = [(body["start_date"], body["end_date"]) for body in bodies(upstream) if "workflow_name" in body]
    assert starts == [
        ("2026-05-31T08:00:00Z", "2026-06-01T09:00:00Z"),
        ("2026-06-01T09:00:00Z", "2026-06-02T09:00:01Z"),
        ("2026-05-31T08:00:00Z", "2026-06-02T09:00:01Z"),
    ]
    (source,) = batches[-1].sources
    assert (source.name, source.item, source.deep) == ("list", "quiet", True)


def cut_short(*names: str) -> Callable[[httpx.Request], httpx.Response]:
    """Lists that name only these, although the sums count more."""

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if "workflow_name" in body:
            return reply(named(body["workflow_name"]))
        data = [{"workflow_name": name, "executions": 1, "completed": 1, "failures": 0} for name in names]
        sums = {"total_executions": 9, "completed": 9, "total_failures": 0}
        return reply({**named(names[0]), "summary": sums, "top_automations": {"data": data}})

    return answer


def test_workflows_that_a_cut_list_lacks_are_read_by_name() -> None:
    """At the list's own anchor, in one reading: there is nothing to move."""
    lists = {**counted("a", "b", anchor=NOW - DAY)}
    lists |= counted("a", "b", anchor=NOW - DAY, source="cancelled", outcome=CANCELLED)
    known = knowing("a", "b", windows=lists)
    _, upstream = poll(known, answer=cut_short("a"))
    assert by_name(upstream) == [("b", "09:00", "cancelled"), ("b", "09:00", "")]
    assert known.memory["degraded"] == {"cut_short"}


def test_failure_categories_that_are_cut_short_are_told_of() -> None:
    """The target says so; no workflow is read by name for it, since that would tell nothing more."""
    answer = {**named("a"), "failure_breakdown": {"data": [{"category": "x", "count": 1}], "total_failures": 2}}
    lists = counted("a", anchor=NOW - DAY) | counted("a", anchor=NOW - DAY, source="cancelled", outcome=CANCELLED)
    known = knowing("a", windows=lists)
    _, upstream = poll(known, answer=lambda _: reply(answer))
    assert known.memory["degraded"] == {"cut_short"}
    assert by_name(upstream) == []


def test_a_new_workflow_that_a_cut_list_lacks_stays_by_name() -> None:
    """One reading, from the first poll on: the list would not tell of it."""
    lists = counted("a", anchor=NOW - DAY) | counted("a", anchor=NOW - DAY, source="cancelled", outcome=CANCELLED)
    known = knowing("a", "new", windows=lists)
    _, upstream = poll(known, answer=cut_short("a"))
    assert by_name(upstream) == [("new", "06:00", "cancelled"), ("new", "06:00", "")]


@pytest.mark.parametrize(("age", "readings"), [(7 * DAY, 1), (7 * DAY + SECOND, 3)])
def test_a_workflow_that_a_cut_list_never_names_moves_when_its_window_is_the_longest(
    age: Micros, readings: int
) -> None:
    """Else its window would grow for ever; until then one reading is enough."""
    lists = counted("a", anchor=NOW - DAY) | counted("hidden", anchor=NOW - age)
    lists |= counted("a", "hidden", anchor=NOW - DAY, source="cancelled", outcome=CANCELLED)
    _, upstream = poll(knowing("a", "hidden", windows=lists), answer=cut_short("a"))
    assert len([name for name, _, status in by_name(upstream) if (name, status) == ("hidden", "")]) == readings


def test_with_a_filter_for_one_workflow_nobody_is_read_by_name() -> None:
    """Its list is whole, and the others are not wanted."""
    batches, upstream = poll(knowing("other"), platform=granite(filters={"workflow_name": "invoices"}))
    assert {body["workflow_name"] for body in bodies(upstream)} == {"invoices"}
    assert all(source.complete for batch in batches for source in batch.sources)
    assert [workload.identity for workload in batches[0].workloads] == []


def test_tokens_by_workflow_take_a_reading_each() -> None:
    """From the first poll on, and only when they are asked for."""
    lists = counted("old", anchor=NOW - DAY) | counted("old", anchor=NOW - DAY, source="cancelled", outcome=CANCELLED)
    known = knowing("old", windows=lists)
    _, without = poll(known, answer=lambda _: reply(named("old")))
    assert by_name(without) == []
    known.memory.clear()
    batches, upstream = poll(known, granite(workflow_tokens=True), answer=lambda _: reply(named("old")))
    assert by_name(upstream) == [("old", "09:00", ""), ("old", "06:00", ""), ("old", "09:00", "")]
    told = {total.metric.name: total.value for total in batches[-1].sources[0].whole.items}
    assert told["granite_workflow_tokens_total"] == 7


def test_tokens_that_are_counted_at_the_lists_anchor_take_one_reading() -> None:
    """There is nothing to move."""
    lists = counted("old", anchor=NOW - DAY) | counted("old", anchor=NOW - DAY, source="cancelled", outcome=CANCELLED)
    lists[("old", SeriesKey(WORKFLOW_TOKENS.name, ("old",)))] = WindowState("list", NOW - DAY, 7)
    known = knowing("old", windows=lists)
    _, upstream = poll(known, granite(workflow_tokens=True), answer=lambda _: reply(named("old")))
    assert by_name(upstream) == [("old", "09:00", "")]


def test_each_workflow_waits_for_the_deep_interval_and_the_longest_unread_comes_first() -> None:
    """Round robin, as far as the requests go."""
    known = knowing(*(f"w{number}" for number in range(4)))
    asked: list[list[str]] = []
    for minute in (0, 1, 2, 30):
        _, upstream = poll(known, clock=StillClock(NOW + minute * MINUTE), answer=cut_short("a"), per_minute=18)
        asked.append([f"{name} {status}" for name, _, status in by_name(upstream)])
    first_round = [name for each in asked[:3] for name in each]
    assert len(first_round) == len(set(first_round)) == 8
    assert asked[3] == asked[0]


def limited(limit: int, remaining: int, reset_in: int) -> Callable[[httpx.Request], httpx.Response]:
    """Answers that announce a limit."""

    def answer(request: httpx.Request) -> httpx.Response:
        answered = cut_short("a")(request)
        answered.headers["X-RateLimit-Limit"] = str(limit)
        answered.headers["X-RateLimit-Remaining"] = str(remaining)
        answered.headers["X-RateLimit-Reset"] = str(reset_in)
        assert answered.headers["Date"] == DATE
        return answered

    return answer


def test_a_small_limit_leaves_the_lists_their_requests() -> None:
    """A free plan near the end of what we may use: the anchored window is read, nothing else."""
    known = knowing("new")
    platform = granite()
    upstream = Upstream(limited(100, 60, 3600))
    client = client_of(platform, upstream, GRANITE_URL)
    for _ in range(25):
        client.budget.acquire(0)
    observed = [platform.observe(batch, NOW) for batch in platform.fetch(client, known, StillClock())]
    assert len(upstream.requests) == len(observed) == 1


# Bounds of durations


def test_bounds_that_change_too_often_are_withheld() -> None:
    """More than 50 different ones in a day: the histogram goes, and it is told why; a day later it may return."""
    memory: dict[str, Any] = {}
    found = []
    for day, count in ((0, 30), (0, 60), (2, 10)):
        buckets = [{"bucket_start_ms": 0, "bucket_end_ms": 1000 + each, "count": 1} for each in range(count)]
        distribution = {"stats": {"total": count}, "histogram": buckets}
        answer = {**document("granite/batch_ok"), "duration_distribution": distribution}
        memory.pop("read", None)
        known = view(memory=memory, sources=anchored(NOW - HOUR))
        batches, _ = poll(known, clock=StillClock(NOW + day * DAY), answer=always(answer))
        levels = [level for level in batches[1].levels or () if level.metric.type == "gaugehistogram"]
        found.append((len(levels), [skip.reason for skip in batches[1].skipped]))
    assert found == [(30, []), (0, ["histogram_bounds"]), (10, [])]
    assert len(memory["bounds"]) <= 61


def test_bounds_by_the_thousand_fill_no_memory() -> None:
    """That there are too many is all that has to be known."""
    memory: dict[str, Any] = {}
    buckets = [{"bucket_start_ms": 0, "bucket_end_ms": 1000 + each, "count": 1} for each in range(5000)]
    answer = {**document("granite/batch_ok"), "duration_distribution": {"stats": {"total": 1}, "histogram": buckets}}
    batches, _ = poll(view(memory=memory, sources=anchored(NOW - HOUR)), answer=always(answer))
    assert [skip.reason for skip in batches[1].skipped] == ["histogram_bounds"]
    assert len(memory["bounds"]) < 100
