"""Series: births, holds, exemplars, exact sums, folding: rules 14 to 20 as the series itself sees them."""

from __future__ import annotations

from dataclasses import replace
from sys import getsizeof

import pytest

from exporter.catalogue import ALL, BY_NAME
from exporter.catalogue.ledger import RECORDS_SKIPPED
from exporter.catalogue.model import MICRO
from exporter.catalogue.runs import DURATION_BOUNDS, RUN_DURATION, RUN_FAILURES, RUNS, TRIGGERED_RUNS
from exporter.counting import release
from exporter.counting.crowd import OTHER
from exporter.counting.ledger import Changes
from exporter.counting.memory import MemoryLedger
from exporter.counting.series import EXEMPLAR_CHARS, bucket, width
from exporter.counting.states import Series, SeriesKey
from exporter.observations import Add, Page, Run, Skipped
from exporter.times import HOUR, MINUTE, SECOND
from tests.counting.kit import LIMITS, RULES, Bench, ended, failed, hold_all

DONE = SeriesKey(RUNS.name, ("w", "completed"))
LASTED = SeriesKey(RUN_DURATION.name, ("w", "completed"))
HOLD = 120.0
"""Seconds."""


@pytest.fixture
def held() -> Bench:
    """A target with holds, an hour after its baseline, whose first series have been shown long enough."""
    bench = Bench(holds=True)
    bench.roster("w")
    bench.page(kind="sweep")
    publish(bench, 0.0)
    free(bench, HOLD)
    bench.now += HOUR
    return bench


def publish(bench: Bench, monotonic: float) -> None:
    """A snapshot with everything is ready."""
    bench.ledger.begin_holds(list(bench.ledger.holding), monotonic)


def free(bench: Bench, monotonic: float) -> list[SeriesKey]:
    """What the timer does: release what was held long enough, in one change."""
    over = bench.ledger.holds_over(monotonic, HOLD)
    bench.commit(release(bench.ledger, bench.rules, bench.moment, over))
    bench.ledger.end_holds(over)
    return over


def restart(bench: Bench) -> None:
    """What a start does to a ledger that was loaded."""
    hold_all(bench.ledger)


def page_of(bench: Bench, number: int, first: int = 0) -> None:
    """A page of completed runs."""
    bench.page(*(ended(f"{bench.now} {n}", bench.now - MINUTE) for n in range(first, first + number)))


# Rule 15.


def test_counters_start_at_zero_at_baseline_and_history_is_not_in_them() -> None:
    bench = Bench()
    bench.roster("w")
    bench.page(*(ended(str(n), bench.now - HOUR) for n in range(10)), kind="sweep")
    assert all(not any(series.shown) and not any(series.pending) for series in bench.ledger.series.values())


def test_the_ledgers_own_counters_without_labels_exist_from_the_baseline() -> None:
    bench = Bench()
    bench.roster()
    families = {metric.name for metric in ALL if metric.type == "counter" and metric.durable and not metric.labels}
    own = {name for name in families if name.startswith("automation_exporter_")}
    assert {key.family for key in bench.ledger.series} == own


def test_histograms_and_open_labels_are_born_at_first_use(held: Bench) -> None:
    families = {key.family for key in held.ledger.series}
    assert RUN_DURATION.name not in families
    page_of(held, 1)
    assert held.ledger.series[LASTED].shown == (0,) * width(RUN_DURATION)


# Rule 16.


def test_a_new_series_shows_0_first_and_its_counts_after_the_hold(held: Bench) -> None:
    """The first failure of a workload is visible to ``increase()``."""
    held.roster("w", "late")
    held.page(ended("a", held.now - MINUTE, workload="late"), listing="late")
    late = SeriesKey(RUNS.name, ("late", "completed"))
    assert held.ledger.series[late][:2] == ((0,), (1,))
    publish(held, 1000.0)
    assert free(held, 1000.0 + HOLD - 0.001) == []
    assert held.ledger.series[late].shown == (0,)
    free(held, 1000.0 + HOLD)
    assert held.ledger.series[late][:2] == ((1,), (0,))


def test_a_hold_begins_with_the_first_snapshot_that_shows_the_series(held: Bench) -> None:
    """Not with its birth: until a snapshot is ready nobody can scrape the 0."""
    held.roster("w", "late")
    late = SeriesKey(RUNS.name, ("late", "completed"))
    assert held.ledger.holding[late] is None
    assert free(held, 1e9) == []
    publish(held, 1e9)
    publish(held, 1e9 + 60)
    assert late in free(held, 1e9 + HOLD)


def test_what_is_counted_after_the_hold_is_shown_at_once(held: Bench) -> None:
    page_of(held, 3)
    assert held.ledger.series[DONE][:2] == ((3,), (0,))


