"""Where the reading of listings stands: rules 6, 7 and 9 as counting sees them, and 25 to 27."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.catalogue.ledger import GAP_END, GAP_SECONDS, LATE_RUNS_SKIPPED
from exporter.counting.ledger import Changes
from exporter.counting.states import ListingState, SeriesKey
from exporter.observations import Page, Roster, Run, Workload
from exporter.times import DAY, HOUR, MINUTE, Micros
from tests.counting.kit import LIMITS, RULES, START, Bench, ended, running

OVERLAP, MEMORY = LIMITS.overlap, LIMITS.memory
GAP = SeriesKey(GAP_END.name, ())


@pytest.fixture
def bench() -> Bench:
    """A target one hour after its baseline, its listing read down to the floor."""
    bench = Bench()
    bench.roster("w")
    bench.page(kind="sweep")
    bench.now += HOUR
    return bench


def state(bench: Bench, listing: str = "w") -> ListingState:
    return bench.ledger.listings[listing]


def floor(bench: Bench) -> Micros:
    assert bench.ledger.target is not None
    return bench.ledger.target.floor


def data_at(bench: Bench) -> Micros | None:
    assert bench.ledger.target is not None
    return bench.ledger.target.data_at


# Rule 6: the horizon.


def test_the_horizon_is_the_newest_birth_less_overlap(bench: Bench) -> None:
    newest = bench.now - 7 * MINUTE
    bench.page(ended("a", newest), ended("b", newest - HOUR))
    assert state(bench).horizon == newest - OVERLAP


def test_a_birth_in_the_future_puts_the_horizon_no_further_than_now(bench: Bench) -> None:
    bench.page(ended("a", bench.now + 30 * MINUTE))
    assert state(bench).horizon == bench.now - OVERLAP


def test_the_horizon_of_an_empty_listing_is_now_less_overlap() -> None:
    bench = Bench()
    bench.roster("w")
    bench.page(kind="sweep")
    assert state(bench).horizon == START - OVERLAP


def test_the_horizon_follows_the_upstreams_clock_and_not_ours(bench: Bench) -> None:
    """Rule 26: it is not guarded, since our clock has no part in it."""
    bench.upstream_skew = 3 * HOUR
    bench.page(ended("a", bench.upstream_now - MINUTE))
    before = state(bench).horizon
    bench.now += DAY
    bench.page(ended("b", bench.upstream_now - MINUTE))
    assert before is not None
    assert state(bench).horizon == before + DAY


def test_the_cursor_moves_only_when_the_walk_was_complete(bench: Bench) -> None:
    before = state(bench).horizon
    bench.now += HOUR
    bench.page(ended("a", bench.now - MINUTE), complete=False, link="next")
    assert state(bench).horizon == before
    bench.page(ended("b", bench.now - 2 * HOUR), top=bench.now - MINUTE)
    assert state(bench).horizon == bench.now - MINUTE - OVERLAP


def test_horizon_and_newest_never_move_back(bench: Bench) -> None:
    """The newest runs were deleted, or the upstream's clock went back."""
    bench.page(ended("a", bench.now - MINUTE))
    before = state(bench)
    for skew in (0, -2 * HOUR):
        bench.upstream_skew = skew
        bench.page(ended("old", bench.now - 5 * HOUR))
        assert (state(bench).horizon, state(bench).newest) == (before.horizon, before.newest)


# Rule 6: the floor.


def test_the_floor_begins_memory_before_the_baseline() -> None:
    bench = Bench()
    bench.roster("w")
    assert floor(bench) == START - MEMORY


def test_the_floor_moves_after_complete_walks_only(bench: Bench) -> None:
    bench.finish()
    bench.now += 3 * DAY
    bench.page(ended("a", bench.now - HOUR), complete=False, link="next")
    bench.finish()
    assert floor(bench) == START - MEMORY
    bench.page(top=bench.now - HOUR)
    bench.finish()
    bench.page(top=bench.now - HOUR)
    assert floor(bench) == bench.now - HOUR - MEMORY


def test_the_floor_waits_for_the_first_poll_to_end() -> None:
    """A kill after the first roster, and weeks until the next start: the runs since are owed by every listing."""
    bench = Bench()
    bench.roster("v", "w")
    bench.now += 30 * DAY
    for name in "vw":
        bench.page(ended(f"new {name}", bench.now - HOUR, workload=name), listing=name, kind="sweep")
        bench.page(ended(f"old {name}", START + HOUR, workload=name), listing=name)
    assert bench.counted("v") == bench.counted("w") == {"completed": 2}
    assert bench.own(LATE_RUNS_SKIPPED.name) == 0


