"""Windows, from aggregates: rules 10 to 14, and what of rules 1, 25, 26 and 27 concerns them."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict, Unpack

import pytest

from exporter.catalogue.granite import TOKENS
from exporter.catalogue.ledger import CORRECTIONS
from exporter.catalogue.runs import ACTIVE_RUNS, LAST_RUN, RUNS
from exporter.counting.crowd import OTHER
from exporter.counting.states import SeriesKey
from exporter.observations import Level, Move, Reading, Source, Windows, WindowTotal, Workload
from exporter.times import DAY, HOUR, MINUTE, Micros
from tests.counting.kit import LIMITS, START, WINDOWED, Bench, Figures, Parts

DONE, BAD = ("w", "completed"), ("w", "failed")
ANCHOR = START - DAY


@pytest.fixture
def bench() -> Bench:
    """A target whose first reading told 5 completed and 1 failed, two days ago."""
    bench = Bench(rules=WINDOWED)
    bench.windows({DONE: 5, BAD: 1}, anchor=ANCHOR)
    bench.now += 2 * DAY
    return bench


class Said(TypedDict, total=False):
    """What a move's readings tell, as far as it is not usual."""

    to: Micros
    closed: Figures
    rest: Figures
    again: Figures | None
    active: bool


def move(bench: Bench, **more: Unpack[Said]) -> Parts:
    """The parts of a sound move: of 7 completed 4 were before the new anchor, the failure too."""
    usual: Said = {"to": bench.now - DAY, "closed": {DONE: 4, BAD: 1}, "rest": {DONE: 3}}
    usual.update(more)
    return Parts(**usual)


def anchor_of(bench: Bench) -> int:
    return bench.ledger.sources["list"].anchor


# Rule 27: a setting changes only the future.


def test_what_is_left_out_is_counted_from_when_it_is_let_in(bench: Bench) -> None:
    """It has no series, takes part in no move, and is followed over one."""
    other, third = ("o", "failed"), ("p", "failed")
    bench.windows({DONE: 6, other: 4, third: 1}, anchor=ANCHOR, left_out=["o", "p"])
    parts = move(bench, closed={DONE: 4, BAD: 1, other: 9, third: 1}, rest={DONE: 3, other: 3}, again=None)
    bench.windows({DONE: 7, BAD: 1, other: 5, third: 1}, anchor=ANCHOR, move=parts, left_out=["o", "p"])
    new = anchor_of(bench)
    assert new == bench.now - DAY
    assert bench.shown(*other) is None
    assert bench.counted() == {"completed": 2}
    bench.windows({DONE: 3, other: 5, third: 2}, anchor=new)
    assert bench.counted("o") == {"failed": 2}
    assert bench.counted("p") == {"failed": 2}
    bench.windows({DONE: 3, other: 8}, anchor=new, left_out=["o"])
    bench.windows({DONE: 3, other: 9}, anchor=new)
    assert bench.counted("o") == {"failed": 3}


# Rules 10 and 11: by difference, from the first anchor.


def test_the_first_reading_is_the_baseline() -> None:
    """What it holds happened before us: nothing is counted, and the series stand at 0."""
    bench = Bench(rules=WINDOWED)
    bench.windows({DONE: 5, BAD: 1}, anchor=ANCHOR)
    assert bench.counted() == {}
    assert bench.shown(*DONE) == 0
    assert anchor_of(bench) == ANCHOR


def test_an_empty_first_answer_never_becomes_a_burst() -> None:
    """The window then begins at its end: what the platform has of the past is not asked for any more."""
    bench = Bench(rules=WINDOWED)
    bench.windows({}, anchor=ANCHOR)
    assert anchor_of(bench) == bench.now
    bench.windows({DONE: 5, BAD: 1}, anchor=ANCHOR)
    assert bench.counted() == {}
    began = anchor_of(bench)
    bench.now += HOUR
    bench.windows({DONE: 2}, anchor=began)
    assert bench.counted() == {"completed": 2}


def test_figures_without_a_workload_are_at_zero_from_the_baseline() -> None:
    bench = Bench(rules=WINDOWED)
    reading = Reading(ANCHOR, START, (WindowTotal(TOKENS, "", (), 1000),))
    bench.put(Windows((Source("list", reading),), START))
    assert bench.shown(family=TOKENS.name) == 0


def test_a_counter_moves_by_the_difference(bench: Bench) -> None:
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR)
    assert bench.counted() == {"completed": 2}
    bench.windows({DONE: 8, BAD: 3}, anchor=ANCHOR)
    assert bench.counted() == {"completed": 3, "failed": 2}


def test_a_repeated_reading_changes_nothing(bench: Bench) -> None:
    bench.windows({DONE: 7}, anchor=ANCHOR)
    before = dict(bench.ledger.series), dict(bench.ledger.windows)
    bench.windows({DONE: 7}, anchor=ANCHOR)
    assert (dict(bench.ledger.series), dict(bench.ledger.windows)) == before


