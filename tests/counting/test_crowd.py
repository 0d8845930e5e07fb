"""``max_series``: how many series a target shows at most, and where the rest is added up (rule 20)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.catalogue import ALL
from exporter.catalogue.runs import RUN_FAILURES, RUNS, SCHEDULE_FIRED, SCHEDULE_MISSED, TRIGGERED_RUNS
from exporter.counting import has_room
from exporter.counting.crowd import OTHER, gauges, reserved
from exporter.counting.limits import Rules
from exporter.counting.states import SeriesKey
from exporter.exposed import families
from exporter.observations import Add, Delivery, Mark, Run, Schedule, Windows, Workload
from exporter.platforms import PLATFORMS
from exporter.times import DAY, HOUR, MINUTE
from tests.counting.kit import LIMITS, RULES, Bench, ended, looks, with_adds, with_marks

RESERVED = reserved("foundry", LIMITS.max_label_values)
ONE = gauges("foundry") + len(RULES.births)
"""What a workload takes when it is first seen."""


def capped(more: int, dropped: frozenset[str] = frozenset()) -> Bench:
    """A target that may show so many series beside those that are kept free."""
    return Bench(rules=rules(more, dropped))


def rules(more: int, dropped: frozenset[str] = frozenset()) -> Rules:
    return replace(RULES, limits=replace(LIMITS, max_series=RESERVED + more, drop_labels=dropped))


def shown(bench: Bench) -> int:
    """How many series are exposed, as text shows them."""
    lines = 0
    for family in families(bench.ledger, bench.rules, bench.now):
        each = len(family.metric.bounds) + 3 if family.metric.type == "histogram" else 1
        lines += each * len(family.samples)
    return lines


def slots(bench: Bench) -> dict[str, str]:
    return {identity: state.slot for identity, state in bench.ledger.workloads.items()}


def test_a_workload_without_room_for_its_first_series_is_folded() -> None:
    bench = capped(2 * ONE)
    bench.roster("a", "b", "c")
    assert slots(bench) == {"a": "a", "b": "b", "c": OTHER}
    assert bench.ledger.crowded


def test_at_the_limit_nobody_is_folded() -> None:
    bench = capped(3 * ONE)
    bench.roster("a", "b", "c")
    assert OTHER not in slots(bench).values()
    assert not bench.ledger.crowded


def test_a_figure_that_falls_after_it_found_a_place_keeps_the_sum_right() -> None:
    """What it rose by at first is in ``_other``, what it falls by is owed where it is now: together they are the truth,
    also when the debt is written off."""
    bench = Bench(rules=replace(rules(gauges("foundry")), births=(), states=(), listings_per_workload=False))
    figure, anchor = ("w", "completed"), bench.now - DAY
    bench.windows({}, anchor=anchor, workloads=[Workload("w", "w")], complete=False)
    bench.put(Windows((), bench.now, (Workload("w", "w"),)))
    bench.by_name("w", {figure: 5}, start=bench.now)
    start = bench.now
    assert (bench.counted("w"), bench.counted(OTHER)) == ({}, {"completed": 5})
    bench.rules = replace(bench.rules, limits=LIMITS)
    for value in (8, 1):
        bench.now += MINUTE
        bench.by_name("w", {figure: value}, start=start)
        assert bench.truth("w", "completed") + bench.truth(OTHER, "completed") == value
    assert (bench.counted("w"), bench.debt("w", "completed")) == ({"completed": 3}, 7)
    bench.now += DAY
    bench.windows({}, anchor=anchor, complete=False)
    bench.finish()
    assert bench.debt("w", "completed") == 0
    assert bench.truth("w", "completed") + bench.truth(OTHER, "completed") == 1


def test_a_lower_limit_folds_nobody_who_is_shown_and_a_higher_one_unfolds_no_workload() -> None:
    bench = capped(2 * ONE)
    bench.roster("a", "b", "c")
    bench.rules = rules(0)
    bench.roster("a", "b", "c", "d")
    assert slots(bench) == {"a": "a", "b": "b", "c": OTHER, "d": OTHER}
    bench.rules = rules(100 * ONE)
    bench.roster("a", "b", "c", "d", "e")
    assert slots(bench) == {"a": "a", "b": "b", "c": OTHER, "d": OTHER, "e": "e"}


def test_a_histogram_without_room_is_added_up_in_other_and_its_run_is_counted_where_it_belongs() -> None:
    bench = capped(ONE + 3)
    bench.roster("a")
    bench.now += HOUR
    bench.page(ended("1", bench.now - MINUTE, workload="a"), listing="a")
    assert bench.counted("a") == {"completed": 1}
    families_of = {key.labels[0]: key.family for key in bench.ledger.series if key.family.endswith("_seconds")}
    assert families_of == {OTHER: "automation_run_duration_seconds"}


def test_a_value_without_room_is_added_up_under_other_of_its_workload_where_that_is_there() -> None:
    bench = capped(ONE + 1)
    bench.roster("a")
    bench.now += HOUR
    for reason in ("timeout", "refused", "timeout"):
        add = Add(RUN_FAILURES, (reason, ""))
        bench.page(ended(f"{bench.now}", bench.now - MINUTE, workload="a", adds=[add]), listing="a")
        bench.now += MINUTE
    assert bench.total("a", "timeout", "", family=RUN_FAILURES.name) == 2
    assert bench.total(OTHER, OTHER, OTHER, family=RUN_FAILURES.name) == 1


def test_what_is_dropped_takes_no_room() -> None:
    """Reasons by the hundred are one series where the reason is dropped."""
    adds = [Add(RUN_FAILURES, (f"reason {number}", "500")) for number in range(40)]
    folded = {}
    for names in (frozenset[str](), frozenset({"reason", "status_code"})):
        bench = capped(ONE + 1, names)
        bench.roster("a")
        bench.now += HOUR
        bench.page(ended("1", bench.now - MINUTE, workload="a", adds=adds), listing="a")
        folded[len(names)] = bench.ledger.crowded
        assert shown(bench) <= RESERVED + ONE + 1
    assert folded == {0: True, 2: False}


def test_in_a_full_target_a_renamed_workload_shows_only_what_it_is_called_now() -> None:
    bench = capped(ONE)
    bench.roster(Workload("a", "old"))
    bench.now += MINUTE
    bench.roster(Workload("a", "new"))
    assert {key.labels[0] for key in bench.ledger.series if key.family == RUNS.name} == {"new"}


def test_a_trigger_is_followed_where_there_is_room() -> None:
    schedules = tuple(Schedule(name, "0 9 * * *", "UTC", None) for name in ("first", "second"))
    bench = capped(ONE + 4)
    bench.roster(Workload("a", "a", schedules=schedules))
    assert {key.labels[1] for key in bench.ledger.series if key.family == SCHEDULE_MISSED.name} == {"first"}
    assert [name for name, _ in bench.ledger.workloads["a"].triggers] == ["first"]


def test_triggers_that_only_runs_name_are_capped_too() -> None:
    """Any run can name a trigger; one with a new name at every run must not fill the exposition."""
    bench = Bench(rules=replace(RULES, limits=replace(LIMITS, max_label_values=3)))
    bench.roster("a")
    bench.now += HOUR
    for number in range(9):
        at = bench.now - MINUTE
        fired = Mark(SCHEDULE_FIRED, (f"trigger {number}",), at)
        told = Delivery(f"trigger {number}", at)
        run = with_marks(ended(f"{number}", at, workload="a")._replace(delivery=told), fired)
        bench.page(run, listing="a")
        bench.now += MINUTE
    assert sum(key.family == SCHEDULE_FIRED.name for key in bench.ledger.marks) == 3


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_smallest_limit_leaves_room_for_workloads(platform: str) -> None:
    """Whatever label values are allowed by default, what is kept free is less than the least that can be configured."""
    assert reserved(platform, LIMITS.max_label_values) + 10 * gauges(platform) < 2_000


def test_no_label_that_can_have_many_values_is_thought_to_have_one() -> None:
    """What is kept free is computed from the closed labels; a new one must be given its number of values."""
    told = {name for metric in ALL if metric.sources for name in metric.labels if name not in metric.open_labels}
    one_each = {"workload", "window", "trigger_name", "trigger_type", "workload_id", "agent_id", "org_id", "schedule"}
    assert told - one_each - {"time_zone"} == {"outcome", "state", "status", "kind", "q"}


def run_of(number: int, bench: Bench, workload: str, reason: str, outcome: str) -> Run:
    adds = [
        Add(RUNS, (outcome,)),
        Add(RUN_FAILURES, (reason, "")),
        Add(TRIGGERED_RUNS, (reason, outcome)),
    ]
    run = ended(f"run {number}", bench.now - MINUTE, workload=workload, outcome=outcome)
    return with_adds(run, *run.adds, *adds[1:])


SEEN = st.tuples(
    st.sampled_from("abcdefghij"),
    st.sampled_from("pqrstuvw"),
    st.sampled_from(["completed", "failed", "cancelled", "unknown"]),
)


DROPPED = st.sets(st.sampled_from(["reason", "trigger_type"]))


@settings(deadline=None)
@given(st.lists(SEEN, min_size=30, max_size=60), st.integers(0, 300), DROPPED)
def test_the_limit_holds_and_every_run_is_counted(
    seen: list[tuple[str, str, str]], more: int, dropped: set[str]
) -> None:
    """Never more series than allowed, sums as if nothing was folded, and who is shown stays."""
    bench = capped(more, frozenset(dropped))
    bench.roster()
    before: Counter[SeriesKey] = Counter()
    left: Counter[str] = Counter()
    for number, (workload, reason, outcome) in enumerate(seen):
        bench.now += MINUTE
        triggers = (Schedule(reason, "0 * * * *", "UTC", None),)
        bench.roster(Workload(workload, f"{workload}{number % 7 // 6}", schedules=triggers, enabled=True))
        bench.page(run_of(number, bench, workload, reason, outcome), listing=workload)
        assert shown(bench) <= bench.rules.limits.max_series
        now = Counter({key: sum(series.shown) for key, series in bench.ledger.series.items()})
        for key, value in before.items():
            assert key not in now or now[key] >= value
            left[key.family] += 0 if key in now else value  # under earlier names of workloads, which may leave
        before = now
    for metric in (RUNS, RUN_FAILURES, TRIGGERED_RUNS):
        kept = sum(value for key, value in before.items() if key.family == metric.name)
        assert kept + left[metric.name] == len(seen)


@settings(deadline=None)
@given(st.lists(SEEN, max_size=40), st.integers(0, 400))
def test_memory_knows_how_many_series_there_are(seen: list[tuple[str, str, str]], more: int) -> None:
    """What is kept up to date is what would be counted anew, also over workloads that are forgotten."""
    bench = capped(more)
    for number, (workload, reason, outcome) in enumerate(seen):
        bench.now += 30 * DAY
        bench.roster(workload)
        bench.page(run_of(number, bench, workload, reason, outcome), listing=workload)
    kept = bench.ledger.crowd(frozenset())
    fresh = Bench().ledger
    fresh.series, fresh.marks = bench.ledger.series, bench.ledger.marks
    assert kept.weight == fresh.crowd(frozenset()).weight


def test_however_many_triggers_a_page_names_all_times_are_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the triggers past the cap every run would look through all, at every page."""
    bench = Bench()
    bench.roster("w")
    looked = looks(monkeypatch, "all_marks")
    for page in range(2):
        runs = [ended(f"{page}-{number}", bench.now, adds=()) for number in range(60)]
        bench.page(*(with_marks(run, Mark(SCHEDULE_FIRED, (run.id,), bench.now)) for run in runs))
    assert len(looked) == 2
    assert sum(key.family == SCHEDULE_FIRED.name for key in bench.ledger.marks) == LIMITS.max_label_values


@pytest.mark.parametrize(("places", "expected"), [(2, False), (3, True)])
def test_whether_one_more_workload_would_fit_is_told(places: int, expected: bool) -> None:
    """Also after a start, when nobody was refused yet."""
    bench = capped(places * ONE)
    bench.roster("a", "b")
    assert has_room(bench.ledger, bench.rules, bench.moment) is expected
