"""Workloads: first sight, slots, renames, absence and forgetting: rules 15, 20, 21 and 22."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.catalogue.ledger import RUNS_EXPIRED
from exporter.catalogue.runs import ACTIVE_RUNS, ENABLED, LAST_RUN, RUNS
from exporter.counting.crowd import OTHER
from exporter.counting.states import SeriesKey
from exporter.counting.workloads import FORMER_LABELS
from exporter.observations import Level, Mark, Roster, Workload
from exporter.times import DAY, HOUR, MINUTE
from tests.counting.kit import LIMITS, OUTCOMES, RULES, START, Bench, ended, looks, running, with_marks


def labels_of(bench: Bench, family: str = RUNS.name) -> set[str]:
    """The workload labels of a family's series."""
    return {key.labels[0] for key in bench.ledger.series if key.family == family}


def days(bench: Bench, number: int, *present: Workload | str) -> None:
    """Let days pass, with a complete roster every six hours."""
    for _ in range(4 * number):
        bench.now += 6 * HOUR
        bench.roster(*present)


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.roster("w")
    return bench


def test_a_new_workload_is_born_at_zero_with_every_outcome(bench: Bench) -> None:
    bench.now += MINUTE
    bench.roster("w", "late")
    born = {key: series for key, series in bench.ledger.series.items() if key.labels[:1] == ("late",)}
    assert {key.labels[1] for key in born} == set(OUTCOMES)
    assert all(series.shown == series.pending == (0,) for series in born.values())
    assert {series.created for series in born.values()} == {bench.moment.wall}


def test_the_workload_of_a_run_that_no_roster_names_is_born_with_it(bench: Bench) -> None:
    bench.now += HOUR
    bench.page(ended("a", bench.now - MINUTE, workload="stray"))
    assert bench.counted("stray") == {"completed": 1}
    assert labels_of(bench) == {"w", "stray"}


def test_past_the_cap_workloads_share_one_series_in_order_of_first_sight() -> None:
    bench = Bench(rules=replace(RULES, limits=replace(LIMITS, max_workloads=2)))
    bench.roster("a", "b", "c", "d")
    slots = {identity: state.slot for identity, state in bench.ledger.workloads.items()}
    assert slots == {"a": "a", "b": "b", "c": OTHER, "d": OTHER}
    bench.now += HOUR
    for name in "abcd":
        bench.page(ended(name, bench.now - MINUTE, workload=name), listing=name)
    assert bench.counted(OTHER) == {"completed": 2}
    assert bench.counted("a") == {"completed": 1}


def test_a_lower_cap_folds_nobody_who_is_shown_and_a_higher_one_unfolds_nobody() -> None:
    bench = Bench()
    bench.roster("a", "b", "c")
    bench.rules = replace(RULES, limits=replace(LIMITS, max_workloads=1))
    bench.roster("a", "b", "c", "d")
    bench.rules = RULES
    bench.roster("a", "b", "c", "d", "e")
    slots = {identity: state.slot for identity, state in bench.ledger.workloads.items()}
    assert slots == {"a": "a", "b": "b", "c": "c", "d": OTHER, "e": "e"}


def test_a_place_that_became_free_goes_to_the_next_new_workload() -> None:
    bench = Bench(rules=replace(RULES, limits=replace(LIMITS, max_workloads=1)))
    bench.roster("a")
    bench.roster("a", "b")
    days(bench, 102, "b")
    bench.roster("b", "c")
    slots = {identity: state.slot for identity, state in bench.ledger.workloads.items()}
    assert slots == {"b": OTHER, "c": "c"}


def test_a_renamed_workload_is_a_new_series_born_at_zero(bench: Bench) -> None:
    bench.now += HOUR
    bench.page(ended("a", bench.now - MINUTE))
    before = bench.ledger.series[SeriesKey(RUNS.name, ("w", "completed"))]
    bench.now += MINUTE
    bench.roster(Workload("w", "new name"))
    assert labels_of(bench) == {"w", "new name"}
    assert bench.counted("new name") == {}
    bench.page(ended("b", bench.now - MINUTE))
    assert bench.counted("new name") == {"completed": 1}
    assert bench.ledger.series[SeriesKey(RUNS.name, ("w", "completed"))] == before
    assert not bench.ledger.crowded  # there was room for it