def test_what_is_absent_keeps_its_value(bench: Bench) -> None:
    """An empty list that lasts for more than a day must not count the window twice."""
    for _ in range(30):
        bench.windows({}, anchor=ANCHOR)
        bench.finish()
        bench.now += HOUR
    bench.windows({DONE: 7}, anchor=ANCHOR)
    assert bench.counted() == {"completed": 2}
    assert bench.debt(*DONE) == 0


def test_a_reading_of_another_anchor_says_nothing(bench: Bench) -> None:
    for anchor in (ANCHOR - HOUR, ANCHOR + HOUR):
        bench.windows({DONE: 100}, anchor=anchor)
    assert bench.counted() == {}
    assert bench.ledger.windows["w", SeriesKey(RUNS.name, DONE)].value == 5


def test_an_item_that_is_new_on_a_complete_list_starts_from_0(bench: Bench) -> None:
    bench.windows({DONE: 5, ("new", "completed"): 2}, anchor=ANCHOR)
    assert bench.counted("new") == {"completed": 2}


def test_an_identity_that_a_page_names_twice_counts_with_the_larger_figure(bench: Bench) -> None:
    """Rule 23. Whichever stands first."""
    for values in ((7, 6), (6, 7)):
        totals = tuple(WindowTotal(RUNS, "w", ("completed",), value) for value in values)
        bench.put(Windows((Source("list", Reading(ANCHOR, bench.now, totals)),), bench.now))
        assert bench.counted() == {"completed": 2}


def test_a_rise_is_the_latest_run_that_we_know_of(bench: Bench) -> None:
    """The platform tells no times: the poll that saw the count rise."""
    mark = SeriesKey(LAST_RUN.name, DONE)
    assert mark not in bench.ledger.marks
    bench.windows({DONE: 7}, anchor=ANCHOR)
    assert bench.ledger.marks[mark] == bench.now
    risen = bench.now
    bench.now += HOUR
    bench.windows({DONE: 7}, anchor=ANCHOR)
    assert bench.ledger.marks[mark] == risen


def test_the_level_of_a_workload_that_a_complete_list_lacks_is_0(bench: Bench) -> None:
    """Rule 10: queued_count, unlike a total, is told by its absence."""
    bench.windows({DONE: 7}, anchor=ANCHOR, levels=(Level(ACTIVE_RUNS, "w", ("open",), 3),))
    assert bench.levels(ACTIVE_RUNS.name) == {("w", "open"): 3}
    bench.now += MINUTE
    bench.windows({}, anchor=ANCHOR)
    assert bench.levels(ACTIVE_RUNS.name) == {("w", "open"): 0}


def test_a_reading_is_whole_up_to_its_now(bench: Bench) -> None:
    """Rule 25: the data of a windowed target are as old as the end of its window."""
    bench.finish()
    bench.windows({DONE: 7}, anchor=ANCHOR)
    bench.finish()
    assert bench.ledger.target is not None
    assert bench.ledger.target.data_at == bench.now


# Rule 12: moves.


def test_a_sound_move_counts_from_the_parts(bench: Bench) -> None:
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, move=move(bench))
    assert bench.counted() == {"completed": 2}
    new = bench.now - DAY
    assert anchor_of(bench) == new
    bench.now += HOUR
    bench.windows({DONE: 5, BAD: 1}, anchor=new)
    assert bench.counted() == {"completed": 4, "failed": 1}


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        pytest.param({DONE: 7, BAD: 1}, {"closed": {DONE: 5, BAD: 1}}, id="the parts add up to more than the whole"),
        pytest.param({DONE: 7, BAD: 1}, {"closed": {DONE: 3, BAD: 1}}, id="the parts add up to less than the whole"),
        pytest.param({DONE: 7, BAD: 1}, {"closed": {DONE: 4}}, id="one series' parts lack what the whole has"),
        pytest.param({DONE: 7, BAD: 1}, {"active": True}, id="something in the closing part is active"),
        pytest.param(
            {DONE: 4, BAD: 1},
            {"closed": {DONE: 4, BAD: 1}, "rest": {}, "again": {DONE: 4, BAD: 1}},
            id="a series would fall",
        ),
        pytest.param({}, {"closed": {}, "rest": {}, "again": {}}, id="all readings are empty"),
        pytest.param({DONE: 7, BAD: 1}, {"closed": {}, "rest": {}}, id="both parts are empty"),
        pytest.param({}, {}, id="the first reading is empty"),
        pytest.param(
            {DONE: 7, BAD: 1},
            {"closed": {}, "rest": {DONE: 7, BAD: 1}, "again": {}},
            id="the repeated reading is empty",
        ),
        pytest.param(
            {BAD: 1},
            {"closed": {BAD: 1}, "rest": {DONE: 6}, "again": {DONE: 8, BAD: 1}},
            id="the first reading and a part lack an item",
        ),
        pytest.param(
            {DONE: 7, BAD: 1},
            {"closed": {BAD: 1}, "rest": {DONE: 6}, "again": {BAD: 1}},
            id="the repeated reading and a part lack an item",
        ),
        pytest.param({DONE: 0, BAD: 0}, {"closed": {DONE: 0}, "rest": {DONE: 0}, "again": {}}, id="no run ended"),
        pytest.param({DONE: 7, BAD: 1}, {"to": ANCHOR}, id="the anchor would stay"),
        pytest.param({DONE: 7, BAD: 1}, {"to": ANCHOR - HOUR}, id="the anchor would go back"),
    ],
)
def test_a_move_is_refused(bench: Bench, whole: Figures, parts: Said) -> None:
    """And then the poll counts by difference, as any other."""
    bench.windows(whole, anchor=ANCHOR, move=move(bench, **parts))
    assert anchor_of(bench) == ANCHOR
    assert bench.counted() == ({"completed": 2} if whole.get(DONE) == 7 else {})
    assert bench.ledger.sources["list"].moved_try == bench.now


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"closed": {DONE: 5, BAD: 1}, "again": {DONE: 8, BAD: 1}}, id="a run ended while it was read"),
        pytest.param({"closed": {DONE: 3, BAD: 1}, "again": {DONE: 6, BAD: 1}}, id="a run left while it was read"),
        pytest.param({"closed": {BAD: 1}, "rest": {DONE: 7}}, id="an item that a part lacks has 0 there"),
    ],
)
def test_a_move_is_made_when_the_parts_lie_between_the_two_whole_readings(bench: Bench, parts: Said) -> None:
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, move=move(bench, **parts))
    assert anchor_of(bench) == bench.now - DAY