def test_the_floor_never_moves_back(bench: Bench) -> None:
    for _ in range(3):
        bench.now += 3 * DAY
        bench.page(ended(f"{bench.now}", bench.now - HOUR))
        bench.finish()
    before = floor(bench)
    bench.upstream_skew = -5 * DAY
    bench.page(ended("old", bench.upstream_now - HOUR))
    bench.rules = replace(RULES, limits=replace(LIMITS, memory=30 * DAY))
    bench.page(ended("older", bench.upstream_now - HOUR))
    bench.finish()
    assert floor(bench) == before


def test_a_quiet_listing_holds_its_own_floor_back(bench: Bench) -> None:
    """Its newest birth says how far it was written, whatever our clock says."""
    last = bench.now
    bench.page(ended("last", last))
    for _ in range(30):
        bench.now += DAY
        bench.page(top=last)
        bench.finish()
    assert floor(bench) <= last - MEMORY


def test_the_baseline_never_moves(bench: Bench) -> None:
    for _ in range(3):
        bench.now += DAY
        bench.roster("w")
        bench.page(ended(f"{bench.now}", bench.now - HOUR))
        bench.finish()
    assert bench.ledger.target is not None
    assert bench.ledger.target.baseline_at == START


def test_a_day_is_pruned_whole_and_the_days_after_it_stay() -> None:
    ledger = Bench().ledger
    ledger.keep_ids(Changes(remember=[(day, "x") for day in range(3)]))
    ledger.keep_ids(Changes(prune_before_day=1))
    assert [day for day in range(3) if ledger.remembered({day: ["x"]})] == [1, 2]


def test_nothing_is_pruned_while_the_clocks_disagree(bench: Bench) -> None:
    bench.page(ended("a", bench.now - MINUTE), ended("timeless", None))
    for _ in range(20):
        bench.now += DAY
        bench.page(ended(f"{bench.now}", bench.now - HOUR))
        bench.finish(trusted=False)
    assert bench.remembers("a")
    bench.finish()
    assert not bench.remembers("a")


def test_a_run_without_times_is_kept_until_it_was_unseen_for_long(bench: Bench) -> None:
    bench.page(ended("timeless", None))
    for _ in range(99):
        bench.now += DAY
        bench.page(ended(f"{bench.now}", bench.now - HOUR))
        bench.finish()
    assert "timeless" in bench.ledger.timeless
    bench.now += 2 * DAY
    bench.page(ended(f"{bench.now}", bench.now - HOUR))
    bench.finish()
    assert "timeless" not in bench.ledger.timeless


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_no_id_above_the_floor_is_pruned(hour: int) -> None:
    """Whatever the hour at which the floor stands: a day is pruned when it lies below as a whole."""
    bench = Bench(now=START + hour * HOUR)
    bench.roster("w")
    bench.page(kind="sweep")
    for _ in range(40):
        bench.now += 12 * HOUR
        bench.page(ended(f"{bench.now}", bench.now - HOUR), kind="sweep")
        bench.finish()
        at = floor(bench)
        kept = [f"{time}" for time in range(START + hour * HOUR, bench.now + 1, 12 * HOUR) if time - HOUR >= at]
        assert all(bench.remembers(run_id) for run_id in kept if int(run_id) > START + hour * HOUR)
    assert bench.own(LATE_RUNS_SKIPPED.name) == 0


# Rule 7: broken and sliced walks.


def test_a_walk_that_breaks_off_leaves_where_to_go_on(bench: Bench) -> None:
    newest = bench.now - MINUTE
    page = bench.a_page(ended("a", newest), complete=False, link="page 2", kind="sweep")
    bench.put(page)
    bench.fail()
    left = state(bench)
    assert (left.link, left.top, left.kind) == ("page 2", newest, "sweep")
    assert (left.walk_started, left.depth) == (page.step.started, page.step.depth)
    assert left.failed == "server_error"


def test_while_the_top_is_read_again_the_stored_link_stays(bench: Bench) -> None:
    bench.page(ended("a", bench.now - MINUTE), complete=False, link="page 2")
    before = state(bench)
    bench.now += MINUTE
    bench.page(ended("b", bench.now - MINUTE), complete=False, keep_link=True)
    assert state(bench) == before._replace(newest_id="b")
    assert bench.counted() == {"completed": 2}


