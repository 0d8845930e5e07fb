"""Store and core together against a naive model: kills, commits that fail before or after they worked, restarts.

The model keeps what every batch that really was committed showed, for ever, and counts each run once.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from exporter.catalogue.ledger import LATE_RUNS_SKIPPED, RUNS_EXPIRED
from exporter.catalogue.runs import RUN_DURATION, RUNS
from exporter.counting import Changes, count, finish, release
from exporter.counting.memory import MemoryLedger
from exporter.counting.states import Series, SeriesKey, TargetState
from exporter.errors import StateError
from exporter.observations import Observed, Page, Roster, Run, Workload
from exporter.store import connection
from exporter.store.sqlite import SqliteStore
from exporter.times import DAY, HOUR, MINUTE, Micros, Moment
from tests.counting.kit import LIMITS, OUTCOMES, RULES, START, WINDOWED, Bench, ended, running
from tests.counting.platform import ITEMS, Event, Platform, assert_owed
from tests.store.kit import Faulty, durable

LISTED, WINDOW = "listed", "window"
HOLD = 120.0
"""Seconds."""

RULES_OF = {LISTED: RULES, WINDOW: replace(WINDOWED, limits=LIMITS)}
FAULTS = st.sampled_from([None, None, None, "before", "after", "kill before", "kill after"])
"""What happens at a batch's COMMIT: nothing, an error with or without effect, the end of the process."""


LENGTHS = st.one_of(st.integers(0, 300), st.integers(0, 12 * 24 * 60))
AGES = st.one_of(st.integers(0, 90), st.integers(0, 12 * 24 * 60))
"""Minutes that a run takes, and since it began as it may first be seen."""


class Killed(BaseException):
    """The process ends here."""