def test_every_start_holds_every_counter_and_histogram_at_what_it_showed(held: Bench) -> None:
    """Every failure while the exporter was down is visible, although ``instance`` changed."""
    page_of(held, 3)
    restart(held)
    assert set(held.ledger.holding) == set(held.ledger.series)
    held.now += MINUTE
    page_of(held, 2, first=3)
    assert held.ledger.series[DONE][:2] == ((3,), (2,))
    assert held.ledger.series[LASTED].shown == (0,) * width(RUN_DURATION)
    publish(held, 5000.0)
    free(held, 5000.0 + HOLD)
    assert held.ledger.series[DONE][:2] == ((5,), (0,))
    assert sum(held.ledger.series[LASTED].shown[:-1]) == 5


def test_a_second_start_in_the_hold_shows_the_same_again(held: Bench) -> None:
    restart(held)
    page_of(held, 2)
    restart(held)
    assert held.ledger.series[DONE][:2] == ((0,), (2,))
    publish(held, 5000.0)
    free(held, 5000.0 + HOLD)
    assert held.ledger.series[DONE][:2] == ((2,), (0,))


def test_the_timer_releases_all_in_one_change(held: Bench) -> None:
    restart(held)
    page_of(held, 2)
    publish(held, 5000.0)
    over = held.ledger.holds_over(5000.0 + HOLD, HOLD)
    changes = release(held.ledger, held.rules, held.moment, over)
    assert set(changes.series) == {DONE, LASTED}
    assert not changes.windows
    assert changes.target is None


def test_without_holds_everything_is_shown_at_once() -> None:
    bench = Bench(holds=False)
    bench.roster("w")
    bench.now += HOUR
    page_of(bench, 2)
    assert bench.ledger.series[DONE][:2] == ((2,), (0,))
    assert not bench.ledger.holding


def test_the_ledgers_own_counters_are_held_too(held: Bench) -> None:
    skipped: Page[Run] = Page("w", 0, (), held.a_page().step, held.now, skipped=(Skipped("bad_record"),))
    held.put(skipped)
    assert held.ledger.series[SeriesKey(RECORDS_SKIPPED.name, ("bad_record",))][:2] == ((0,), (1,))


def test_exemplars_are_held_with_their_series(held: Bench) -> None:
    restart(held)
    page_of(held, 1)
    assert LASTED not in held.ledger.exemplars
    publish(held, 5000.0)
    free(held, 5000.0 + HOLD)
    assert set(held.ledger.exemplars) == {LASTED}


# Exemplars.


def test_a_bucket_keeps_the_run_with_the_latest_end_of_the_newest_page(held: Bench) -> None:
    page_of(held, 1)
    publish(held, 1000.0)
    free(held, 1000.0 + HOLD)
    base = held.now - HOUR
    held.page(
        ended("early", base, after=40 * SECOND),
        ended("late", base + MINUTE, after=40 * SECOND),
        ended("middle", base + SECOND, after=40 * SECOND),
        ended("long", base, after=50 * MINUTE),
    )
    found = held.ledger.exemplars[LASTED]
    minute, hour = bucket(RUN_DURATION, 40 * SECOND), bucket(RUN_DURATION, 50 * MINUTE)
    assert {at: exemplar.run_id for at, exemplar in found.items()} == {minute: "late", hour: "long"}
    assert found[minute].value == 40 * SECOND
    assert found[minute].at == held.moment.wall


def test_failure_counters_have_exemplars_and_run_counters_have_none(held: Bench) -> None:
    reason = Add(RUN_FAILURES, ("timeout", "504"))
    held.page(failed("a", held.now - MINUTE, adds=[Add(RUNS, ("failed",)), reason]))
    publish(held, 1000.0)
    free(held, 1000.0 + HOLD)
    assert set(held.ledger.exemplars) == {SeriesKey(RUN_FAILURES.name, ("w", "timeout", "504"))}


def test_an_id_that_does_not_fit_is_no_exemplar(held: Bench) -> None:
    """128 characters, the name of the label included."""
    fits = EXEMPLAR_CHARS - len("run_id")
    page_of(held, 1)
    publish(held, 1000.0)
    free(held, 1000.0 + HOLD)
    held.ledger.exemplars.clear()
    held.page(ended("x" * (fits + 1), held.now - MINUTE))
    assert not held.ledger.exemplars
    held.page(ended("x" * fits, held.now - MINUTE))
    assert set(held.ledger.exemplars) == {LASTED}


# Rules 17 and 18.


def test_a_created_time_is_that_of_the_birth_and_stays(held: Bench) -> None:
    before = {key: series.created for key, series in held.ledger.series.items()}
    assert set(before.values()) == {held.moment.wall - HOUR}
    page_of(held, 3)
    held.now += HOUR
    restart(held)
    page_of(held, 3)
    publish(held, 5000.0)
    free(held, 5000.0 + HOLD)
    assert held.ledger.series[DONE].shown == (6,)
    after = {key: series.created for key, series in held.ledger.series.items() if key in before}
    assert after == before