def test_a_workload_whose_name_is_not_told_keeps_the_one_that_is_known(bench: Bench) -> None:
    bench.now += MINUTE
    bench.roster(Workload("w", "_unnamed", named=False), Workload("new", "_unnamed", named=False))
    assert {identity: state.label for identity, state in bench.ledger.workloads.items()} == {
        "w": "w",
        "new": "_unnamed",
    }
    bench.roster(Workload("w", "w"), Workload("new", "told at last"))
    assert labels_of(bench) == {"w", "_unnamed", "told at last"}


def test_a_workload_renamed_back_goes_on_where_its_series_stood(bench: Bench) -> None:
    bench.now += HOUR
    bench.page(ended("a", bench.now - MINUTE))
    bench.roster(Workload("w", "other"))
    bench.roster(Workload("w", "w"))
    bench.page(ended("b", bench.now - MINUTE))
    assert bench.counted() == {"completed": 2}
    assert bench.ledger.workloads["w"].former == ("other",)


def test_a_workload_renamed_over_and_over_keeps_a_few_series_only(bench: Bench) -> None:
    """Else a platform that puts a date into its names fills the state and the exposition for ever."""
    for number in range(40):
        bench.now += DAY
        bench.roster(Workload("w", f"name {number}"))
        bench.page(ended(f"r{number}", bench.now - MINUTE))
    kept = {f"name {number}" for number in range(39 - FORMER_LABELS, 40)}
    assert labels_of(bench) == kept
    assert {key.labels[0] for key in bench.ledger.marks} <= kept


def test_a_renamed_workload_takes_no_series_of_another_with_it(bench: Bench) -> None:
    bench.roster("w", Workload("second", "name 0"))
    for number in range(20):
        bench.now += DAY
        bench.roster(Workload("w", f"name {number}"), Workload("second", "name 0"))
    assert "name 0" in labels_of(bench)


def test_a_renamed_workload_in_other_stays_there() -> None:
    bench = Bench(rules=replace(RULES, limits=replace(LIMITS, max_workloads=0)))
    bench.roster("w")
    bench.roster(Workload("w", "new name"))
    assert labels_of(bench) == {OTHER}
    assert bench.ledger.workloads["w"].label == "new name"


def test_two_identities_with_one_label_add_up(bench: Bench) -> None:
    bench.roster(Workload("1", "same"), Workload("2", "same"))
    bench.now += HOUR
    bench.page(ended("a", bench.now - MINUTE, workload="1"), listing="1")
    bench.page(ended("b", bench.now - MINUTE, workload="2"), listing="2")
    assert bench.counted("same") == {"completed": 2}


def test_levels_of_two_identities_with_one_label_add_up_where_they_count_runs(bench: Bench) -> None:
    levels = (
        Level(ACTIVE_RUNS, "1", ("open",), 2),
        Level(ACTIVE_RUNS, "2", ("open",), 3),
        Level(ENABLED, "1", (), 1),
        Level(ENABLED, "2", (), 1),
    )
    workloads = (Workload("1", "same"), Workload("2", "same"))
    bench.put(Roster(workloads, bench.now, levels=levels))
    told = bench.ledger.levels[""]
    assert told[SeriesKey(ACTIVE_RUNS.name, ("same", "open"))] == 5
    assert told[SeriesKey(ENABLED.name, ("same",))] == 1


def test_of_levels_in_other_only_active_runs_are_shown() -> None:
    bench = Bench(rules=replace(RULES, limits=replace(LIMITS, max_workloads=0)))
    levels = (
        Level(ACTIVE_RUNS, "1", ("open",), 2),
        Level(ACTIVE_RUNS, "2", ("open",), 3),
        Level(ENABLED, "1", (), 1),
    )
    bench.put(Roster((Workload("1", "1"), Workload("2", "2")), bench.now, levels=levels))
    assert bench.ledger.levels[""] == {SeriesKey(ACTIVE_RUNS.name, (OTHER, "open")): 5}


def test_marks_in_other_are_the_latest_run_and_nothing_else() -> None:
    """Of history too, which is no count but tells when a workload ran last."""
    bench = Bench(rules=replace(RULES, limits=replace(LIMITS, max_workloads=0)))
    bench.roster("a", "b")
    bench.now += HOUR
    for name, at in (("a", START - HOUR), ("b", START - DAY), ("a", START + MINUTE)):
        marks = (Mark(LAST_RUN, ("completed",), at), Mark(ENABLED, (), at))
        bench.page(with_marks(ended(f"{name}{at}", at, after=0, workload=name), *marks), listing=name)
    assert bench.ledger.marks == {SeriesKey(LAST_RUN.name, (OTHER, "completed")): START + MINUTE}


