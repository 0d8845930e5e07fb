"""Lists that may be cut short: what is new on them, items read by name, sums of the target, examples (rules 10, 13)."""

from __future__ import annotations

import pytest

from exporter.catalogue.granite import TOKENS, WORKFLOW_STEPS
from exporter.catalogue.runs import COMPLETED, FAILED, LAST_RUN, RUN_FAILURES, RUNS
from exporter.counting.states import SeriesKey
from exporter.observations import Example, Mark, Move, Reading, Source, Windows, WindowTotal, Workload
from exporter.platforms import labels
from exporter.times import DAY, HOUR, MINUTE, Micros
from tests.counting.kit import START, Bench

A = START - DAY
"""The list's first anchor."""

Told = dict[tuple[str, str], int]
"""By item and what: a completed or failed run, ``steps``, or of the target ``tokens`` or a reason."""


def totals(told: Told) -> tuple[WindowTotal, ...]:
    """Figures of several families."""
    found = []
    for (item, what), value in told.items():
        if what in (COMPLETED, FAILED):
            found.append(WindowTotal(RUNS, item, (what,), value))
        elif what == "steps":
            found.append(WindowTotal(WORKFLOW_STEPS, item, (), value))
        elif what == "tokens":
            found.append(WindowTotal(TOKENS, "", (), value))
        else:
            found.append(WindowTotal(RUN_FAILURES, "", (what, ""), value))
    return tuple(found)


class List(Bench):
    """A bench that is told a list which may be cut short."""

    def told(self, told: Told, *, anchor: Micros = A, move: Move[WindowTotal] | None = None) -> None:
        source = Source("list", Reading(anchor, self.now, totals(told)), move, complete=False)
        names = tuple(Workload(item, item) for item in sorted({item for item, _ in told if item}))
        self.put(Windows((source,), self.now, names, levels=None, roster=True))

    def named(self, item: str, told: Told, *, start: Micros, before: tuple[Micros, Told] | None = None) -> None:
        source = Source(
            "list",
            Reading(start, self.now, totals(told)),
            complete=False,
            item=item,
            before=None if before is None else Reading(before[0], start, totals(before[1])),
            deep=True,
        )
        self.put(Windows((source,), self.now, levels=None))

    def moved(self, told: Told, closed: Told, rest: Told, to: Micros, *, anchor: Micros = A) -> None:
        self.told(
            told,
            anchor=anchor,
            move=Move(
                Reading(anchor, to, totals(closed)),
                Reading(to, self.now, totals(rest)),
                Reading(anchor, self.now, totals(told)),
            ),
        )

    def anchors(self, item: str) -> set[Micros]:
        return {window.anchor for (name, _), window in self.ledger.windows.items() if name == item}


@pytest.fixture
def bench() -> List:
    """The baseline: ``a`` has completed five and failed none, the target used 100 tokens."""
    made = List()
    made.told({("a", COMPLETED): 5, ("a", FAILED): 0, ("", "tokens"): 100})
    made.now += MINUTE
    return made


def test_an_item_that_is_new_on_the_list_is_not_counted_from_it(bench: List) -> None:
    """What it was before nobody knows."""
    bench.told({("a", COMPLETED): 6, ("b", COMPLETED): 40})
    assert (bench.total("a", COMPLETED), bench.total("b", COMPLETED)) == (1, 0)


def test_a_new_figure_of_a_known_item_starts_from_zero(bench: List) -> None:
    """The list told of the item, and would have told of its steps."""
    bench.told({("a", COMPLETED): 5, ("a", "steps"): 7})
    assert bench.total("a", family=WORKFLOW_STEPS.name) == 7


def test_a_new_sum_of_the_target_starts_from_zero(bench: List) -> None:
    """A reason that had no failure yet."""
    bench.told({("", "timeout"): 2})
    assert bench.total("", "timeout", "", family=RUN_FAILURES.name) == 2


def test_a_list_that_lost_a_figure_was_cut_short_and_what_is_new_on_it_is_its_baseline(bench: List) -> None:
    """A reason pushed another one out: its failures may be old. From then on they are compared."""
    bench.told({("", "timeout"): 2})
    bench.told({("", "login"): 9})
    assert bench.total("", "login", "", family=RUN_FAILURES.name) == 0
    bench.told({("", "login"): 10, ("", "timeout"): 3})
    assert bench.total("", "login", "", family=RUN_FAILURES.name) == 1
    assert bench.total("", "timeout", "", family=RUN_FAILURES.name) == 3