def test_a_complete_walk_forgets_the_link(bench: Bench) -> None:
    bench.page(ended("a", bench.now - MINUTE), complete=False, link="page 2")
    bench.page(ended("b", bench.now - HOUR), top=bench.now - MINUTE)
    done = state(bench)
    assert (done.link, done.top, done.kind, done.walk_started, done.depth) == (None,) * 5


@pytest.mark.parametrize("by", ["a page", "a failure"])
def test_a_link_that_was_refused_is_dropped(bench: Bench, by: str) -> None:
    """An expired token would stop the target for ever."""
    bench.page(ended("a", bench.now - MINUTE), complete=False, link="page 2")
    before = state(bench).horizon
    if by == "a page":
        bench.page(ended("b", bench.now - MINUTE), complete=False, keep_link=True, drop_link=True)
    else:
        bench.fail(drop_link=True)
    assert state(bench).link is None
    assert state(bench).top is None
    assert state(bench).horizon == before


def test_a_failure_leaves_the_cursor_and_says_so(bench: Bench) -> None:
    before = state(bench)
    bench.now += HOUR
    bench.fail(gone=True)
    after = state(bench)
    assert (after.failed, after.failed_at, after.gone) == ("server_error", bench.now, True)
    assert after._replace(failed=None, failed_at=None, gone=False) == before
    bench.page(ended("a", bench.now - MINUTE))
    assert (state(bench).failed, state(bench).failed_at, state(bench).gone) == (None, None, False)


def test_a_slice_of_a_sweep_is_a_whole_reading_but_moves_no_cursor(bench: Bench) -> None:
    before = state(bench)
    bench.now += HOUR
    bench.page(ended("a", bench.now - MINUTE), kind="sweep", complete=False, whole=True, link="deeper")
    after = state(bench)
    assert after.last_whole == bench.now
    assert (after.horizon, after.last_sweep) == (before.horizon, before.last_sweep)
    assert after.link == "deeper"


def test_a_sweep_is_as_old_as_its_first_slice(bench: Bench) -> None:
    started = bench.now
    bench.page(kind="sweep", complete=False, whole=True, link="deeper", started=started)
    bench.now += HOUR
    bench.page(kind="sweep", started=started)
    assert state(bench).last_sweep == started


@pytest.mark.parametrize(("kind", "deep"), [("ordinary", False), ("deep", True), ("sweep", True)])
def test_sweeps_are_deep_readings_too(bench: Bench, kind: str, deep: bool) -> None:
    bench.now += HOUR
    bench.page(kind="sweep" if kind == "sweep" else "deep" if kind == "deep" else "ordinary")
    assert (state(bench).last_deep == bench.now) is deep
    assert (state(bench).last_sweep == bench.now) is (kind == "sweep")


def test_a_run_seen_in_an_earlier_slice_was_not_missed_by_the_sweep(bench: Bench) -> None:
    born = bench.now
    for _ in range(3):
        bench.now += 2 * HOUR
        started = bench.now
        bench.page(running("a", born), kind="sweep", complete=False, whole=True, link="deeper", started=started)
        bench.now += HOUR
        bench.page(kind="sweep", started=started)
    assert bench.ledger.open_runs["a"].missed == 0


def test_unsorted_stays_until_a_sweep_says_otherwise(bench: Bench) -> None:
    bench.page(unsorted=True)
    assert state(bench).unsorted
    bench.page()
    bench.page(kind="deep")
    assert state(bench).unsorted
    bench.page(kind="sweep")
    assert not state(bench).unsorted


def test_pages_of_different_listings_commute() -> None:
    """Rule 1: order matters within a listing only."""
    results = []
    for order in ((0, 1), (1, 0)):
        bench = Bench()
        bench.roster("v", "w")
        bench.now += HOUR
        pages: list[Page[Run]] = [
            bench.a_page(ended("a", START + MINUTE, workload="v"), listing="v"),
            bench.a_page(ended("b", START + MINUTE), running("c", START), listing="w"),
        ]
        for index in order:
            bench.put(pages[index])
        ledger = bench.ledger
        results.append(
            (ledger.target, ledger.listings, ledger.open_runs, ledger.workloads, ledger.series, ledger.marks)
        )
    assert results[0] == results[1]


# Rule 25: data time and gaps.


def poll(bench: Bench, *listings: str) -> None:
    """A poll that reads these listings whole."""
    for listing in listings:
        bench.page(listing=listing)
    bench.finish()