def test_a_move_counts_each_run_once_whatever_its_readings_saw(bench: Bench) -> None:
    """A run that ended between the first reading and the parts is in the new value, and not counted again."""
    parts = move(bench, rest={DONE: 4}, again={DONE: 8, BAD: 1})
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, move=parts)
    assert bench.counted() == {"completed": 3}
    bench.windows({DONE: 4}, anchor=anchor_of(bench))
    assert bench.counted() == {"completed": 3}


def test_a_move_nets_per_series(bench: Bench) -> None:
    """Of two workloads in ``_other`` one falls by as much as the other rises: nothing falls."""
    bench = Bench(rules=replace(WINDOWED, limits=replace(LIMITS, max_workloads=0)))
    one, two = ("1", "completed"), ("2", "completed")
    bench.windows({one: 5, two: 5}, anchor=ANCHOR)
    bench.now += 2 * DAY
    parts = Parts(bench.now - DAY, closed={one: 3, two: 5}, rest={two: 3})
    bench.windows({one: 3, two: 8}, anchor=ANCHOR, move=parts)
    assert anchor_of(bench) == bench.now - DAY
    assert bench.counted(OTHER) == {"completed": 1}
    assert bench.debt(OTHER, "completed") == 0


def test_no_anchor_moves_while_the_clocks_disagree(bench: Bench) -> None:
    bench.upstream_skew = 10 * MINUTE
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, move=move(bench))
    assert anchor_of(bench) == ANCHOR
    bench.upstream_skew = 0
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, move=move(bench))
    assert anchor_of(bench) == ANCHOR  # it may be the answer that is wrong, for as long as anything settles
    bench.now += LIMITS.settle
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, move=move(bench), trusted=False)
    assert anchor_of(bench) == ANCHOR
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, move=move(bench))
    assert anchor_of(bench) == bench.now - DAY


def test_a_clock_of_ours_that_was_ahead_for_days_is_doubted_for_no_longer_than_others(bench: Bench) -> None:
    bench.upstream_skew = -5 * DAY
    bench.now += 5 * DAY
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR)
    bench.upstream_skew = 0
    bench.now -= 5 * DAY
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, move=move(bench))
    assert anchor_of(bench) == ANCHOR
    bench.now += LIMITS.settle
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, move=move(bench))
    assert anchor_of(bench) == bench.now - DAY


@pytest.mark.parametrize("wrong", [-3 * HOUR, 3 * HOUR])
def test_no_anchor_moves_on_a_question_that_was_asked_by_a_wrong_clock(bench: Bench, wrong: Micros) -> None:
    """Our clock stepped, and was wrong until the answer told the time: the new anchor would be wrong for good."""
    end = bench.now + wrong
    told, new = {DONE: 7, BAD: 1}, end - DAY
    asked = Source(
        "list",
        bench.reading(told, ANCHOR, end),
        Move(bench.reading(told, ANCHOR, new), bench.reading({}, new, end), bench.reading(told, ANCHOR, end)),
    )
    bench.put(Windows((asked,), bench.now))
    assert anchor_of(bench) == ANCHOR
    assert bench.counted() == {"completed": 2}