def test_an_item_by_name_starts_from_zero(bench: List) -> None:
    """Everything since the first poll is counted, once."""
    for value in (3, 3, 4):
        bench.named("b", {("b", COMPLETED): value}, start=START)
    assert bench.total("b", COMPLETED) == 4


def test_the_list_says_nothing_of_an_item_with_another_anchor(bench: List) -> None:
    """Nor does a reading by name say anything of figures that the list counts."""
    bench.named("b", {("b", COMPLETED): 3}, start=START)
    bench.told({("a", COMPLETED): 5, ("b", COMPLETED): 50})
    bench.named("a", {("a", COMPLETED): 80}, start=START)
    assert (bench.total("a", COMPLETED), bench.total("b", COMPLETED)) == (0, 3)


def test_a_reading_by_name_at_the_lists_anchor_is_the_lists(bench: List) -> None:
    """For items that a cut list lacks: one value, whoever told it."""
    bench.named("a", {("a", COMPLETED): 8}, start=A)
    bench.told({("a", COMPLETED): 9})
    assert bench.total("a", COMPLETED) == 4


def test_two_readings_bring_an_item_to_the_lists_anchor(bench: List) -> None:
    """From its own, later one: what lies between the two is known and not counted."""
    bench.named("b", {("b", COMPLETED): 3}, start=START)
    bench.now += HOUR
    bench.named("b", {("b", COMPLETED): 5}, start=START, before=(A, {("b", COMPLETED): 20}))
    assert bench.total("b", COMPLETED) == 5
    assert bench.anchors("b") == {A}
    bench.told({("b", COMPLETED): 26})
    assert bench.total("b", COMPLETED) == 6


def test_a_figure_that_the_earlier_reading_does_not_tell_is_counted_at_its_own_anchor(bench: List) -> None:
    """A sum over nothing may be null. What is told since the anchor of the figure counts, and is not moved."""
    bench.named("b", {("b", COMPLETED): 3, ("b", "steps"): 7}, start=START)
    for runs, steps in ((4, 9), (5, 12)):
        bench.now += HOUR
        bench.named(
            "b", {("b", COMPLETED): runs, ("b", "steps"): steps}, start=START, before=(A, {("b", COMPLETED): 0})
        )
        assert bench.total("b", COMPLETED) == runs
        assert bench.total("b", family=WORKFLOW_STEPS.name) == steps
    assert bench.anchors("b") == {A, START}


def test_an_item_that_a_move_left_behind_is_compared_at_its_old_anchor(bench: List) -> None:
    """Absent in a part is not told; by name it is counted on, and follows the list with two readings."""
    bench.now = A + 2 * DAY
    to = bench.now - DAY
    bench.moved(
        {("a", COMPLETED): 7, ("", "tokens"): 150}, {("a", COMPLETED): 7, ("", "tokens"): 90}, {("", "tokens"): 60}, to
    )
    assert bench.ledger.sources["list"].anchor == to
    assert (bench.anchors("a"), bench.anchors("")) == ({A}, {to})
    assert bench.total(family=TOKENS.name) == 50
    bench.now += HOUR
    bench.told({("a", COMPLETED): 1}, anchor=to)
    assert bench.total("a", COMPLETED) == 0
    bench.named("a", {("a", COMPLETED): 1}, start=to, before=(A, {("a", COMPLETED): 7}))
    assert bench.total("a", COMPLETED) == 3
    bench.told({("a", COMPLETED): 2}, anchor=to)
    assert bench.total("a", COMPLETED) == 4


def test_a_sum_that_is_absent_in_a_part_of_a_move_is_zero_there(bench: List) -> None:
    """It cannot be read by name, and the check of the parts would show a mistake."""
    bench.told({("", "timeout"): 2, ("", "tokens"): 100})
    bench.now = A + 2 * DAY
    runs = {("a", COMPLETED): 5}
    bench.moved(runs | {("", "timeout"): 2}, runs | {("", "timeout"): 2}, {}, bench.now - DAY)
    window = bench.ledger.windows["", SeriesKey(RUN_FAILURES.name, ("", "timeout", ""))]
    assert (window.anchor, window.value) == (bench.now - DAY, 0)