def test_sums_are_exact(held: Bench) -> None:
    """Ten thousand durations of a third of a second, in any order: floats would differ in the last digits."""
    third = 333_333
    for _ in range(100):
        held.now += MINUTE
        held.page(*(ended(f"{held.now} {n}", held.now - MINUTE, after=third) for n in range(100)))
    series = held.ledger.series[LASTED]
    assert series.shown[-1] + series.pending[-1] == 10_000 * third


@pytest.mark.parametrize("bound", DURATION_BOUNDS)
def test_a_value_on_a_bound_is_in_its_bucket_and_a_microsecond_more_in_the_next(bound: int) -> None:
    index = DURATION_BOUNDS.index(bound)
    assert bucket(RUN_DURATION, bound * MICRO) == index
    assert bucket(RUN_DURATION, bound * MICRO + 1) == index + 1
    assert bucket(RUN_DURATION, 2**53) == len(DURATION_BOUNDS)


def test_a_zero_duration_counts(held: Bench) -> None:
    held.page(ended("a", held.now - MINUTE, after=0))
    series = held.ledger.series[LASTED]
    assert series.pending[0] == 1
    assert series.pending[-1] == 0


def test_a_series_has_as_many_numbers_as_its_family_needs() -> None:
    for metric in ALL:
        assert width(metric) == (len(metric.bounds) + 2 if metric.type == "histogram" else 1)
    assert BY_NAME[RUN_DURATION.name].bounds == DURATION_BOUNDS


# Rule 20: open labels.


def of_trigger(bench: Bench, *kinds: str) -> None:
    """A run for each kind of trigger."""
    adds = {kind: [Add(TRIGGERED_RUNS, (kind, "completed"))] for kind in kinds}
    bench.page(*(ended(f"{bench.now} {kind}", bench.now - MINUTE, adds=adds[kind]) for kind in kinds))


def triggers(bench: Bench) -> dict[str, int]:
    """What is counted by trigger."""
    found: dict[str, int] = {}
    for key, series in bench.ledger.series.items():
        if key.family == TRIGGERED_RUNS.name:
            found[key.labels[1]] = series.shown[0] + series.pending[0]
    return found


def capped(cap: int) -> Bench:
    """A target that shows so many values of open labels."""
    bench = Bench(rules=replace(RULES, limits=replace(LIMITS, max_label_values=cap)))
    bench.roster("w")
    bench.now += HOUR
    return bench


def test_open_labels_fold_past_their_cap_in_order_of_first_sight() -> None:
    bench = capped(2)
    of_trigger(bench, "a", "b", "c")
    bench.now += MINUTE
    of_trigger(bench, "d", "a", "c")
    assert triggers(bench) == {"a": 2, "b": 1, OTHER: 3}


def test_lowering_the_cap_folds_no_value_that_is_shown() -> None:
    bench = capped(3)
    of_trigger(bench, "a", "b", "c")
    bench.rules = capped(1).rules
    bench.now += MINUTE
    of_trigger(bench, "a", "b", "c", "d")
    assert triggers(bench) == {"a": 2, "b": 2, "c": 2, OTHER: 1}


def test_a_value_that_left_with_its_workload_makes_room() -> None:
    bench = capped(1)
    of_trigger(bench, "a")
    for _ in range(4 * 102):
        bench.now += 6 * HOUR
        bench.roster("v")
    bench.roster("v", "w")
    of_trigger(bench, "b")
    assert triggers(bench) == {"b": 1}


def test_every_family_has_a_cap_of_its_own() -> None:
    bench = capped(1)
    of_trigger(bench, "a")
    bench.page(failed("f", bench.now - MINUTE, adds=[Add(RUN_FAILURES, ("timeout", "504"))]))
    assert SeriesKey(RUN_FAILURES.name, ("w", "timeout", "504")) in bench.ledger.series


def test_the_labels_that_are_open_fold_together_and_the_others_stay() -> None:
    bench = capped(0)
    bench.page(failed("f", bench.now - MINUTE, adds=[Add(RUN_FAILURES, ("timeout", "504"))]))
    of_trigger(bench, "a")
    found = {key for key in bench.ledger.series if key.family in (RUN_FAILURES.name, TRIGGERED_RUNS.name)}
    assert found == {
        SeriesKey(RUN_FAILURES.name, ("w", OTHER, OTHER)),
        SeriesKey(TRIGGERED_RUNS.name, ("w", OTHER, "completed")),
    }


def test_a_series_is_replaced_whole_and_never_altered(held: Bench) -> None:
    before = held.ledger.series[DONE]
    page_of(held, 1)
    assert before == Series((0,), (0,), held.moment.wall - HOUR)


def test_what_was_held_leaves_no_room_behind() -> None:
    """At a start every series is held; once it is not, that takes no memory."""
    ledger = MemoryLedger(holds=True)
    born = Series((1,), (0,), 0)
    ledger.apply(Changes(series={SeriesKey(RUNS.name, (f"w{index}", "completed")): born for index in range(1000)}))
    held = getsizeof(ledger.holding)
    ledger.end_holds(list(ledger.holding))
    assert getsizeof(ledger.holding) < held / 100