def test_a_repeated_move_changes_nothing(bench: Bench) -> None:
    for _ in range(3):
        bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, move=move(bench))
    assert bench.counted() == {"completed": 2}
    assert anchor_of(bench) == bench.now - DAY


def test_a_move_is_forced_when_the_window_became_too_long(bench: Bench) -> None:
    """Counted from the whole reading; what falls is written off at once; the rest is the new value."""
    bench.now = ANCHOR + 8 * DAY - MINUTE
    unsound: Said = {"closed": {DONE: 8}, "rest": {DONE: 3}, "active": True}
    bench.windows({DONE: 7, BAD: 0}, anchor=ANCHOR, move=move(bench, **unsound))
    assert anchor_of(bench) == ANCHOR
    assert bench.debt(*BAD) == 1
    bench.now += MINUTE
    bench.windows({DONE: 9, BAD: 0}, anchor=ANCHOR, move=move(bench, **unsound))
    new = bench.now - DAY
    assert anchor_of(bench) == new
    assert bench.counted() == {"completed": 4}
    bench.windows({DONE: 4, BAD: 1}, anchor=new)
    assert bench.counted() == {"completed": 5}
    assert bench.truth(*DONE) == 5


def test_what_falls_in_a_forced_move_is_written_off(bench: Bench) -> None:
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR)
    bench.now = ANCHOR + 8 * DAY
    bench.windows({DONE: 6, BAD: 1}, anchor=ANCHOR, move=move(bench, active=True))
    assert bench.total("automation_runs_total", family=CORRECTIONS.name) == 1
    assert bench.debt(*DONE) == 0
    assert bench.counted() == {"completed": 2}
    assert bench.truth(*DONE) == 1


def test_a_forced_move_writes_off_what_fell_in_it_and_no_earlier_debt() -> None:
    """What fell before may come again and is not counted then; what fell now was held back, and nobody saw it."""
    bench = Bench(rules=WINDOWED, holds=True)
    bench.windows({DONE: 5, BAD: 1}, anchor=ANCHOR)
    bench.now = ANCHOR + 8 * DAY
    bench.windows({DONE: 3, BAD: 1}, anchor=ANCHOR)
    assert bench.debt(*DONE) == 2
    key = SeriesKey(RUNS.name, DONE)
    bench.ledger.series[key] = bench.ledger.series[key]._replace(pending=(4,))
    bench.windows({DONE: 1, BAD: 1}, anchor=ANCHOR, move=move(bench, active=True))
    assert anchor_of(bench) == bench.now - DAY
    assert bench.ledger.series[key].pending == (2,)
    assert bench.debt(*DONE) == 2
    assert bench.total("automation_runs_total", family=CORRECTIONS.name) == 0


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        pytest.param({}, {}, id="the whole is empty"),
        pytest.param({DONE: 7, BAD: 1}, {"closed": {}, "rest": {}}, id="both parts are empty"),
        pytest.param({DONE: 7, BAD: 1}, {"rest": {}}, id="the rest is empty and should not be"),
        pytest.param({DONE: 7, BAD: 1}, {"again": {}, "active": True}, id="the repeated reading is empty"),
        pytest.param({DONE: 7, BAD: 1}, {"closed": {DONE: 4}, "rest": {DONE: 3}}, id="both parts lack an item"),
    ],
)
def test_a_forced_move_too_needs_readings_with_ended_runs(bench: Bench, whole: Figures, parts: Said) -> None:
    """Else the window would be counted twice: once now, and again when the list is back."""
    bench.now = ANCHOR + 9 * DAY
    bench.windows(whole, anchor=ANCHOR, move=move(bench, **parts))
    assert anchor_of(bench) == ANCHOR


def test_a_forced_move_may_leave_an_empty_rest(bench: Bench) -> None:
    """Nothing ran for a day, and the closing part accounts for all that there is."""
    bench.now = ANCHOR + 9 * DAY
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, move=move(bench, closed={DONE: 8, BAD: 1}, rest={}))
    assert anchor_of(bench) == bench.now - DAY
    assert bench.counted() == {"completed": 2}


def test_a_forced_move_counts_an_item_once_that_one_of_its_readings_lacks(bench: Bench) -> None:
    """The first reading lacks it: the repeated one has it. The rest lacks it: it is the whole less the closing part."""
    for lacks in ("whole", "rest"):
        bench = Bench(rules=WINDOWED)
        bench.windows({DONE: 5, BAD: 1}, anchor=ANCHOR)
        bench.now = ANCHOR + 8 * DAY
        full = {DONE: 7, BAD: 4}
        whole = {DONE: 7} if lacks == "whole" else full
        rest = {DONE: 3} if lacks == "rest" else {DONE: 3, BAD: 2}
        parts = move(bench, closed={DONE: 4, BAD: 2}, rest=rest, again=full, active=True)
        bench.windows(whole, anchor=ANCHOR, move=parts)
        assert anchor_of(bench) == bench.now - DAY
        bench.windows({DONE: 3, BAD: 2}, anchor=anchor_of(bench))
        assert bench.counted() == {"completed": 2, "failed": 3}
        assert bench.debt(*BAD) == 0


