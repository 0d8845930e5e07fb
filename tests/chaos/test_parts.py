"""The parts of the chaos tool: the seed decides, every fault has its place, and no mistake is overlooked."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from exporter.config import load_text
from exporter.platforms.foundry.outcome import LAG
from exporter.simulator.faults import catalogue
from tools.chaos import truth
from tools.chaos.clock import SECOND, SharedClock
from tools.chaos.deck import DECK, NOT_DEALT, PAGED, Bend
from tools.chaos.life import SETTLING, live
from tools.chaos.plan import SPEEDS, plan
from tools.chaos.processes import kill_all
from tools.chaos.report import GOOD, HEADINGS, UNFINISHED, WRONG, Result, table
from tools.chaos.scrapes import Scrapes
from tools.chaos.settings import USUAL, settings
from tools.chaos.worlds import LISTED, PLATFORMS, WINDOWED, longest_lag

EXPOSITION = """\
# TYPE automation_runs_total counter
automation_runs_total{platform="foundry",target="t",workload="w",outcome="completed"} 5
automation_runs_total{platform="foundry",target="t",workload="w",outcome="failed"} 2
automation_runs_total{platform="foundry",target="other",workload="w",outcome="failed"} 9
# TYPE automation_run_duration_seconds histogram
automation_run_duration_seconds_bucket{platform="foundry",target="t",workload="w",outcome="failed",le="1.0"} 1
automation_run_duration_seconds_bucket{platform="foundry",target="t",workload="w",outcome="failed",le="5.0"} 2
automation_run_duration_seconds_bucket{platform="foundry",target="t",workload="w",outcome="failed",le="+Inf"} 2
automation_run_duration_seconds_sum{platform="foundry",target="t",workload="w",outcome="failed"} 2.5
automation_run_duration_seconds_count{platform="foundry",target="t",workload="w",outcome="failed"} 2
# TYPE automation_active_runs gauge
automation_active_runs{platform="foundry",target="t",workload="w",state="running"} 3
# TYPE automation_exporter_late_runs_skipped_total counter
automation_exporter_late_runs_skipped_total{platform="foundry",target="t"} 4
"""


def runs(outcome: str, workload: str = "w") -> truth.Key:
    """The key of a counter of runs."""
    return "automation_runs_total", frozenset({("workload", workload), ("outcome", outcome)})


def test_a_seed_decides_everything() -> None:
    assert plan(7, 3, 20, PLATFORMS) == plan(7, 3, 20, PLATFORMS)
    assert plan(7, 3, 20, PLATFORMS) != plan(8, 3, 20, PLATFORMS)
    assert plan(7, 3, 20, PLATFORMS) != plan(7, 4, 20, PLATFORMS)


def test_every_fault_of_the_simulator_is_dealt_or_it_is_said_why_not() -> None:
    assert sorted([*DECK, *NOT_DEALT]) == sorted(catalogue())
    for name, card in DECK.items():
        for seed in range(5):
            life = plan(seed, 1, 20, PLATFORMS)
            dealt = [fault for cycle in life.cycles for fault in cycle.faults if fault.name == name]
            assert all(set(fault.options) <= set(catalogue()[name].options) for fault in dealt), name
        assert not (card.early and card.bends)


def test_ten_kills_meet_every_kind_of_fault_in_two_lives() -> None:
    """What CI runs."""
    dealt = {
        fault.name for number in (0, 1) for cycle in plan(1, number, 10, PLATFORMS).cycles for fault in cycle.faults
    }
    assert dealt == set(DECK)


def test_what_no_one_could_tell_from_the_truth_is_not_dealt() -> None:
    """Pages where there are none, and a clock that makes a windowed upstream file the same runs anew."""
    for seed in range(20):
        life = plan(seed, 1, 30, PLATFORMS)
        for fault in (fault for cycle in life.cycles for fault in cycle.faults):
            assert fault.name not in {"repeated_page", "looping_next_link"} or fault.platform in PAGED
            assert fault.name != "skewed_clock" or fault.platform in LISTED
        assert {fault.platform for fault in life.always if fault.name == "skewed_clock"} in (set(), set(WINDOWED))


def test_some_faults_meet_one_workload_only() -> None:
    faults = [fault for cycle in plan(1, 1, 50, PLATFORMS).cycles for fault in cycle.faults]
    assert {fault.platform for fault in faults if fault.path} == {"foundry"}


def test_strict_lives_are_dealt_nothing_that_bends() -> None:
    for number in range(0, 10, 2):
        life = plan(1, number, 50, PLATFORMS)
        assert life.strict
        assert life.bends == frozenset()


def test_an_exposition_is_read_as_numbers_of_one_target() -> None:
    """Buckets alone, sums in microseconds, the ledger's own counters apart."""
    counted = truth.exposed(EXPOSITION, "t")
    assert counted.numbers[runs("completed")] == 5
    assert counted.numbers[runs("failed")] == 2
    duration = {("workload", "w"), ("outcome", "failed")}
    found = {
        dict(labels).get("le", name): number for (name, labels), number in counted.numbers.items() if duration <= labels
    }
    assert found | {"automation_runs_total": 2} == {
        "automation_runs_total": 2,
        "1.0": 1,
        "5.0": 1,
        "+Inf": 0,
        "automation_run_duration_seconds_sum": 2_500_000,
        "automation_run_duration_seconds_count": 2,
    }
    assert sum(counted.active.values()) == 3
    assert counted.own == {"automation_exporter_late_runs_skipped_total": 4}


