"""Reading by name, as a whole: whatever a list that is cut short tells, and whoever has a turn when, the totals never
pass the truth, and they reach it once everybody was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.catalogue.runs import COMPLETED, RUNS
from exporter.counting.states import SourceState, WorkloadState
from exporter.observations import Move, Reading, Source, Windows, WindowTotal, Workload
from exporter.platforms.base import View
from exporter.platforms.granite.observe import BIRTHS
from exporter.platforms.granite.turns import Told, Turn, due, share, spare, turns
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros
from tests.counting.kit import LIMITS, RULES, START, Bench

NAMES = ("a", "b", "c")

FREE_PLAN = replace(LIMITS, interval=3 * MINUTE)
"""The pace that the smallest announced limit allows."""


class Office:
    """Workflows with completed executions, of which lists tell some, and a ledger that follows them."""

    def __init__(self, events: list[tuple[int, int]], roster: tuple[str, ...]) -> None:
        self.bench = Bench(rules=RULES)
        self.events = [(NAMES[index], START + hours * HOUR) for index, hours in events]
        self.roster = roster
        self.read: dict[tuple[str, str, Micros], Micros] = {}

    def count(self, name: str, start: Micros, end: Micros) -> int:
        """Executions of a workflow in ``[start, end)`` that have happened by now."""
        return sum(who == name and start <= at < min(end, self.bench.now + 1) for who, at in self.events)

    def truth(self, name: str) -> int:
        """Executions since the first poll."""
        return self.count(name, START, self.bench.now + 1)

    def known(self, now: Micros) -> tuple[str, ...]:
        """The workflows that the platform names: those of the roster, and those that have run."""
        return tuple(name for name in NAMES if name in self.roster or self.count(name, 0, now + 1))

    def reading(self, names: Iterator[str] | tuple[str, ...], start: Micros, end: Micros) -> Reading[WindowTotal]:
        """What a list, or an answer by name, says of these."""
        totals = [WindowTotal(RUNS, name, (COMPLETED,), self.count(name, start, end)) for name in names]
        return Reading(start, end, tuple(totals))

    def listed(self, limit: int, start: Micros, end: Micros) -> tuple[str, ...]:
        """Who a list of this length names: those with most executions, and none without any."""
        found = [name for name in NAMES if self.count(name, start, end)]
        return tuple(sorted(found, key=lambda name: (-self.count(name, start, end), name))[:limit])

    def poll(self, limit: int, requests: int) -> None:
        """The list, perhaps with a move, then by name as far as ``requests`` go."""
        bench, now = self.bench, self.bench.now
        end = now + SECOND
        state = bench.ledger.sources.get("list")
        anchor = START - DAY if state is None else state.anchor
        named = self.listed(limit, anchor, end)
        whole = sum(self.count(name, anchor, end) for name in named) == sum(
            self.count(name, anchor, end) for name in NAMES
        )
        items = named
        if state is None and whole:  # what is there from the start and not listed had nothing
            items = self.known(now)
        move = None
        if state is not None and now - anchor >= 2 * DAY and (state.moved_try is None or now - state.moved_try >= HOUR):
            new = (now - DAY) // DAY * DAY
            if new > anchor:
                move = Move(
                    closed=self.reading(self.listed(limit, anchor, new), anchor, new),
                    rest=self.reading(self.listed(limit, new, end), new, end),
                    again=self.reading(named, anchor, end),
                )
        view = self.view()
        workloads = tuple(Workload(name, name) for name in self.known(now))
        source = Source("list", self.reading(items, anchor, end), move, complete=False)
        bench.put(Windows((source,), now, workloads, levels=None, roster=True))
        if move is None:
            told = {"list": Told(frozenset(named), whole)}
            for turn in due(turns(view, told, LIMITS, now), self.read, LIMITS, now):  # type: ignore[arg-type]
                if turn.requests <= requests:
                    requests -= turn.requests
                    self.by_name(turn, view, end)

    def by_name(self, turn: Turn, view: View, end: Micros) -> None:
        """One turn."""
        self.read[turn.key] = self.bench.now
        anchor = view.sources["list"].anchor
        middle = max(turn.start, anchor) if turn.moves else turn.start
        source = Source(
            "list",
            self.reading((turn.workflow,), middle, end),
            complete=False,
            item=turn.workflow,
            before=self.reading((turn.workflow,), min(turn.start, anchor), middle) if turn.moves else None,
            deep=True,
        )
        self.bench.put(Windows((source,), self.bench.now, levels=None))

    def view(self) -> View:
        """What reading may know."""
        ledger = self.bench.ledger
        memory: dict[str, Any] = {}
        return View(
            baseline_at=None if ledger.target is None else ledger.target.baseline_at,
            floor=None,
            listings={},
            open_runs={},
            workloads=dict(ledger.workloads),
            sources=dict(ledger.sources),
            memory=memory,
            windows=dict(ledger.windows),
        )


EVENTS = st.lists(st.tuples(st.integers(0, len(NAMES) - 1), st.integers(-20, 110)), max_size=25)
POLLS = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3), st.integers(0, 6)), max_size=25)
"""Hours to the next poll, length of the list, requests left for reading by name."""


@settings(max_examples=300, deadline=None)
@given(EVENTS, st.sets(st.sampled_from(NAMES)), POLLS, st.integers(0, 3))
def test_totals_never_pass_the_truth_and_reach_it(
    events: list[tuple[int, int]], roster: set[str], polls: list[tuple[int, int, int]], first: int
) -> None:
    office = Office([event for event in events if event[1] != 0], tuple(sorted(roster)))
    office.poll(first, 0)
    for hours, limit, requests in polls:
        office.bench.now += hours * HOUR
        office.poll(limit, requests)
        for name in NAMES:
            assert office.bench.total(name, COMPLETED) <= office.truth(name)
    for _ in range(4):  # with a list of no length and requests enough, everybody comes up to date
        office.bench.now += 20 * MINUTE
        office.poll(0, 1000)
    office.bench.now += 20 * MINUTE
    office.poll(len(NAMES), 1000)
    for name in NAMES:
        assert office.bench.total(name, COMPLETED) == office.truth(name)
    assert not any(series.debt or series.written_off for series in office.bench.ledger.series.values())


def test_the_longest_unread_has_the_next_turn() -> None:
    """Those never read before all others; who was read less than ``deep_interval`` ago has none."""
    waiting = [Turn(name, "list", START, moves=False, tokens=False) for name in ("a", "b", "c", "d")]
    read = dict(zip((turn.key for turn in waiting), (START + 9 * MINUTE, START, START + 11 * MINUTE), strict=False))
    turned = due(iter(waiting), read, LIMITS, START + 20 * MINUTE)
    assert [turn.workflow for turn in turned] == ["d", "b", "a"]


def test_each_window_of_a_workflow_has_turns_of_its_own() -> None:
    """Else one of them would be read again and again, and the other never."""
    old, late = (Turn("a", "list", start, moves=False, tokens=False) for start in (START, START + HOUR))
    now = START + DAY
    assert due([old, late], {old.key: now}, LIMITS, now) == [late]
    assert due([old, late], {late.key: now}, LIMITS, now) == [old]


def test_a_window_that_begins_later_at_every_poll_is_one_until_it_is_counted() -> None:
    """And has had its turn then."""
    first, later = (Turn("a", "list", start, moves=False, tokens=False, new=True) for start in (START, START + HOUR))
    counted = later._replace(new=False)
    read = {later.key: START + DAY, later.next_key: START + DAY}
    assert due([first], read, LIMITS, START + DAY) == due([counted], read, LIMITS, START + DAY) == []


def test_of_tens_of_thousands_of_new_workflows_those_that_ran_are_read_first() -> None:
    """Nobody waits for ever for it: who was read stands behind all others."""
    view, named = Office([], ()).view(), frozenset({"w1", "w3"})
    known = {name: WorkloadState(name, name, START) for name in ("w0", "w1", "w2", "w3")}
    view = replace(view, baseline_at=START, workloads=known, sources={"list": SourceState(START - DAY)})
    now = START + HOUR
    waiting = [*turns(view, {"list": Told(named)}, LIMITS, now)]
    assert [turn.workflow for turn in due(waiting, {}, LIMITS, now)] == ["w1", "w3", "w0", "w2"]
    read = {turn.key: now for turn in waiting if turn.named}
    later = now + HOUR
    assert [turn.workflow for turn in due(waiting, read, LIMITS, later)] == ["w0", "w2", "w1", "w3"]


def test_births_are_of_what_the_platform_can_report() -> None:
    """Granite tells no unknown outcome."""
    outcomes = {birth.labels for birth in BIRTHS if birth.metric is RUNS}
    assert outcomes == {("completed",), ("failed",), ("cancelled",)}


@pytest.mark.parametrize(
    ("remaining", "limit", "left", "spared"),
    [
        (60, None, None, 30),
        (1, None, None, 0),
        (50, 100, HOUR, 50 - 20 - 12 - 4),
        (20, 100, HOUR, 0),
        (20, 100, 6 * MINUTE, 20 - 2 - 2 - 4),
        (500, 1000, HOUR, 500 - 20 - 12 - 4),
        (50, 100, None, 50 - 1 - 2 - 4),
        (50, 100, -SECOND, 50 - 4),
    ],
)
def test_the_lists_keep_what_they_need(remaining: int, limit: int | None, left: Micros | None, spared: int) -> None:
    """20 anchored windows an hour, 6 rolling ones and 6 of cancelled executions."""
    assert spare(remaining, limit, left, FREE_PLAN) == spared


@pytest.mark.parametrize(
    ("spared", "limit", "left", "part"),
    [(14, 100, HOUR, 3), (464, 1000, HOUR, 24), (14, 100, 3 * MINUTE, 14), (30, None, None, 30), (1, 100, HOUR, 1)],
)
def test_spare_requests_last_until_the_period_ends(spared: int, limit: int | None, left: Micros, part: int) -> None:
    """A workflow that turns up late in the hour finds some left; three at least, since a move takes three."""
    assert share(spared, limit, left, FREE_PLAN) == part