@pytest.mark.parametrize("low", ["first", "repeated"])
def test_a_forced_move_counts_from_the_larger_of_the_two_whole_readings(bench: Bench, low: str) -> None:
    """One half of a window that was read in two was empty: what it held is neither lost nor written off."""
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR)
    bench.now = ANCHOR + 8 * DAY
    full, partial = {DONE: 9, BAD: 1}, {DONE: 3, BAD: 1}
    whole, again = (partial, full) if low == "first" else (full, partial)
    bench.windows(
        whole, anchor=ANCHOR, move=move(bench, closed={DONE: 5, BAD: 1}, rest={DONE: 4}, again=again, active=True)
    )
    assert anchor_of(bench) == bench.now - DAY
    assert bench.counted() == {"completed": 4}
    assert bench.truth(*DONE) == 4


def test_a_forced_move_waits_for_readings_between_which_nothing_ended(bench: Bench) -> None:
    """The rest was read between the two: whether it holds what ended between them, nobody knows. Not for ever."""
    bench.now = ANCHOR + 9 * DAY - MINUTE
    overlapping: Said = {"closed": {DONE: 7, BAD: 1}, "rest": {DONE: 4}, "again": {DONE: 9, BAD: 1}}
    bench.windows({DONE: 8, BAD: 1}, anchor=ANCHOR, move=move(bench, **overlapping))
    assert anchor_of(bench) == ANCHOR
    assert bench.counted() == {"completed": 3}
    still: Said = {**overlapping, "again": {DONE: 9, BAD: 1}}
    bench.windows({DONE: 9, BAD: 1}, anchor=ANCHOR, move=move(bench, **still))
    assert anchor_of(bench) == bench.now - DAY
    assert bench.counted() == {"completed": 4}
    bench = Bench(rules=WINDOWED)
    bench.windows({DONE: 5, BAD: 1}, anchor=ANCHOR)
    bench.now = ANCHOR + 9 * DAY
    bench.windows({DONE: 8, BAD: 1}, anchor=ANCHOR, move=move(bench, **overlapping))
    assert anchor_of(bench) == bench.now - DAY


def test_a_forced_move_waits_where_a_part_tells_too_little(bench: Bench) -> None:
    """If its counts come back, they must not be counted again. Not for ever."""
    bench.now = ANCHOR + 8 * DAY
    whole: Figures = {DONE: 9, BAD: 1}
    bench.windows(whole, anchor=ANCHOR, move=move(bench, closed={DONE: 5, BAD: 1}, rest={DONE: 2}, again=whole))
    assert anchor_of(bench) == ANCHOR
    assert bench.counted() == {"completed": 4}
    bench.windows(whole, anchor=ANCHOR, move=move(bench, closed={DONE: 5, BAD: 1}, rest={DONE: 4}, again=whole))
    assert anchor_of(bench) == bench.now - DAY
    bench.windows({DONE: 4}, anchor=anchor_of(bench))
    assert bench.counted() == {"completed": 4}
    bench = Bench(rules=WINDOWED)
    bench.windows({DONE: 5, BAD: 1}, anchor=ANCHOR)
    bench.now = ANCHOR + 9 * DAY
    bench.windows(whole, anchor=ANCHOR, move=move(bench, closed={DONE: 5, BAD: 1}, rest={DONE: 2}, again=whole))
    assert anchor_of(bench) == bench.now - DAY


def test_a_forced_move_counts_from_parts_that_add_up(bench: Bench) -> None:
    """A run that never ends forces it; the parts tell what was there when the rest was read, the last reading more."""
    bench.now = ANCHOR + 8 * DAY
    parts = move(bench, closed={DONE: 4, BAD: 1}, rest={DONE: 4}, again={DONE: 9, BAD: 1}, active=True)
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, move=parts)
    assert anchor_of(bench) == bench.now - DAY
    assert bench.counted() == {"completed": 3}
    bench.windows({DONE: 5, BAD: 1}, anchor=anchor_of(bench))
    assert bench.truth(*DONE) == 4


def test_a_forced_move_counts_an_item_once_that_only_its_closing_part_has(bench: Bench) -> None:
    """What was counted and is not in the closing part began after the new anchor: it is there when the list is back."""
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR)
    bench.now = ANCHOR + 8 * DAY
    lacking = {BAD: 1}
    bench.windows(lacking, anchor=ANCHOR, move=move(bench, closed={DONE: 4}, rest=lacking, again=lacking))
    assert anchor_of(bench) == bench.now - DAY
    bench.windows({DONE: 3, BAD: 1}, anchor=anchor_of(bench))
    assert bench.counted() == {"completed": 2}
    assert bench.debt(*DONE) == 0


