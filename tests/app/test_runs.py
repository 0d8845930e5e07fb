"""From the platforms to the feed: what is logged, and what people are shown."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from exporter.app.runs import runs
from exporter.app.status import status
from exporter.counting.states import ListingState
from exporter.simulator import ManualClock, Platform
from exporter.times import HOUR, MINUTE
from exporter.web.selection import RunFilter
from tests.exact.world import START, Program, advance, program, simulator_of

LISTED: Sequence[Platform] = ("foundry", "moderately")
"""Platforms that tell single runs."""

EVERYTHING = RunFilter()
LINK = "https://portal.example.net/{run_id}"


def failed(made: Program, platform: Platform) -> int:
    """How many failed runs were counted."""
    return sum(
        number
        for (family, labels), number in made.counted(platform).items()
        if family == "automation_runs_total" and labels[-1] == "failed"
    )


def events(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The events of the feed."""
    return [record for record in caplog.records if record.name == "exporter.poll"]


@pytest.mark.parametrize("platform", LISTED)
def test_each_failed_run_that_is_counted_is_one_event(platform: Platform, caplog: pytest.LogCaptureFixture) -> None:
    """History is counted nowhere and logged nowhere."""
    caplog.set_level(logging.INFO)
    clock = ManualClock(START)
    with program(simulator_of(clock, pace=120.0), clock, platforms=[platform], run_url=LINK) as made:
        assert made.poll(platform).good
        assert events(caplog) == []
        assert made.targets[platform].ledger.feed.runs  # but shown
        for _ in advance(clock, 600, START + 5 * HOUR):
            assert made.poll(platform).good
        told = [vars(record) for record in events(caplog) if record.message == "run failed"]
        assert len(told) == failed(made, platform) > 3
        assert len({event["run_id"] for event in told}) == len(told)
    for event in told:
        assert event["outcome"] == "failed"
        assert event["url"] == f"https://portal.example.net/{event['run_id']}"
        assert {"target", "platform", "workload", "reason"} <= event.keys()


def test_granites_named_failures_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """It names the recent ones only, so there may be fewer than were counted."""
    caplog.set_level(logging.INFO)
    clock = ManualClock(START)
    with program(simulator_of(clock, pace=120.0), clock, platforms=["granite"]) as made:
        made.poll("granite")
        assert events(caplog) == []
        for _ in advance(clock, 600, START + 5 * HOUR):
            assert made.poll("granite").good
        told = [vars(record) for record in events(caplog)]
        assert 3 < len(told) <= failed(made, "granite")
        assert len({event["run_id"] for event in told}) == len(told)
        assert all(event["execution_id"] for event in told)


@pytest.mark.parametrize("platform", LISTED)
def test_people_are_shown_what_the_ledger_has(platform: Platform) -> None:
    """Ended ones newest first, open ones oldest first, filtered as asked."""
    clock = ManualClock(START)
    with program(simulator_of(clock, pace=30.0), clock, platforms=[platform]) as made:
        for _ in advance(clock, 300, START + 30 * MINUTE):
            made.poll(platform)
        target = made.targets[platform]
        shown = runs([target], clock(), EVERYTHING)
        assert [run.at for run in shown.ended] == sorted((run.at for run in shown.ended), reverse=True)
        assert [run.at for run in shown.open] == sorted(run.at for run in shown.open)
        assert shown.open_total == len(target.ledger.open_runs) > 0
        assert (len(shown.ended), len(shown.open)) == (shown.ended_total, shown.open_total)
        few = runs([target], clock(), RunFilter(limit=2))
        assert (few.ended, few.open) == (shown.ended[:2], shown.open[:2])
        assert (few.ended_total, few.open_total) == (shown.ended_total, shown.open_total)
        assert all(run.ids for run in (*shown.ended, *shown.open) if platform == "moderately")
        workload = shown.ended[0].workload
        some = runs([target], clock(), RunFilter(workloads=(workload,), outcomes=("failed",)))
        assert {run.workload for run in some.ended} == {workload}
        assert (some.open, some.open_total) == ((), 0)
        assert runs([target], clock(), RunFilter(targets=("other",))).ended == ()
        one = runs([target], clock(), RunFilter(run_ids=(shown.ended[0].run_id, shown.open[0].run_id)))
        assert (one.ended, one.open) == (shown.ended[:1], shown.open[:1])


def test_the_page_has_each_targets_numbers() -> None:
    """Requests, budget, series, open runs; when it was good last."""
    clock = ManualClock(START)
    with program(simulator_of(clock, pace=600.0), clock, platforms=["foundry"]) as made:
        before = status(made.targets.values(), START, START, lambda _name: None, None).targets[0]
        made.poll("foundry")
        now = made.clock.now().wall
        after = status(made.targets.values(), now, now, lambda _name: now + MINUTE, None).targets[0]
    assert (before.state, before.last_success, before.pace.requests) == ("starting", None, 0)
    assert (after.state, after.last_success, after.next_poll) == ("up", now, now + MINUTE)
    assert after.pace.requests > 0
    assert after.pace.budget_remaining > 0
    assert after.series > 0
    assert after.workloads > 0
    assert after.interval == MINUTE


def test_history_that_is_still_being_read_is_told_after_each_poll(caplog: pytest.LogCaptureFixture) -> None:
    """A long one takes many polls; without a word people would wait in the dark."""
    caplog.set_level(logging.INFO)
    clock = ManualClock(START)
    with program(simulator_of(clock, pace=600.0), clock, platforms=["foundry"]) as made:
        made.poll("foundry")
        assert "history is still being read" not in caplog.text
        made.targets["foundry"].ledger.listings["long"] = ListingState(link="further")
        made.poll("foundry")
    (told,) = (vars(each) for each in caplog.records if each.message.startswith("history is still being read"))
    assert (told["target"], told["listings_left"]) == ("demo-foundry", 1)
