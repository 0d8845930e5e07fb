"""What of a ledger is exposed: rules 16, 17, 20, 21 and 24."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.catalogue import ALL, BY_NAME, own
from exporter.catalogue.granite import WINDOW_EXECUTIONS
from exporter.catalogue.ledger import CORRECTION_DEBT
from exporter.catalogue.runs import (
    ACTIVE_RUNS,
    ENABLED,
    FIRST_SEEN,
    INFO,
    LAST_RUN,
    OLDEST_ACTIVE_RUN,
    RUN_DURATION,
    RUNS,
)
from exporter.counting.crowd import OTHER
from exporter.counting.states import SeriesKey
from exporter.exposed import families, series_keys
from exporter.exposition import Snapshot
from exporter.families import TargetLabels
from exporter.observations import Labels, Level, Mark, Reading, Roster, Source, Windows, WindowTotal, Workload
from exporter.times import DAY, HOUR, MINUTE, Micros
from tests.counting.kit import LIMITS, RULES, START, WINDOWED, Bench, ended, running, with_marks

STALE = LIMITS.stale_after
ANCHOR = START - DAY


@pytest.fixture
def bench() -> Bench:
    """A target with two workloads, read whole."""
    bench = Bench()
    bench.roster(Workload("v", "v", enabled=True), Workload("w", "w", enabled=False))
    bench.page(running("a", START - HOUR, workload="v"), listing="v")
    bench.page(listing="w")
    return bench


def active(bench: Bench, at: Micros | None = None) -> dict[Labels, float]:
    """Active runs other than 0."""
    return {labels: value for labels, value in bench.levels(ACTIVE_RUNS.name, at=at).items() if value}


def test_every_state_is_exposed_at_0_from_the_start() -> None:
    bench = Bench()
    bench.roster("w")
    assert bench.levels(ACTIVE_RUNS.name) == {}
    bench.page()
    assert bench.levels(ACTIVE_RUNS.name) == {("w", "queued"): 0, ("w", "running"): 0, ("w", "open"): 0}


def test_active_runs_are_counted_by_state_with_the_birth_of_the_oldest(bench: Bench) -> None:
    bench.page(
        running("a", START - HOUR, workload="v"),
        running("b", START - MINUTE, workload="v"),
        running("c", START - DAY, workload="v", state="queued"),
        listing="v",
    )
    assert active(bench) == {("v", "running"): 2, ("v", "queued"): 1}
    assert bench.levels(OLDEST_ACTIVE_RUN.name) == {("v", "running"): START - HOUR, ("v", "queued"): START - DAY}


def test_the_oldest_active_run_keeps_its_birth_when_its_times_change(bench: Bench) -> None:
    """Rule 6: the birth time is stored and never changed."""
    changed = running("a", START - MINUTE, workload="v")._replace(created=START - 2 * DAY)
    bench.page(changed, listing="v")
    assert bench.levels(OLDEST_ACTIVE_RUN.name) == {("v", "running"): START - HOUR}


# Rule 24.


def test_a_workloads_levels_leave_when_its_own_listing_was_not_read(bench: Bench) -> None:
    bench.now += STALE
    bench.roster(Workload("v", "v", enabled=True), Workload("w", "w", enabled=False))
    bench.page(listing="w")
    assert active(bench) == {("v", "running"): 1}
    bench.now += 1
    assert active(bench) == {}
    assert {labels[0] for labels in bench.levels(ACTIVE_RUNS.name)} == {"w"}
    assert bench.levels(OLDEST_ACTIVE_RUN.name) == {}
    assert bench.levels(ENABLED.name) == {("v",): 1, ("w",): 0}


def test_a_targets_levels_leave_when_its_roster_was_not_read(bench: Bench) -> None:
    bench.now += STALE
    bench.page(listing="v")
    assert bench.levels(ENABLED.name) == {("v",): 1, ("w",): 0}
    bench.now += 1
    bench.page(listing="v")
    assert bench.levels(ENABLED.name) == {}


def test_a_slice_of_a_sweep_keeps_levels_fresh(bench: Bench) -> None:
    bench.now += STALE
    bench.page(listing="v", kind="sweep", complete=False, whole=True, link="deeper")
    bench.now += MINUTE
    assert active(bench) == {("v", "running"): 1}


@pytest.mark.parametrize("skew", [-HOUR, -10 * MINUTE, 10 * MINUTE, HOUR])
def test_levels_age_by_our_clock_whatever_the_upstreams_says(skew: Micros) -> None:
    bench = Bench()
    bench.upstream_skew = skew
    bench.roster(Workload("w", "w", enabled=True))
    bench.page(running("a", START - 3 * HOUR))
    for ago, shown in ((0, True), (STALE, True), (STALE + 1, False)):
        bench.now = START + ago
        assert bool(active(bench)) is shown
        assert bool(bench.levels(ENABLED.name)) is shown


def test_counters_histograms_and_past_events_stay(bench: Bench) -> None:
    bench.page(
        with_marks(ended("b", START - MINUTE, workload="v", finished=START), Mark(LAST_RUN, ("completed",), START)),
        listing="v",
    )
    bench.now += 30 * DAY
    found = {family.metric.name: family.samples for family in families(bench.ledger, bench.rules, bench.now)}
    assert found[RUNS.name]["v", "completed"] == (1,)
    assert ("v", "completed") in found[RUN_DURATION.name]
    assert found[LAST_RUN.name] == {("v", "completed"): START}
    assert ("v",) in found[FIRST_SEEN.name]


def test_window_figures_leave_with_their_reading() -> None:
    bench = Bench(rules=WINDOWED)
    levels = (Level(WINDOW_EXECUTIONS, None, ("24h",), 17), Level(ACTIVE_RUNS, None, ("running",), 3))
    bench.windows({("w", "completed"): 1}, anchor=ANCHOR, levels=levels)
    assert bench.levels(WINDOW_EXECUTIONS.name) == {("24h",): 17}
    assert bench.levels(ACTIVE_RUNS.name)["", "running"] == 3
    bench.now += STALE + 1
    assert bench.levels(WINDOW_EXECUTIONS.name) == {}
    assert bench.levels(ACTIVE_RUNS.name) == {}


def test_levels_of_a_poll_replace_those_of_the_poll_before() -> None:
    bench = Bench(rules=WINDOWED)
    for number in ("24h", "48h"):
        level = Level(WINDOW_EXECUTIONS, None, (number,), 17)
        bench.windows({("w", "completed"): 1}, anchor=ANCHOR, levels=(level,))
    assert bench.levels(WINDOW_EXECUTIONS.name) == {("48h",): 17}


def test_after_a_start_levels_wait_for_the_first_reading(bench: Bench) -> None:
    """A ledger that was loaded knows open runs; whether they still are, nobody has asked yet."""
    bench.ledger.read.clear()
    bench.ledger.levels.clear()
    assert active(bench) == {}
    assert bench.levels(ENABLED.name) == {}
    assert bench.levels(INFO.name)


def test_the_last_run_is_the_latest_never_falls_and_knows_history() -> None:
    bench = Bench()
    bench.roster("w")
    for run_id, at in (("a", START - DAY), ("b", START - HOUR), ("c", START - 2 * DAY)):
        run = ended(run_id, at - MINUTE, finished=at)
        bench.page(with_marks(run, Mark(LAST_RUN, ("completed",), at)), kind="sweep")
    assert bench.levels(LAST_RUN.name) == {("w", "completed"): START - HOUR}
    assert bench.counted() == {}


def test_what_went_stale_is_taken_away_by_an_empty_family(bench: Bench) -> None:
    """Gauges are always told of, also when only what changed is asked for."""
    bench.now += STALE + 1
    told = {family.metric.name: family.samples for family in families(bench.ledger, bench.rules, bench.now, only={})}
    assert told[ACTIVE_RUNS.name] == {}
    assert RUNS.name not in told
    assert all(BY_NAME[name].type in ("gauge", "gaugehistogram") for name in told)


def test_what_went_stale_leaves_the_exposition(bench: Bench) -> None:
    """Rendered with what changed: nothing of a gauge is left that a ledger has no level of any more."""
    windowed = Bench(rules=WINDOWED)
    windowed.windows({("w", "completed"): 1}, anchor=ANCHOR, levels=(Level(WINDOW_EXECUTIONS, None, ("24h",), 17),))
    for each in (bench, windowed):
        snapshot = Snapshot()
        for after, only in ((0, None), (STALE + 1, {})):
            each.now += after
            snapshot.update(TargetLabels("roboto", "t"), list(families(each.ledger, each.rules, each.now, only=only)))
        told = snapshot.publish(0).text.decode()
        shown = {line.partition("{")[0] for line in told.splitlines() if not line.startswith("#")}
        assert RUNS.name in shown
        assert FIRST_SEEN.name in shown
        assert shown.isdisjoint({ACTIVE_RUNS.name, OLDEST_ACTIVE_RUN.name, ENABLED.name, WINDOW_EXECUTIONS.name})


# Rules 20 and 21.


def test_in_other_active_runs_add_up_over_fresh_members_and_the_oldest_is_left_out() -> None:
    bench = Bench(rules=replace(RULES, limits=replace(LIMITS, max_workloads=0)))
    bench.roster(*(Workload(name, name, enabled=True) for name in "uvw"))
    for name in "uvw":
        bench.page(running(name, START - HOUR, workload=name), listing=name)
    assert active(bench) == {(OTHER, "running"): 3}
    bench.now += STALE + 1
    bench.roster("u", "v", "w")
    for name in "uv":
        bench.page(running(name, START - HOUR, workload=name), listing=name)
    assert active(bench) == {(OTHER, "running"): 2}
    for family in (OLDEST_ACTIVE_RUN, ENABLED, INFO, FIRST_SEEN):
        assert bench.levels(family.name) == {}


def info(bench: Bench) -> list[dict[str, str]]:
    return [dict(zip(INFO.labels, labels, strict=True)) for labels in bench.levels(INFO.name)]


def test_a_label_has_exactly_one_info_series(bench: Bench) -> None:
    """Of two identities under one label the one that is listed tells the facts, then the newer."""
    first, second = (Workload(name, "same", info={"workload_id": name}, enabled=True) for name in ("1", "2"))
    bench.roster(first)
    bench.now += MINUTE
    bench.roster(first, second)
    assert [facts["workload_id"] for facts in info(bench) if facts["workload"] == "same"] == ["2"]
    bench.now += MINUTE
    bench.roster(first)
    assert [facts["workload_id"] for facts in info(bench) if facts["workload"] == "same"] == ["1"]


def test_a_changed_fact_replaces_the_info_series(bench: Bench) -> None:
    for agent in ("old", "new"):
        bench.roster(Workload("w", "w", info={"agent_id": agent}))
    assert [facts["agent_id"] for facts in info(bench) if facts["workload"] == "w"] == ["new"]


def test_a_renamed_workload_has_its_facts_under_the_new_label_only(bench: Bench) -> None:
    bench.roster(Workload("w", "new name", enabled=True))
    assert {facts["workload"] for facts in info(bench)} == {"v", "new name"}
    assert bench.levels(ENABLED.name) == {("new name",): 1}


def test_first_seen_is_the_time_of_the_first_sight_and_stays(bench: Bench) -> None:
    bench.now += DAY
    bench.roster("v", "w")
    assert bench.levels(FIRST_SEEN.name) == {("v",): START, ("w",): START}


def test_an_absent_workload_is_neither_enabled_nor_disabled(bench: Bench) -> None:
    bench.roster(Workload("v", "v", enabled=True))
    assert bench.levels(ENABLED.name) == {("v",): 1}
    assert {facts["workload"] for facts in info(bench)} == {"v", "w"}


def test_no_two_samples_of_a_family_have_the_same_labels(bench: Bench) -> None:
    """And each has as many label values as its family has labels."""
    bench.put(Roster((Workload("1", "same"), Workload("2", "same")), START, levels=(Level(ENABLED, "1", (), 1),)))
    for family in families(bench.ledger, bench.rules, bench.now):
        assert all(len(labels) == len(family.metric.labels) for labels in family.samples)


# Rules 14, 16 and 17.


def test_the_debt_of_all_series_is_one_gauge() -> None:
    bench = Bench(rules=WINDOWED)
    done, bad = ("w", "completed"), ("w", "failed")
    bench.windows({done: 9, bad: 9}, anchor=ANCHOR)
    assert bench.levels(CORRECTION_DEBT.name) == {(): 0}
    bench.windows({done: 7, bad: 6}, anchor=ANCHOR)
    assert bench.levels(CORRECTION_DEBT.name) == {(): 5}
    bench.windows({done: 6, bad: 8}, anchor=ANCHOR)
    assert bench.levels(CORRECTION_DEBT.name) == {(): 4}
    bench.windows({done: 9, bad: 10}, anchor=ANCHOR)
    assert bench.levels(CORRECTION_DEBT.name) == {(): 0}


def test_what_is_held_back_is_not_exposed_and_gauges_are_not_held() -> None:
    bench = Bench(holds=True)
    bench.roster(Workload("w", "w", enabled=True))
    bench.now += HOUR
    bench.page(ended("a", bench.now - MINUTE), running("b", bench.now))
    found = {family.metric.name: family for family in families(bench.ledger, bench.rules, bench.now)}
    assert found[RUNS.name].samples["w", "completed"] == (0,)
    assert not any(found[RUN_DURATION.name].samples["w", "completed"])  # type: ignore[arg-type]
    assert not found[RUN_DURATION.name].exemplars
    assert active(bench) == {("w", "running"): 1}
    assert SeriesKey(RUNS.name, ("w", "completed")) in series_keys(bench.ledger)


def test_created_times_come_with_their_series(bench: Bench) -> None:
    found = {family.metric.name: family for family in families(bench.ledger, bench.rules, bench.now)}
    assert found[RUNS.name].created["v", "completed"] == bench.moment.wall


def test_a_figure_without_a_workload_has_an_empty_one() -> None:
    bench = Bench(rules=WINDOWED)
    metric = BY_NAME["automation_triggered_runs_total"]
    reading = Reading(ANCHOR, START, (WindowTotal(metric, "", ("cron", ""), 1),))
    bench.put(Windows((Source("list", reading),), START))
    found = {family.metric.name: family for family in families(bench.ledger, bench.rules, bench.now)}
    assert set(found[metric.name].samples) == {("", "cron", "")}


def test_every_family_that_a_target_has_is_told_of_in_the_order_of_the_table(bench: Bench) -> None:
    told = [family.metric.name for family in families(bench.ledger, bench.rules, bench.now)]
    order = [metric.name for metric in ALL]
    assert told == sorted(told, key=order.index)
    assert len(told) == len(set(told))


def test_what_the_exporter_tells_of_itself_comes_from_no_ledger(bench: Bench) -> None:
    """Two sources of one family would be two of its TYPE lines."""
    told = {family.metric for family in families(bench.ledger, bench.rules, bench.now)}
    assert CORRECTION_DEBT in told
    assert told.isdisjoint(own.ROWS)