def test_a_series_that_vanished_keeps_its_counter_in_a_forced_move(bench: Bench) -> None:
    bench.windows({DONE: 7, BAD: 1}, anchor=ANCHOR)
    bench.now = ANCHOR + 8 * DAY
    bench.windows({DONE: 7}, anchor=ANCHOR, move=move(bench, closed={DONE: 4}))
    assert anchor_of(bench) == bench.now - DAY
    assert bench.truth(*BAD) == 0
    assert bench.truth(*DONE) == 2
    bench.windows({DONE: 3, BAD: 1}, anchor=anchor_of(bench))
    assert bench.truth(*BAD) == 1


# Rule 14: a counter never goes down.


def test_a_fall_becomes_debt_and_later_increments_absorb_it(bench: Bench) -> None:
    bench.windows({DONE: 9}, anchor=ANCHOR)
    for value, counted, debt in ((6, 4, 3), (8, 4, 1), (9, 4, 0), (10, 5, 0)):
        bench.windows({DONE: value}, anchor=ANCHOR)
        assert bench.counted() == {"completed": counted}
        assert bench.debt(*DONE) == debt
        assert bench.truth(*DONE) == value - 5


def test_counts_that_are_requeued_fall_and_come_back(bench: Bench) -> None:
    """A failed invocation is retried: failed falls by one, completed rises."""
    bench.windows({DONE: 5, BAD: 2}, anchor=ANCHOR)
    bench.windows({DONE: 5, BAD: 1}, anchor=ANCHOR)
    bench.windows({DONE: 6, BAD: 1}, anchor=ANCHOR)
    bench.windows({DONE: 6, BAD: 2}, anchor=ANCHOR)
    assert bench.counted() == {"completed": 1, "failed": 1}
    assert bench.debt(*BAD) == 0


def test_a_fall_first_shrinks_what_is_held_back() -> None:
    bench = Bench(rules=WINDOWED, holds=True)
    bench.windows({DONE: 5}, anchor=ANCHOR)
    bench.windows({DONE: 9}, anchor=ANCHOR)
    bench.windows({DONE: 7}, anchor=ANCHOR)
    series = bench.ledger.series[SeriesKey(RUNS.name, DONE)]
    assert (series.shown, series.pending, series.debt) == ((0,), (2,), 0)
    bench.windows({DONE: 4}, anchor=ANCHOR)
    series = bench.ledger.series[SeriesKey(RUNS.name, DONE)]
    assert (series.shown, series.pending, series.debt) == ((0,), (0,), 1)


def test_debt_is_written_off_when_its_oldest_fall_is_old_and_not_before(bench: Bench) -> None:
    """So that an old correction does not swallow tomorrow's first failure."""
    bench.windows({DONE: 9}, anchor=ANCHOR)
    bench.windows({DONE: 6}, anchor=ANCHOR)
    bench.now += 20 * HOUR
    bench.windows({DONE: 5}, anchor=ANCHOR)
    bench.now += 4 * HOUR - 1
    bench.windows({DONE: 5}, anchor=ANCHOR)
    bench.finish()
    assert bench.debt(*DONE) == 4
    bench.now += 1
    bench.windows({DONE: 5}, anchor=ANCHOR)
    bench.finish()
    assert bench.debt(*DONE) == 0
    assert bench.total("automation_runs_total", family=CORRECTIONS.name) == 4
    assert bench.truth(*DONE) == 0
    bench.windows({DONE: 6}, anchor=ANCHOR)
    assert bench.counted() == {"completed": 5}


def test_a_debt_that_was_absorbed_and_comes_again_is_young(bench: Bench) -> None:
    bench.windows({DONE: 9}, anchor=ANCHOR)
    bench.windows({DONE: 8}, anchor=ANCHOR)
    bench.windows({DONE: 9}, anchor=ANCHOR)
    bench.now += 23 * HOUR
    bench.windows({DONE: 8}, anchor=ANCHOR)
    bench.now += 2 * HOUR
    bench.finish()
    assert bench.debt(*DONE) == 1


def test_nothing_is_written_off_before_a_reading_shows_that_it_stays_away(bench: Bench) -> None:
    """What fell in the last reading before an outage, and is back after it, was counted once."""
    bench.windows({DONE: 9}, anchor=ANCHOR)
    bench.windows({DONE: 6}, anchor=ANCHOR)
    bench.finish()
    for _ in range(3):
        bench.now += DAY
        bench.finish()
    bench.windows({DONE: 8}, anchor=ANCHOR)
    assert bench.debt(*DONE) == 1
    bench.finish()
    assert (bench.debt(*DONE), bench.counted()) == (0, {"completed": 4})
    assert bench.total("automation_runs_total", family=CORRECTIONS.name) == 1