def test_a_sum_that_is_no_longer_told_is_forgotten_with_the_move(bench: List) -> None:
    """Nothing could ever be compared with it again."""
    bench.told({("", "timeout"): 2, ("", "tokens"): 100})
    bench.now = A + 2 * DAY
    runs = {("a", COMPLETED): 5}
    bench.moved(runs, runs, {}, bench.now - DAY)
    assert ("", SeriesKey(RUN_FAILURES.name, ("", "timeout", ""))) not in bench.ledger.windows


def test_without_a_trusted_clock_no_item_moves(bench: List) -> None:
    """It is counted, at the anchor that it has (rule 26)."""
    bench.named("b", {("b", COMPLETED): 3}, start=START)
    bench.upstream_skew = HOUR
    source = Source(
        "list",
        Reading(START, bench.now, totals({("b", COMPLETED): 5})),
        item="b",
        before=Reading(A, START, totals({("b", COMPLETED): 20})),
    )
    bench.put(Windows((source,), bench.now + HOUR, levels=None))
    assert (bench.total("b", COMPLETED), bench.anchors("b")) == (5, {START})


@pytest.mark.parametrize(("age", "moves"), [(7 * DAY, False), (8 * DAY, True)])
def test_an_item_whose_figures_fell_moves_only_when_its_window_is_too_long(age: Micros, moves: bool) -> None:
    """What it fell by is owed either way."""
    bench, to = List(), A + HOUR
    bench.told({("a", COMPLETED): 5, ("b", COMPLETED): 1})
    bench.now = to + DAY
    told = {("b", COMPLETED): 1}
    bench.moved(told, {("b", COMPLETED): 0}, told, to)
    assert (bench.ledger.sources["list"].anchor, bench.anchors("a")) == (to, {A})
    bench.now = A + age
    bench.named("a", {("a", COMPLETED): 1}, start=to, before=(A, {("a", COMPLETED): 3}))
    assert bench.anchors("a") == ({to} if moves else {A})
    assert [each.debt for key, each in bench.ledger.series.items() if key.labels == ("a", COMPLETED)] == [1]


@pytest.mark.parametrize(("before", "after", "shown"), [(2, 3, True), (2, 2, False), (2, 1, False)])
def test_an_example_stands_only_at_a_counter_that_rose(bench: List, before: int, after: int, shown: bool) -> None:
    """The list of recent failures shows the same ones again and again."""
    bench.told({("", "timeout"): before})
    assert bench.total("", "timeout", "", family=RUN_FAILURES.name) == before
    source = Source("list", Reading(A, bench.now, totals({("", "timeout"): after})), complete=False)
    example = Example(RUN_FAILURES, "", ("timeout", ""), "run_1")
    changes = bench.put(Windows((source,), bench.now, levels=None, examples=(example,)))
    assert bool(changes.exemplars) is shown
    if shown:
        ((key, by_bucket),) = changes.exemplars.items()
        assert (key.labels, by_bucket[0].run_id, by_bucket[0].value) == (("", "timeout", ""), "run_1", 1)


def test_levels_of_their_own_go_stale_by_themselves() -> None:
    """A batch without levels keeps them; a roster in a batch makes others absent."""
    bench = List()
    bench.put(Windows((), bench.now, levels=(), levels_of="window"))
    bench.now += MINUTE
    bench.told({("a", COMPLETED): 1})
    assert (bench.ledger.read["window"], bench.ledger.read[""]) == (bench.now - MINUTE, bench.now)
    bench.told({("b", COMPLETED): 1})
    assert bench.ledger.workloads["a"].absent_at == bench.now
    bench.named("a", {("a", COMPLETED): 1}, start=START)
    assert bench.ledger.workloads["b"].absent_at is None


def test_what_is_read_now_and_then_does_not_say_how_fresh_the_data_are() -> None:
    """Else each such reading would look like the end of a gap (rule 25)."""
    bench = List()
    bench.told({("a", COMPLETED): 1})
    reading: Reading[WindowTotal] = Reading(A, bench.now, ())
    bench.put(Windows((Source("cancelled", reading, complete=False, deep=True),), bench.now, levels=None))
    assert bench.ledger.listings.keys() == {"list"}


def test_a_workload_that_only_a_mark_names_gets_the_label_that_its_list_would_give(bench: List) -> None:
    """A name of any length is an identity; what is exposed of it is a label value."""
    name = "n" * 16_000
    bench.put(Windows((), bench.now, (), levels=None, marks=((name, Mark(LAST_RUN, (FAILED,), bench.now)),)))
    assert [key.labels[0] for key in bench.ledger.marks] == [labels.workload(name)]