class StoreAndCore(RuleBasedStateMachine):
    """Two targets in one file: one with runs by id, one with sums over a window."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="state-"))
        self.real = connection.sqlite3.connect  # type: ignore[attr-defined]
        connection.sqlite3.connect = self.connect  # type: ignore[attr-defined]
        self.now: Micros = START
        self.monotonic = 0.0
        self.runs: list[tuple[str, Micros, Micros, str]] = []
        self.states: dict[str, str] = {}
        self.counted: Counter[str] = Counter()
        self.late = self.expired = 0
        self.durations: list[Micros] = []
        self.platform = Platform()
        self.told: Counter[tuple[str, str]] = Counter()
        self.births: dict[str, Micros] = {}
        self.exposed: dict[tuple[str, SeriesKey], Series] = {}
        self.floors: dict[str, TargetState] = {}
        self.last: list[tuple[Page[Run], list[tuple[str, str, Micros | None]]]] = []
        self.store = self.open()

    def connect(self, *arguments: Any, **more: Any) -> sqlite3.Connection:
        return self.real(*arguments, **more, factory=Faulty)  # type: ignore[no-any-return]

    def teardown(self) -> None:
        Faulty.fault = staticmethod(lambda sql: None)
        self.store.close()
        connection.sqlite3.connect = self.real  # type: ignore[attr-defined]
        shutil.rmtree(self.folder)

    def open(self) -> SqliteStore:
        """What a start does."""
        store = SqliteStore(self.folder / "state.db", START)
        for name in (LISTED, WINDOW):
            store.open_target(name, name, self.now, holds=True)
        return store

    @property
    def moment(self) -> Moment:
        return Moment(self.now, self.now + DAY)

    def put(self, name: str, batch: Observed, fault: str | None) -> bool:
        """Count a batch and commit it, or try to; return whether it was committed."""
        return self.commit(name, lambda ledger: count(batch, ledger, RULES_OF[name], self.moment), fault)

    def commit(self, name: str, changes: Any, fault: str | None) -> bool:
        before = durable(self.store.ledger(name))
        series = dict(self.store.ledger(name).series)
        try:
            if fault is not None:
                Faulty.fault = staticmethod(self.fault(fault))
            with self.store.transaction(name) as transaction:
                transaction.apply(changes(transaction.ledger))
        except (StateError, Killed):
            Faulty.fault = staticmethod(lambda sql: None)
            assert durable(self.store.ledger(name)) == before  # what was not committed for certain nobody has seen
            if fault is not None and "kill" in fault:
                self.kill()
            else:
                with self.store.transaction(LISTED):
                    pass  # the next transaction starts from what is on disk
        else:
            assert_owed(series, self.store.ledger(name).series)
            return True
        finally:
            Faulty.fault = staticmethod(lambda sql: None)
        return fault is not None and "after" in fault

    def kill(self) -> None:
        """End the process, and start another."""
        self.store._connection.close()
        self.store._unlock()
        self.store = self.open()
        for name in (LISTED, WINDOW):  # held from here on is what was committed, whether anybody had seen it or not
            for key, series in self.store.ledger(name).series.items():
                known = self.exposed.get((name, key), series)
                assert all(a <= b for a, b in zip(known.shown, series.shown, strict=True))
                self.exposed[name, key] = series._replace(created=known.created)

    @staticmethod
    def fault(what: str) -> Any:
        """Fail the next COMMIT."""
        done = False

        def at(sql: str) -> str | None:
            nonlocal done
            if done or sql != "COMMIT":
                return None
            done = True
            if what == "kill before":
                raise Killed
            return "after" if "after" in what else "before"

        return at

    # What happens.

    @initialize()
    def baseline(self) -> None:
        self.put(LISTED, Roster((Workload("w", "w"),), self.now), None)
        self.poll_window(None)

    @rule(minutes=st.one_of(st.integers(1, 120), st.integers(1, 4 * 24 * 60)))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE
        self.monotonic += 60.0

    @rule(begun=st.lists(st.tuples(LENGTHS, AGES, st.sampled_from(OUTCOMES)), min_size=1, max_size=4))
    def runs_begin(self, begun: list[tuple[int, int, str]]) -> None:
        for length, ago, outcome in begun:
            born = self.now - ago * MINUTE
            self.runs.append((f"run {len(self.runs)}", born, born + length * MINUTE, outcome))

    @rule(item=st.sampled_from(ITEMS), outcome=st.sampled_from(OUTCOMES[:2]), number=st.integers(1, 5))
    def runs_end_in_the_window(self, item: str, outcome: str, number: int) -> None:
        self.platform.events += [Event(item, outcome, self.now)] * number
        self.now += MINUTE

    @rule(seed=st.integers(0, 100), requeue=st.booleans())
    def runs_of_the_window_are_taken_back(self, seed: int, requeue: bool) -> None:
        self.platform.takes_back(seed, self.now, requeue=requeue)

    @rule(left_out=st.sets(st.integers(0, 9), max_size=5), fault=FAULTS, whole=st.booleans(), ends=st.booleans())
    def read_a_page(self, left_out: set[int], fault: str | None, whole: bool, ends: bool) -> None:
        rows: list[Run] = []
        facts: list[tuple[str, str, Micros | None]] = []
        for index, (run_id, born, end, outcome) in enumerate(reversed(self.runs[-10:])):
            if index not in left_out:
                over = end <= self.now
                rows.append(ended(run_id, born, finished=end, outcome=outcome) if over else running(run_id, born))
                facts.append((run_id, outcome if over else "", end - born if over else None))
        page = Bench(now=self.now).a_page(*rows, complete=whole, link=None if whole else "next")
        page = replace(page, step=replace(page.step, depth=self.now + HOUR))
        floor = self.floor
        if self.put(LISTED, page, fault):
            self.see(facts, floor)
        self.last.append((page, facts))
        if ends:
            self.a_poll_ends(LISTED, None)

    @property
    def floor(self) -> Micros:
        target = self.store.ledger(LISTED).target
        assert target is not None
        return target.floor

    def see(self, facts: list[tuple[str, str, Micros | None]], floor: Micros) -> None:
        """Count a page that was committed, naively."""
        births = {run_id: (born, end) for run_id, born, end, _ in self.runs}
        for run_id, outcome, length in facts:
            born, end = births[run_id]
            state = self.states.get(run_id)
            if state == "done":
                continue
            if state is None and outcome and end < START:
                self.states[run_id] = "done"  # history
            elif state is None and born < floor:
                if (end if outcome else born) >= floor:
                    self.states[run_id] = "done"
                    self.late += 1
            elif outcome:
                self.counted[outcome] += 1
                self.durations.append(length or 0)
                self.states[run_id] = "done"
            elif self.now - born > LIMITS.open_run_max_age:
                name = "late" if state is None else "expired"  # a page that is told again, of long ago
                setattr(self, name, getattr(self, name) + 1)
                self.counted["unknown"] += state is not None
                self.states[run_id] = "done"
            else:
                self.states[run_id] = "open"

    @precondition(lambda self: self.last)
    @rule(index=st.integers(0, 50), fault=FAULTS)
    def a_page_is_told_again(self, index: int, fault: str | None) -> None:
        page, facts = self.last[-1 - index % min(len(self.last), 5)]
        floor = self.floor
        if self.put(LISTED, replace(page, upstream_now=self.now), fault):
            self.see(facts, floor)

    @rule(fault=FAULTS, active=st.booleans())
    def poll_window(self, fault: str | None, active: bool = False) -> None:
        """With the readings of a move when one is due; what is ``active`` allows none that is not forced."""
        state = self.store.ledger(WINDOW).sources.get("list")
        if self.put(WINDOW, self.platform.poll(state, self.now, self.now, active=active), fault):
            self.told = self.platform.counted()

    @rule(days=st.integers(2, 9), fault=FAULTS, active=st.booleans())
    def days_pass(self, days: int, fault: str | None, active: bool) -> None:
        self.wait(days * 24 * 60)
        self.runs_end_in_the_window(ITEMS[days % 3], OUTCOMES[days % 2], 1)
        self.poll_window(fault, active)
        self.nothing_moves_back()
        self.a_poll_ends(WINDOW, None)
        self.nothing_moves_back()
        self.the_timer_ends_holds(None, shown=True)

    @rule(name=st.sampled_from([LISTED, WINDOW]), fault=FAULTS)
    def a_poll_ends(self, name: str, fault: str | None) -> None:
        rules, moment = RULES_OF[name], self.moment
        self.commit(name, lambda ledger: finish(ledger, rules, moment, self.now, LIMITS.interval), fault)

    def a_snapshot_is_ready(self) -> None:
        """And with it the holds begin of what it shows first."""
        for name in (LISTED, WINDOW):
            ledger = self.store.ledger(name)
            ledger.begin_holds(list(ledger.holding), self.monotonic)

    @rule(fault=FAULTS, shown=st.booleans())
    def the_timer_ends_holds(self, fault: str | None, shown: bool) -> None:
        if shown:
            self.a_snapshot_is_ready()
            self.monotonic += HOLD
        for name in (LISTED, WINDOW):
            over = self.store.ledger(name).holds_over(self.monotonic, HOLD)
            store = self.store

            def changes(ledger: MemoryLedger, over: list[SeriesKey] = over, name: str = name) -> Changes:
                return release(ledger, RULES_OF[name], self.moment, over)

            if self.commit(name, changes, fault) and self.store is store and fault is None:
                self.store.ledger(name).end_holds(over)

    @rule(kill=st.booleans())
    def restart(self, kill: bool) -> None:
        if kill:
            self.store._connection.execute("BEGIN IMMEDIATE")
            self.store._connection.execute("UPDATE series SET shown = '[0]'")
            self.store._connection.close()
            self.store._unlock()
        else:
            self.store.close()
        self.store = self.open()
        for name in (LISTED, WINDOW):
            ledger = self.store.ledger(name)
            assert all(ledger.held(key) for key in ledger.series)
            for key, series in ledger.series.items():
                known = self.exposed.get((name, key))
                assert known is None or series.shown == known.shown  # held at the value that it showed

    # What holds after each.

    def totals(self, name: str, family: str = RUNS.name) -> dict[str, int]:
        found = {}
        for key, series in self.store.ledger(name).series.items():
            if key.family == family:
                found[key.labels[1]] = series.shown[0] + series.pending[0]
        return {outcome: number for outcome, number in found.items() if number}

    @invariant()
    def each_run_is_counted_once(self) -> None:
        assert self.totals(LISTED) == {outcome: number for outcome, number in self.counted.items() if number}
        series = [each for key, each in self.store.ledger(LISTED).series.items() if key.family == RUN_DURATION.name]
        assert sum(each.shown[-1] + each.pending[-1] for each in series) == sum(self.durations)
        assert sum(sum(each.shown[:-1]) + sum(each.pending[:-1]) for each in series) == len(self.durations)

    @invariant()
    def windows_are_counted_by_difference(self) -> None:
        found = {
            key.labels: series.shown[0] + series.pending[0] - series.debt - series.written_off
            for key, series in self.store.ledger(WINDOW).series.items()
            if key.family == RUNS.name
        }
        assert {labels: number for labels, number in found.items() if number} == self.told

    @invariant()
    def what_is_given_up_or_too_late_is_told_of(self) -> None:
        series = self.store.ledger(LISTED).series
        own = {key.family: sum(each.shown + each.pending) for key, each in series.items() if not key.labels}
        assert own.get(LATE_RUNS_SKIPPED.name, 0) == self.late
        assert own.get(RUNS_EXPIRED.name, 0) == self.expired

    @invariant()
    def open_runs_are_those_that_did_not_end(self) -> None:
        still = {run_id for run_id, state in self.states.items() if state == "open"}
        known = self.store.ledger(LISTED).open_runs
        assert set(known) == still
        assert all(self.births.setdefault(run_id, run.birth) == run.birth for run_id, run in known.items())

    @invariant()
    def nothing_moves_back(self) -> None:
        for name in (LISTED, WINDOW):
            ledger = self.store.ledger(name)
            for key, series in ledger.series.items():
                known = self.exposed.get((name, key))
                if known is None:
                    assert not any(series.shown)  # a new series shows 0 first
                else:
                    assert series.created == known.created
                    assert all(a <= b for a, b in zip(known.shown, series.shown, strict=True))
                if key in ledger.holding and known is not None and ledger.holding[key] is None:
                    assert series.shown == known.shown
                self.exposed[name, key] = series
            state, known_state = ledger.target, self.floors.get(name)
            if state is not None:
                if known_state is not None:
                    assert state.baseline_at == known_state.baseline_at
                    assert state.floor >= known_state.floor
                    assert (state.data_at or 0) >= (known_state.data_at or 0)
                self.floors[name] = state


StoreAndCore.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestStoreAndCore = StoreAndCore.TestCase


@pytest.mark.nightly
def test_store_and_core_over_long_lives() -> None:
    """The same, for long."""
    run_state_machine_as_test(StoreAndCore, settings=settings(max_examples=300, stateful_step_count=100, deadline=None))
