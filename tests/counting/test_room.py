"""What one target may make the program remember has an end, far above what is sensible."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.counting import room
from exporter.errors import TooLarge
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
    """The reading after the one that went too far is refused."""
    figures = {(name, outcome): 1 for name in names(20) for outcome in ("completed", "failed", "cancelled")}
    bench.windows(figures, anchor=START - DAY)
    assert len(bench.ledger.windows) == 60
    with pytest.raises(TooLarge, match="found 60 figures of windows, remembered are at most 40"):
        bench.windows(figures, anchor=START - DAY)


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
    Bench(rules=replace(RULES, limits=replace(LIMITS, max_workloads=1))).roster(*names(20_000))
    Bench(rules=replace(RULES, limits=replace(LIMITS, max_workloads=2_000))).roster(*names(40_000))