def test_data_are_as_old_as_the_listing_that_was_read_longest_ago() -> None:
    bench = Bench()
    bench.roster("v", "w")
    poll(bench, "v", "w")
    bench.now += 2 * MINUTE
    poll(bench, "v")
    assert data_at(bench) == START
    bench.now += MINUTE
    poll(bench, "w")
    assert data_at(bench) == START + 2 * MINUTE


def test_a_new_workloads_listing_counts_from_its_first_sight(bench: Bench) -> None:
    poll(bench, "w")
    bench.now += MINUTE
    bench.roster("w", "late")
    seen = bench.now
    bench.now += MINUTE
    poll(bench, "w")
    assert data_at(bench) == seen


@pytest.mark.parametrize("how", ["disabled", "absent"])
def test_disabled_and_absent_workloads_do_not_hold_the_data_time_back(bench: Bench, how: str) -> None:
    bench.roster("w", "x")
    poll(bench, "w", "x")
    bench.now += 2 * MINUTE
    bench.roster("w", *([Workload("x", "x", enabled=False)] if how == "disabled" else []))
    poll(bench, "w")
    assert data_at(bench) == bench.now


SHARED = replace(RULES, listings_per_workload=False)
"""A platform whose listings hold several workloads each."""


def test_a_listing_that_is_no_longer_read_does_not_hold_the_data_time_back() -> None:
    """A roster names those that are; what is open goes with the first of them."""
    bench = Bench(rules=SHARED)
    poll(bench, "one", "two")
    bench.page(running("a", bench.now), listing="two")
    bench.fail("two")
    bench.now += 2 * HOUR
    bench.put(Roster((Workload("w", "w"),), bench.upstream_now, listings=("one",)))
    poll(bench, "one")
    assert data_at(bench) == bench.now
    assert [*bench.ledger.listings] == ["one"]
    assert bench.ledger.open_runs["a"].listing == "one"


def test_a_roster_that_names_no_listings_drops_none() -> None:
    """Most platforms have one for good, or one for each workload."""
    bench = Bench(rules=SHARED)
    poll(bench, "one", "two")
    bench.roster("w")
    assert [*bench.ledger.listings] == ["one", "two"]


def test_a_listing_that_was_never_read_counts_from_the_first_poll() -> None:
    """One of several fails from the start: what it holds is not known since then."""
    bench = Bench(rules=SHARED)
    for _ in range(3):
        bench.page(listing="one")
        bench.fail("two")
        bench.finish()
        bench.now += HOUR
    assert data_at(bench) == START


def test_an_open_run_that_another_listing_shows_is_followed_there() -> None:
    """An agent has moved from one request to another."""
    bench = Bench(rules=SHARED)
    bench.page(running("a", bench.now), listing="two")
    bench.page(running("a", bench.now), listing="one")
    assert bench.ledger.open_runs["a"].listing == "one"


def test_the_data_time_never_falls(bench: Bench) -> None:
    """A workload that is enabled again was last read long ago."""
    bench.roster("w", "x")
    poll(bench, "w", "x")
    bench.now += 2 * MINUTE
    bench.roster("w", Workload("x", "x", enabled=False))
    poll(bench, "w")
    before = data_at(bench)
    bench.now += MINUTE
    bench.roster("w", "x")
    poll(bench, "w")
    assert data_at(bench) == before


def test_a_gap_is_told_of_when_it_was_closed(bench: Bench) -> None:
    poll(bench, "w")
    before = bench.now
    bench.now += 5 * HOUR
    bench.fail()
    bench.finish()
    assert bench.own(GAP_SECONDS.name) == 0
    poll(bench, "w")
    assert bench.own(GAP_SECONDS.name) == bench.now - before
    assert bench.ledger.marks[GAP] == bench.now
    bench.now += MINUTE
    poll(bench, "w")
    assert bench.own(GAP_SECONDS.name) == 5 * HOUR
    assert bench.ledger.marks[GAP] == bench.now - MINUTE


@pytest.mark.parametrize(("intervals", "told"), [(3, 0), (4, 4 * MINUTE)])
def test_three_intervals_are_no_gap(bench: Bench, intervals: int, told: int) -> None:
    poll(bench, "w")
    bench.now += intervals * MINUTE
    poll(bench, "w")
    assert bench.own(GAP_SECONDS.name) == told


def test_the_end_of_a_poll_without_any_batch_changes_nothing() -> None:
    bench = Bench()
    bench.finish()
    assert bench.ledger.target is None
    assert not bench.ledger.series