def test_nothing_is_written_off_while_the_clocks_disagree(bench: Bench) -> None:
    bench.windows({DONE: 9}, anchor=ANCHOR)
    bench.windows({DONE: 8}, anchor=ANCHOR)
    bench.now += 2 * DAY
    bench.windows({DONE: 8}, anchor=ANCHOR)
    bench.finish(trusted=False)
    bench.upstream_skew = -6 * MINUTE
    bench.finish()
    assert bench.debt(*DONE) == 1
    bench.upstream_skew = 0
    bench.finish()
    assert bench.debt(*DONE) == 1
    bench.now += LIMITS.settle
    bench.windows({DONE: 8}, anchor=ANCHOR)
    bench.finish()
    assert bench.debt(*DONE) == 0


def test_an_ordinary_poll_too_nets_per_series() -> None:
    """Whichever of the workloads in ``_other`` the list names first."""
    bench = Bench(rules=replace(WINDOWED, limits=replace(LIMITS, max_workloads=0)))
    one, two = ("1", "completed"), ("2", "completed")
    bench.windows({one: 5, two: 5}, anchor=ANCHOR)
    bench.windows({two: 9, one: 3}, anchor=ANCHOR)
    assert bench.counted(OTHER) == {"completed": 2}
    assert bench.debt(OTHER, "completed") == 0
    bench.windows({two: 8, one: 4}, anchor=ANCHOR)
    assert bench.debt(OTHER, "completed") == 0


# Rule 13: lists that may be cut short, and their items read by name.


@pytest.fixture
def short() -> Bench:
    """As ``bench``, of a list that may be cut short."""
    bench = Bench(rules=WINDOWED)
    bench.windows({DONE: 5, BAD: 1}, anchor=ANCHOR, complete=False)
    bench.now += 2 * DAY
    return bench


NEW = ("new", "completed")


def test_an_item_that_is_new_on_a_list_that_may_be_cut_short_waits_for_its_own_reading(short: Bench) -> None:
    short.windows({DONE: 5, NEW: 100}, anchor=ANCHOR, complete=False)
    assert short.counted("new") == {}
    short.by_name("new", {NEW: 3}, start=START)
    assert short.counted("new") == {"completed": 3}
    short.by_name("new", {NEW: 4}, start=START)
    short.windows({DONE: 5, NEW: 101}, anchor=ANCHOR, complete=False)
    assert short.counted("new") == {"completed": 4}


def test_two_readings_by_name_move_an_item_to_the_anchor_of_the_list(short: Bench) -> None:
    short.by_name("new", {NEW: 3}, start=START)
    short.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, complete=False, move=move(short))
    anchor = anchor_of(short)
    assert anchor > START
    short.by_name("new", {NEW: 1}, start=anchor, before={NEW: 3}, before_start=START)
    assert short.counted("new") == {"completed": 4}
    short.windows({DONE: 3, NEW: 2}, anchor=anchor, complete=False)
    assert short.counted("new") == {"completed": 5}


def test_what_a_move_leaves_behind_is_read_by_name_from_where_it_stood(short: Bench) -> None:
    """The list lacked the item in one of the readings: its anchor stays, and so does its value."""
    other = ("v", "completed")
    short.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, complete=False)
    short.put(Windows((), short.now, (Workload("v", "v"),)))
    short.by_name("v", {other: 2}, start=ANCHOR)
    whole = {DONE: 7, BAD: 1, other: 3}
    short.windows(whole, anchor=ANCHOR, complete=False, move=move(short, again=whole))
    anchor = anchor_of(short)
    assert short.counted("v") == {"completed": 2}
    short.by_name("v", {other: 1}, start=anchor, before={other: 3}, before_start=ANCHOR)
    assert short.counted("v") == {"completed": 4}
    short.windows({DONE: 3, other: 1}, anchor=anchor, complete=False)
    assert short.counted("v") == {"completed": 4}


@pytest.mark.parametrize(
    ("whole", "before"),
    [
        pytest.param({}, {}, id="both readings are empty"),
        pytest.param({NEW: 1}, {}, id="one of them tells nothing"),
        pytest.param({NEW: 1}, {NEW: 1}, id="the item would fall"),
    ],
)
def test_an_item_is_not_moved_on_readings_that_cannot_be_right(short: Bench, whole: Figures, before: Figures) -> None:
    short.by_name("new", {NEW: 3}, start=START)
    short.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, complete=False, move=move(short))
    anchor = anchor_of(short)
    short.by_name("new", whole, start=anchor, before=before, before_start=START)
    short.by_name("new", {NEW: 1}, start=anchor, before={NEW: 3}, before_start=START)
    assert short.counted("new") == {"completed": 4}
    assert short.truth(*NEW) == 4


def test_an_item_that_goes_on_falling_is_moved_in_the_end(short: Bench) -> None:
    short.by_name("new", {NEW: 3}, start=START)
    short.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, complete=False, move=move(short))
    anchor = anchor_of(short)
    short.now = START + 9 * DAY
    short.by_name("new", {NEW: 1}, start=anchor, before={NEW: 1}, before_start=START)
    assert short.ledger.windows["new", SeriesKey(RUNS.name, NEW)].anchor == anchor
    assert short.counted("new") == {"completed": 3}