def test_a_workload_absent_for_the_whole_time_is_forgotten(bench: Bench) -> None:
    bench.now += HOUR
    bench.page(ended("a", bench.now - MINUTE), running("open", bench.now - MINUTE))
    days(bench, 99, "other")
    assert "w" in bench.ledger.workloads
    assert bench.counted() == {"completed": 1}
    assert bench.ledger.exemplars
    days(bench, 2, "other")
    assert set(bench.ledger.workloads) == {"other"}
    assert labels_of(bench) == {"other"}
    assert not bench.ledger.exemplars
    assert not bench.ledger.listings
    assert not bench.ledger.open_runs
    assert bench.own(RUNS_EXPIRED.name) == 1


def test_what_others_show_stays_when_a_workload_is_forgotten(bench: Bench) -> None:
    bench.roster("w", "other")
    bench.now += HOUR
    for name in ("w", "other"):
        mark = Mark(LAST_RUN, ("completed",), bench.now - MINUTE)
        bench.page(with_marks(ended(f"of {name}", bench.now - MINUTE, workload=name), mark), listing=name)
    days(bench, 101, "other")
    assert {key.labels[0] for key in bench.ledger.marks} == labels_of(bench) == {"other"}
    assert bench.counted("other") == {"completed": 1}


def test_a_forgotten_workload_that_returns_is_born_at_zero(bench: Bench) -> None:
    bench.now += HOUR
    bench.page(ended("a", bench.now - MINUTE))
    days(bench, 101, "other")
    bench.roster("w")
    series = bench.ledger.series[SeriesKey(RUNS.name, ("w", "completed"))]
    assert series.shown == (0,)
    assert series.created == bench.moment.wall
    bench.page(ended("a", START + HOUR - MINUTE))
    assert bench.counted() == {}


def test_a_workload_that_the_platform_lists_is_never_forgotten(bench: Bench) -> None:
    """Monthly jobs live: what counts is the roster, not the runs."""
    days(bench, 300, "w")
    assert "w" in bench.ledger.workloads


def test_one_sight_begins_the_absence_anew(bench: Bench) -> None:
    days(bench, 90, "other")
    bench.roster("w", "other")
    days(bench, 90, "other")
    assert "w" in bench.ledger.workloads


def test_our_own_outage_is_no_absence(bench: Bench) -> None:
    """Two rosters without it, half a year apart, are not half a year of rosters without it."""
    bench.now += HOUR
    bench.roster("other")
    bench.now += 200 * DAY
    bench.roster("other")
    assert bench.ledger.workloads["w"].absent_span <= DAY
    days(bench, 90, "other")
    assert "w" in bench.ledger.workloads


def test_nothing_is_forgotten_while_the_clocks_disagree(bench: Bench) -> None:
    days(bench, 99, "other")
    bench.upstream_skew = -10 * MINUTE
    days(bench, 5, "other")
    assert "w" in bench.ledger.workloads
    bench.upstream_skew = 0
    days(bench, 1, "other")
    assert "w" not in bench.ledger.workloads


def test_a_label_that_two_share_is_forgotten_with_the_second(bench: Bench) -> None:
    bench.roster(Workload("1", "same"), Workload("2", "same"))
    days(bench, 101, Workload("2", "same"))
    assert "same" in labels_of(bench)
    days(bench, 101, "w")
    assert "same" not in labels_of(bench)


def test_series_in_other_stay_when_one_of_many_is_forgotten() -> None:
    """A counter that several share must not fall."""
    bench = Bench(rules=replace(RULES, limits=replace(LIMITS, max_workloads=0)))
    bench.roster("a", "b")
    bench.now += HOUR
    bench.page(ended("1", bench.now - MINUTE, workload="a"), listing="a")
    days(bench, 101, "b")
    assert bench.counted(OTHER) == {"completed": 1}


def test_a_forgotten_workload_leaves_no_level_behind(bench: Bench) -> None:
    bench.page(kind="sweep")
    days(bench, 101, "other")
    assert "w" not in bench.ledger.levels
    assert "w" not in bench.ledger.read


def test_however_many_workloads_go_at_once_all_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tens of thousands that came by mistake go together: what each cost alone would stop the program for minutes."""
    bench = Bench()
    bench.roster(*(f"w{number}" for number in range(50)))
    looked = looks(monkeypatch, "all_series")
    for _ in range(102):
        bench.now += DAY
        bench.roster()
    assert (len(bench.ledger.workloads), len(looked)) == (0, 1)
    assert not [key for key in bench.ledger.series if key.family == RUNS.name]