@pytest.mark.parametrize(
    ("counted", "expected", "bends", "found"),
    [
        ({runs("failed"): 2}, {runs("failed"): 2}, set(), []),
        ({runs("failed"): 1}, {runs("failed"): 2}, set(), [(1, 2)]),
        ({runs("failed"): 3}, {runs("failed"): 2}, set(), [(3, 2)]),
        ({}, {runs("failed"): 2}, set(), [(0, 2)]),
        ({runs("failed"): 2}, {}, set(), [(2, 0)]),
        ({runs("failed"): 2}, {runs("completed"): 2}, set(), [(0, 2), (2, 0)]),
        ({runs("failed"): 2}, {runs("completed"): 2}, {Bend.OUTCOME}, []),
        ({runs("failed"): 2}, {runs("completed"): 3}, {Bend.OUTCOME}, [(2, 3)]),
        ({runs("failed"): 2}, {runs("failed", "v"): 2}, set(Bend), [(0, 2), (2, 0)]),
    ],
)
def test_differences(
    counted: dict[truth.Key, int], expected: dict[truth.Key, int], bends: set[Bend], found: list[tuple[int, int]]
) -> None:
    """One run too many or too few is a difference, whatever faults may have bent."""
    differences = truth.differences(Counter(counted), Counter(expected), frozenset(bends))
    assert sorted((each.counted, each.expected) for each in differences) == found


def test_under_bent_times_histograms_may_hold_fewer_and_never_more() -> None:
    key = "automation_run_duration_seconds_count", frozenset({("workload", "w")})
    bends = frozenset({Bend.TIMES})
    assert truth.differences(Counter({key: 2}), Counter({key: 3}), bends) == []
    assert len(truth.differences(Counter({key: 4}), Counter({key: 3}), bends)) == 1


def test_the_truth_is_told_with_labels_as_the_exporter_makes_them() -> None:
    """Long names are cut, halves of surrogate pairs replaced, empty labels left out."""
    samples = [{"name": "automation_runs_total", "labels": {"workload": "x\ud83d", "outcome": ""}, "value": 1.0}]
    assert truth.happened(samples) == {("automation_runs_total", frozenset({("workload", "x\ufffd")})): 1}


def test_a_state_that_does_not_exist_has_no_baselines(tmp_path: Path) -> None:
    assert truth.baselines(tmp_path / "state.db") == {}
    assert truth.sweeps(tmp_path / "state.db", "t") is None
    assert truth.walked(tmp_path / "state.db", "t") == 0
    assert truth.progress(tmp_path / "state.db") == (frozenset(), 0)


@pytest.mark.parametrize("speed", SPEEDS)
def test_no_status_lags_until_its_outcome_is_taken_for_unknown(speed: float) -> None:
    """Not even when the answer comes at the last moment of the timeout: at the fastest, 10 minutes are 0.4 s."""
    clock = SharedClock.beginning_now(1000, speed)
    assert longest_lag(clock) == 0 or longest_lag(clock) + clock.lasting(USUAL.timeout) < LAG


@pytest.mark.parametrize(
    ("beside", "late", "left"),
    [
        ([], 1, 0),
        ([truth.Difference("automation_run_duration_seconds_sum", frozenset(), 7, 99_000)], 1, 0),
        ([], 0, 1),
        ([], 2, 1),
        ([truth.Difference("automation_run_failures_total", frozenset(), 3, 2)], 1, 2),
        ([truth.Difference("automation_run_failures_total", frozenset(), 1, 3)], 1, 2),
        ([truth.Difference(*runs("completed"), 4, 3), truth.Difference(*runs("unknown"), 1, 2)], 1, 3),
    ],
)
def test_a_run_skipped_as_late_explains_that_it_lacks_and_nothing_else(
    beside: list[truth.Difference], late: int, left: int
) -> None:
    """Neither a number that is too high, nor that more lacks than was skipped, nor that both cancel out."""
    found = [truth.Difference(*runs("failed"), 1, 2), *beside]
    assert len(truth.unexplained(found, late)) == left


def test_two_processes_agree_on_the_time() -> None:
    clock = SharedClock.beginning_now(1000, 60.0)
    other = SharedClock.parse(str(clock))
    assert other == clock
    assert 1000 <= clock() <= other() <= clock()
    assert clock.lasting(2) == 120_000_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"lost": 1},
        {"doubled": 1},
        {"wrong_gauges": 1},
        {"fell": 1},
        {"errors": ["traceback"]},
        {"differences": [truth.Difference("n", frozenset(), 1, 2)]},
        {"written_off": 21},
    ],
)
def test_a_life_with_anything_wrong_is_wrong(wrong: dict[str, object]) -> None:
    good = Result(plan(1, 0, 1, PLATFORMS), Counter({"random": 1, "start": 2}))
    assert good.verdict == GOOD
    assert replace(good, **wrong).verdict == WRONG  # type: ignore[arg-type]