@pytest.mark.parametrize(("whole", "before"), [({NEW: 1}, {}), ({}, {NEW: 3}), ({}, {})])
def test_an_item_of_which_one_reading_tells_nothing_is_not_moved_even_by_force(
    short: Bench, whole: Figures, before: Figures
) -> None:
    """A null is not told: the sum with it would be a fall, written off before the number is back."""
    short.by_name("new", {NEW: 3}, start=START)
    short.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, complete=False, move=move(short))
    anchor = anchor_of(short)
    short.now = START + 9 * DAY
    short.by_name("new", whole, start=anchor, before=before, before_start=START)
    assert short.ledger.windows["new", SeriesKey(RUNS.name, NEW)].anchor == START
    assert short.debt(*NEW) == 0
    short.by_name("new", {NEW: 1}, start=anchor, before={NEW: 3}, before_start=START)
    assert short.counted("new") == {"completed": 4}


def test_an_item_is_not_moved_on_parts_that_overlap(short: Bench) -> None:
    """Bounds are rounded, or included: a run is in both parts, and is counted once. Not for ever."""
    key = "new", SeriesKey(RUNS.name, NEW)
    short.by_name("new", {NEW: 3}, start=START)
    short.by_name("new", {NEW: 3}, start=START, before={NEW: 30}, before_start=ANCHOR, again={NEW: 31})
    assert (short.counted("new"), short.ledger.windows[key].anchor) == ({"completed": 3}, START)
    short.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, complete=False, move=move(short))
    anchor = anchor_of(short)
    short.by_name("new", {NEW: 2}, start=anchor, before={NEW: 3}, before_start=START, again={NEW: 4})
    assert (short.counted("new"), short.ledger.windows[key].anchor) == ({"completed": 4}, START)
    short.by_name("new", {NEW: 2}, start=anchor, before={NEW: 3}, before_start=START, again={NEW: 5})
    assert (short.counted("new"), short.ledger.windows[key].anchor) == ({"completed": 5}, anchor)


def test_parts_that_overlap_for_long_move_an_item_all_the_same(short: Bench) -> None:
    short.by_name("new", {NEW: 3}, start=START)
    short.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, complete=False, move=move(short))
    anchor = anchor_of(short)
    short.now = START + 9 * DAY
    short.by_name("new", {NEW: 2}, start=anchor, before={NEW: 3}, before_start=START, again={NEW: 4})
    assert short.ledger.windows["new", SeriesKey(RUNS.name, NEW)].anchor == anchor
    assert short.counted("new") == {"completed": 4}


def test_no_item_is_moved_while_the_clocks_disagree(short: Bench) -> None:
    short.by_name("new", {NEW: 3}, start=START)
    short.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, complete=False, move=move(short))
    short.by_name("new", {NEW: 1}, start=anchor_of(short), before={NEW: 3}, before_start=START, trusted=False)
    assert short.ledger.windows["new", SeriesKey(RUNS.name, NEW)].anchor == START
    assert short.counted("new") == {"completed": 4}


def test_a_new_outcome_of_a_known_item_starts_from_0(short: Bench) -> None:
    """No list was cut short: it only grew."""
    cancelled = ("w", "cancelled")
    short.windows({DONE: 5, BAD: 1, cancelled: 2}, anchor=ANCHOR, complete=False)
    assert short.counted() == {"cancelled": 2}


def test_a_list_that_lost_a_figure_makes_a_new_one_a_baseline(short: Bench) -> None:
    cancelled = ("w", "cancelled")
    short.windows({DONE: 5, cancelled: 2}, anchor=ANCHOR, complete=False)
    assert short.counted() == {}
    short.windows({DONE: 5, cancelled: 3}, anchor=ANCHOR, complete=False)
    assert short.counted() == {"cancelled": 1}


def test_only_what_all_readings_of_a_move_name_is_moved_on_a_list_that_may_be_cut_short(short: Bench) -> None:
    """Rule 12: absent in a part is 0 only on a complete list."""
    short.windows({DONE: 7, BAD: 1}, anchor=ANCHOR, complete=False, move=move(short))
    assert short.ledger.windows["w", SeriesKey(RUNS.name, DONE)].anchor == anchor_of(short)
    assert short.ledger.windows["w", SeriesKey(RUNS.name, BAD)].anchor == ANCHOR


def test_a_forgotten_workload_takes_its_figures_with_it() -> None:
    bench = Bench(rules=WINDOWED)
    bench.windows({DONE: 5, ("v", "completed"): 1}, anchor=ANCHOR)
    for _ in range(4 * 102):
        bench.now += 6 * HOUR
        bench.windows({("v", "completed"): 1}, anchor=ANCHOR)
    assert {item for item, _ in bench.ledger.windows} == {"v"}
    assert {key.labels[0] for key in bench.ledger.series if key.family == RUNS.name} == {"v"}
