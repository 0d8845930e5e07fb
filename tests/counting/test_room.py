"""What one target may make the program remember has an end, far above what is sensible."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.catalogue.runs import LAST_RUN, RUNS
from exporter.counting import refusal, room
from exporter.errors import TooLarge
from exporter.observations import Mark, Move, Reading, Roster, Source, Windows, WindowTotal, Workload
from exporter.times import DAY
from tests.counting.kit import LIMITS, RULES, START, Bench, ended, running


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A ledger with room for 20 workloads, 40 figures and 40 lasting runs."""
    monkeypatch.setattr(room, "LEAST", 1)
    monkeypatch.setattr(room, "FIGURES", 2)
    monkeypatch.setattr(room, "OPEN_RUNS", 2)
    return Bench(rules=replace(RULES, limits=replace(LIMITS, max_workloads=1)))


def names(count: int) -> list[str]:
    """So many workloads."""
    return [f"w{number}" for number in range(count)]


def test_a_roster_of_more_workloads_is_refused_whole(bench: Bench) -> None:
    """What was counted stays, nothing of it is; and what is known counts on."""
    bench.roster(*names(20))
    with pytest.raises(TooLarge, match=r"found 21 workloads, remembered are at most 20: .* raise max_workloads"):
        bench.roster(*names(21))
    assert len(bench.ledger.workloads) == 20
    bench.roster(*names(20))
    bench.page(ended("r", START, workload="w0"), listing="w0")
    assert bench.counted("_other") | bench.counted("w0") == {"completed": 1}


def test_workloads_that_change_their_names_at_every_poll_come_to_an_end(bench: Bench) -> None:
    """Each list is short; together they are not."""
    for number in range(20):
        bench.roster(f"renamed-{number}")
    with pytest.raises(TooLarge):
        bench.roster("renamed-20")


def test_figures_of_windows_come_to_an_end(bench: Bench) -> None:
    """The reading that goes too far is refused, and the next sensible one is counted."""
    figures = {(name, outcome): 1 for name in names(20) for outcome in ("completed", "failed")}
    bench.windows(figures, anchor=START - DAY)
    with pytest.raises(TooLarge, match="found 41 figures of windows, remembered are at most 40"):
        bench.windows({**figures, ("w0", "cancelled"): 1}, anchor=START - DAY)
    assert len(bench.ledger.windows) == 40
    bench.windows({**figures, ("w0", "completed"): 3}, anchor=START - DAY)
    assert bench.counted("w0") | bench.counted("_other") == {"completed": 2}


def test_workloads_that_are_named_beside_a_list_come_to_an_end(bench: Bench) -> None:
    """By a failed run, by a figure, or by a run: each would be remembered."""
    one = Reading(START - DAY, START, (WindowTotal(RUNS, "w20", ("failed",), 1),))
    known = tuple(Workload(name, name) for name in names(20))
    bench.roster(*known)
    for windows in (
        Windows((), START, known, marks=(("w20", Mark(LAST_RUN, ("failed",), START)),)),
        Windows((Source("list", one),), START, known),
        Windows((Source("list", one, Move(one, one, one)),), START, known),
    ):
        with pytest.raises(TooLarge, match="found 21 workloads"):
            bench.put(windows)
    with pytest.raises(TooLarge, match="found 21 workloads"):
        bench.page(ended("r", START, workload="w20"), listing="w20")


def test_a_lower_limit_refuses_nothing_that_is_remembered(bench: Bench) -> None:
    """A setting changes only what is to come (rule 27)."""
    bench.windows({(name, outcome): 1 for name in names(20) for outcome in ("completed", "failed")}, anchor=START - DAY)
    bench.page(*[running(f"r{number}", START, workload="w0") for number in range(40)], listing="w0")
    bench.rules = replace(RULES, limits=replace(LIMITS, max_workloads=0))
    bench.roster(*names(20))
    bench.windows({("w0", "completed"): 3}, anchor=START - DAY)
    bench.page(*[running(f"r{number}", START, workload="w0") for number in range(40)], listing="w0")
    assert bench.counted("w0") | bench.counted("_other") == {"completed": 2}


def test_a_roster_that_is_refused_still_tells_who_is_gone(bench: Bench) -> None:
    """Or names that came once would keep out every later one, for ever."""
    bench.roster(*names(20))
    for day in range(103):
        bench.now = START + day * DAY
        refused = Roster((Workload("new", "new"),), bench.now)
        try:
            bench.put(refused)
        except TooLarge as error:
            bench.commit(refusal(refused, error, bench.ledger, bench.rules, bench.moment))
    assert set(bench.ledger.workloads) == {"new"}


def test_a_long_listing_leaves_room_for_the_runs_of_others(bench: Bench) -> None:
    """What one workload fills up is no fault of the others (rule 23)."""
    bench.roster("w", "v")
    bench.page(*[running(f"r{number}", START) for number in range(40)])
    bench.page(*[running(f"s{number}", START, workload="v") for number in range(20)], listing="v")
    for listing, run_id in (("w", "r40"), ("v", "s20")):
        with pytest.raises(TooLarge):
            bench.page(running(run_id, START, workload=listing), listing=listing)
    assert len(bench.ledger.open_runs) == 60


def test_runs_that_never_end_come_to_an_end(bench: Bench) -> None:
    """Open ones, and those without any time, whose ids are kept too; ended ones are not."""
    bench.roster("w")
    bench.page(*[running(f"r{number}", START) for number in range(30)])
    bench.page(*[ended(f"e{number}", START) for number in range(100)])
    with pytest.raises(TooLarge, match="found 41 runs that have not ended or have no time, remembered are at most 40"):
        bench.page(*[running(f"s{number}", START) for number in range(11)])
    bench.page(*[ended(f"r{number}", START) for number in range(30)])
    bench.page(*[running(f"s{number}", START) for number in range(11)])
    assert len(bench.ledger.open_runs) == 11


def test_there_is_more_room_than_anybody_needs() -> None:
    """A low cap on series is no cap on what is remembered; a high one raises it."""
    for number, cap in ((100_000, 1), (120_000, 6_000)):
        roster = Roster(tuple(Workload(name, name) for name in names(number)), START)
        room.check_room(roster, Bench().ledger, replace(LIMITS, max_workloads=cap))