def test_a_bent_life_may_write_off_what_its_upstream_took_back() -> None:
    """In a strict one only a few runs, which windows that share an instant tell twice."""
    assert replace(Result(plan(1, 1, 1, PLATFORMS)), written_off=21).verdict == GOOD
    assert replace(Result(plan(1, 0, 1, PLATFORMS)), written_off=20).verdict == GOOD


@pytest.mark.parametrize(
    ("found", "verdict"),
    [({}, UNFINISHED), ({"lost": 3}, UNFINISHED), ({"fell": 1}, WRONG), ({"errors": ["e"]}, WRONG)],
)
def test_a_life_that_was_not_lived_to_its_end_is_never_good(found: dict[str, object], verdict: str) -> None:
    """What it had not counted by then proves nothing; a counter that fell does."""
    cut = Result(plan(1, 0, 1, PLATFORMS), unfinished=["not at rest"])
    assert replace(cut, **found).verdict == verdict  # type: ignore[arg-type]


def test_what_is_not_known_of_a_life_is_no_zero_in_the_table() -> None:
    good = Result(plan(1, 0, 1, PLATFORMS), runs=10)
    cut = Result(plan(1, 1, 1, PLATFORMS), lost=3, unfinished=["not at rest"])
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table(1, [good, cut]).splitlines()[4:7]]
    columns = [HEADINGS.index(name) for name in ("end", "lost", "doubled", "wrong gauges")]
    assert [[row[column] for column in columns] for row in rows] == [
        ["good", "0", "0", "0"],
        ["not finished", "?", "?", "?"],
        ["1 good", "0", "0", "0"],
    ]


@pytest.mark.parametrize("broken", ["free_port", "Nursery", "wait_for"])
def test_a_life_that_breaks_says_why_and_leaves_its_log(
    broken: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whether it breaks before it began, or under way, the others of the run go on."""

    def breaks(*arguments: object) -> None:
        raise OSError("no more of them")

    monkeypatch.setattr(f"tools.chaos.life.{broken}", breaks)
    result = live(plan(1, 0, 1, PLATFORMS), PLATFORMS, tmp_path / "life-0")
    assert (result.verdict, result.unfinished) == (UNFINISHED, ["OSError: no more of them"])
    assert "Traceback" in (tmp_path / "life-0" / "life.log").read_text()
    assert kill_all() == 0


def test_a_counter_that_falls_is_seen() -> None:
    """A counter of one series; another that stays, and a gauge that falls."""
    scrapes = Scrapes(1)
    scrapes.note(EXPOSITION)
    scrapes.note(EXPOSITION.replace('state="running"} 3', 'state="running"} 1'))
    assert scrapes.fell == 0
    scrapes.note(EXPOSITION.replace('outcome="completed"} 5', 'outcome="completed"} 4'))
    assert scrapes.fell == 1


def test_a_state_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with closing(sqlite3.connect(state)) as connection:
        connection.executescript("CREATE TABLE series (other); CREATE TABLE target (id, name)")
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        truth.corrections(state, "t")


def test_the_exporter_is_more_patient_while_all_comes_to_rest(tmp_path: Path) -> None:
    """Each of its configurations is one; runs that never end stay open until the comparison is over."""
    for number in range(8):
        lived = plan(1, number, 1, PLATFORMS)
        for patience, _ in SETTLING:
            found = settings(lived, PLATFORMS, "http://127.0.0.1:1", "state.db", patience)
            pace = load_text(yaml.safe_dump(found), {}, name="config.yaml", folder=tmp_path).targets[0]
            assert pace.timeout == patience.timeout * SECOND
            assert pace.stale_after is not None
            assert pace.stale_after >= 5 * pace.interval
    assert [patience for patience, _ in SETTLING] == sorted({patience for patience, _ in SETTLING})
    assert sum(seconds for _, seconds in SETTLING) < 900


def test_the_table_adds_up() -> None:
    one = Result(plan(1, 0, 1, PLATFORMS), Counter({"random": 1, "start": 2}), Counter({"html_body": 4}), runs=10)
    other = Result(plan(1, 1, 1, PLATFORMS), Counter({"random": 3}), Counter({"html_body": 1}), runs=20)
    text = table(1, [one, other])
    assert text.startswith("Seed 1.\n")
    last = next(line for line in text.splitlines() if line.lstrip("| ").startswith("all"))
    cells = [cell.strip() for cell in last.strip("|").split("|")]
    assert cells[:2] == ["all", "2 good"]
    assert cells[4:8] == ["6", "2", "5", "30"]
    assert "html_body 5" in text
