"""Runs from listings: rules 3 to 9."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.catalogue.ledger import LATE_RUNS_SKIPPED, RUNS_EXPIRED
from exporter.catalogue.moderately import RUN_STEPS
from exporter.catalogue.runs import LAST_RUN, RUN_DURATION, RUNS, SCHEDULE_FIRED
from exporter.counting.states import SeriesKey
from exporter.observations import Add, Delivery, Mark, Schedule, WalkKind, Workload
from exporter.times import DAY, HOUR, MINUTE, SECOND
from tests.counting.kit import START, Bench, ended, failed, running, with_marks


@pytest.fixture
def bench() -> Bench:
    """A target one hour after its baseline."""
    bench = Bench()
    bench.roster("w")
    bench.page(kind="sweep")
    bench.now += HOUR
    return bench


def test_a_run_is_counted_when_first_seen_ended(bench: Bench) -> None:
    bench.page(ended("a", bench.now - 5 * MINUTE))
    assert bench.counted() == {"completed": 1}


def test_a_repeated_page_changes_nothing(bench: Bench) -> None:
    page = bench.a_page(ended("a", bench.now - 5 * MINUTE), running("b", bench.now - MINUTE))
    bench.put(page)
    before = dict(bench.ledger.series)
    bench.put(page)
    assert dict(bench.ledger.series) == before


def test_the_same_run_twice_on_a_page_counts_once(bench: Bench) -> None:
    run = ended("a", bench.now - 5 * MINUTE)
    bench.page(run, run)
    assert bench.counted() == {"completed": 1}


def test_an_open_run_that_a_page_shows_ended_twice_counts_once(bench: Bench) -> None:
    """A page that shifted while it was read repeats a row, and the run was open until now."""
    born = bench.now - 5 * MINUTE
    bench.page(running("a", born))
    bench.page(ended("a", born), ended("a", born))
    assert bench.counted() == {"completed": 1}
    assert not bench.ledger.open_runs


def test_a_page_that_shows_a_run_ended_and_open_counts_it_once(bench: Bench) -> None:
    """Whichever row comes first; the one that ended has no end time, so nothing tells which is the newer."""
    born = bench.now - 5 * MINUTE
    bench.page(running("a", born), running("b", born))
    done = [ended(name, born)._replace(finished=None) for name in "ab"]
    bench.page(done[0], running("a", born), running("b", born), done[1])
    bench.page(*done)
    assert bench.counted() == {"completed": 2}
    assert not bench.ledger.open_runs


def test_a_run_that_expires_is_given_up_once_even_if_the_page_repeats_it(bench: Bench) -> None:
    born = bench.now
    bench.page(running("a", born))
    bench.now += 8 * DAY
    bench.page(running("a", born), running("a", born))
    assert bench.own(RUNS_EXPIRED.name) == 1
    assert bench.own(LATE_RUNS_SKIPPED.name) == 0


def test_a_change_of_an_ended_run_changes_nothing(bench: Bench) -> None:
    bench.page(ended("a", bench.now - 5 * MINUTE))
    bench.page(failed("a", bench.now - 5 * MINUTE))
    assert bench.counted() == {"completed": 1}


@pytest.mark.parametrize("by", [-DAY, 0, DAY])
def test_a_run_whose_times_move_by_a_day_is_not_counted_again(bench: Bench, by: int) -> None:
    """Beside runs of other days, known and new, and one that lasted for three."""
    bench.now += 5 * DAY
    old = [ended(f"{days}", bench.now - days * DAY - HOUR) for days in (1, 2, 3)]
    long = ended("long", bench.now - 4 * DAY, after=3 * DAY)
    bench.page(*old, long)
    moved = [ended(run.id, (run.started or 0) + by) for run in old]
    bench.page(ended("new", bench.now - HOUR), *moved, ended("long", bench.now - 4 * DAY + by, after=3 * DAY))
    assert bench.counted() == {"completed": 5}


def test_a_run_that_reopens_after_days_is_not_counted_again(bench: Bench) -> None:
    born = bench.now - MINUTE
    bench.now += 2 * DAY
    bench.page(ended("a", born, after=2 * DAY))
    bench.page(running("a", born))
    bench.page(ended("a", born, after=2 * DAY + HOUR))
    assert bench.counted() == {"completed": 1}
    assert not bench.ledger.open_runs


def test_an_open_run_counts_when_it_ends(bench: Bench) -> None:
    born = bench.now - MINUTE
    bench.page(running("a", born))
    assert bench.counted() == {}
    bench.now += MINUTE
    bench.page(ended("a", born))
    assert bench.counted() == {"completed": 1}
    assert not bench.ledger.open_runs


@pytest.mark.parametrize("at", [DAY, 946_684_799 * SECOND, START + HOUR + 2 * HOUR])
def test_an_unbelievable_time_counts_as_missing(bench: Bench, at: int) -> None:
    """1970, 1999 and more than an hour ahead: the run counts, its duration does not."""
    run = ended("a", bench.now - MINUTE)
    bench.page(run._replace(finished=at))
    assert bench.counted() == {"completed": 1}
    assert SeriesKey(RUN_DURATION.name, ("w", "completed")) not in bench.ledger.series
    born = bench.now - MINUTE
    bench.page(ended("a", born), ended("b", born))
    assert bench.counted() == {"completed": 2}


def test_what_does_not_come_from_an_unbelievable_time_still_counts(bench: Bench) -> None:
    """The steps of an execution are no matter of time; the fire time of 2099 is none, and ends nothing overdue."""
    run = ended("a", bench.now - MINUTE, adds=[Add(RUNS, ("completed",)), Add(RUN_STEPS, ("completed",), 7)])
    far = START + 73 * 365 * DAY
    marks = (Mark(SCHEDULE_FIRED, ("cron",), far), Mark(LAST_RUN, ("completed",), bench.now))
    bench.page(with_marks(run._replace(finished=far, delivery=Delivery("cron", far)), *marks))
    assert bench.counted() == {"completed": 1}
    assert bench.total("w", "completed", family=RUN_STEPS.name) == 7
    assert {key.family for key in bench.ledger.marks} == {LAST_RUN.name}


def test_a_believable_run_with_an_unbelievable_fire_time_loses_only_that(bench: Bench) -> None:
    far = START + 73 * 365 * DAY
    bench.roster(Workload("w", "w", schedules=(Schedule("cron", "0 * * * *"),)))
    run = ended("a", bench.now - MINUTE)._replace(delivery=Delivery("cron", far))
    bench.page(with_marks(run, Mark(SCHEDULE_FIRED, ("cron",), far)))
    assert not bench.ledger.marks
    assert bench.ledger.workloads["w"].triggers[0][1].delivered == ()
    assert bench.total("w", "completed", family=RUN_DURATION.name) == MINUTE


@pytest.mark.parametrize(("minutes", "counted"), [(0, {}), (-3, {}), (-10, {"completed": 1})])
def test_runs_of_an_upstream_that_was_set_back_are_no_history(minutes: int, counted: dict[str, int]) -> None:
    """Ended 5 minutes before the baseline by the upstream's clock, which it can only have when that was set back."""
    bench = Bench()
    bench.page(ended("history", START - 2 * MINUTE), kind="sweep")
    bench.now += 12 * MINUTE
    bench.upstream_skew = minutes * MINUTE
    late = ended("late", START - 5 * MINUTE)
    bench.page(late, ended("history", START - 2 * MINUTE + bench.upstream_skew))
    bench.upstream_skew = 0
    bench.page(late)
    assert bench.counted() == counted


def test_an_upstream_to_which_the_baseline_is_yet_to_come_tells_no_history() -> None:
    """Also when our own clock was set back with it, so that their difference says nothing."""
    bench = Bench()
    bench.page(ended("history", START - 2 * MINUTE), kind="sweep")
    bench.now -= 4 * MINUTE
    bench.page(ended("late", START - 6 * MINUTE), ended("history", START - 12 * MINUTE))
    assert bench.counted() == {"completed": 1}


def test_a_listing_first_read_while_the_upstream_is_set_back_is_history() -> None:
    bench = Bench()
    bench.page(kind="sweep")
    bench.now += MINUTE
    bench.upstream_skew = -10 * MINUTE
    bench.page(ended("a", START - 5 * MINUTE), listing="other", kind="sweep")
    assert bench.counted() == {}


def test_a_run_without_times_counts_once(bench: Bench) -> None:
    timed = ended("new", bench.now - MINUTE)
    for _ in range(3):
        bench.page(timed, ended("a", None))
        bench.now += DAY
        bench.finish()
    assert bench.counted() == {"completed": 2}


def test_a_run_without_times_borrows_its_neighbours_time() -> None:
    """Beside history it is history, beside a new run it is new."""
    bench = Bench()
    bench.roster("w")
    old, new = START - DAY, START + MINUTE
    bench.now += 2 * MINUTE
    bench.page(ended("n", new), ended("beside new", None), ended("o", old), ended("beside old", None), kind="sweep")
    assert bench.counted() == {"completed": 2}


def test_a_run_without_times_among_old_ones_is_new_where_nothing_is_forgotten() -> None:
    """In a listing that was read whole before, what is history has its id kept; below the floor nobody knows."""
    bench = Bench()
    bench.roster("w")
    old = [ended("o1", START - HOUR), ended("o2", START - DAY)]
    bench.page(*old, kind="sweep")
    bench.now += MINUTE
    bench.page(old[0], ended("blank", None), old[1])
    assert bench.counted() == {"completed": 1}
    bench.page(old[0], ended("other", None), ended("ancient", START - 9 * DAY))
    bench.page(*old, ended("last", None))
    assert bench.counted() == {"completed": 1}


def test_a_stray_old_row_makes_no_history_of_a_new_run_without_times() -> None:
    """Rows out of order are ignored, as by the walk."""
    bench = Bench()
    bench.roster("w")
    old, new = START - DAY, START + MINUTE
    bench.now += 2 * MINUTE
    bench.page(ended("stray", old), ended("blank", None), ended("n", new), ended("o", old - MINUTE), kind="sweep")
    assert bench.counted() == {"completed": 2}


def test_the_first_runs_after_the_baseline_count_although_they_tell_no_times(bench: Bench) -> None:
    """The listing was read whole before, and what is not known there is new; below the floor nobody could tell."""
    old = ended("o", START - DAY)
    bench.page(old, kind="sweep")
    bench.now += MINUTE
    bench.page(ended("a", None), ended("b", None), old)
    assert bench.counted() == {"completed": 2}
    bench.page(ended("c", None), ended("ancient", START - 9 * DAY))
    assert bench.counted() == {"completed": 2}


def test_a_new_run_without_times_is_new_although_the_page_repeats_it_among_old_ones() -> None:
    bench = Bench()
    bench.roster("w")
    old, new = START - DAY, START + MINUTE
    bench.now += 2 * MINUTE
    bench.page(ended("n", new), ended("blank", None), ended("o", old), ended("blank", None), kind="sweep")
    assert bench.counted() == {"completed": 2}


def test_a_copy_that_tells_no_times_takes_those_of_the_copy_that_does() -> None:
    bench = Bench()
    bench.roster("w")
    old, new = START - DAY, START + MINUTE
    bench.now += 2 * MINUTE
    bench.page(ended("a", None), ended("o", old), ended("a", new), ended("b", new), ended("b", None), kind="sweep")
    assert bench.counted() == {"completed": 2}


def test_a_history_without_any_times_is_no_burst() -> None:
    bench = Bench()
    bench.roster("w")
    bench.page(*(ended(str(number), None) for number in range(50)), kind="sweep")
    assert bench.counted() == {}
    bench.now += MINUTE
    bench.page(ended("fresh", None))
    assert bench.counted() == {"completed": 1}


def test_the_first_runs_of_a_workload_that_came_later_count_although_they_tell_no_times(bench: Bench) -> None:
    """It has no history from before the target."""
    bench.now += HOUR
    bench.roster("w", "late")
    bench.now += MINUTE
    bench.page(ended("a", None, workload="late"), ended("b", None, workload="late"), listing="late", kind="sweep")
    assert bench.counted("late") == {"completed": 2}


def test_a_listing_that_loses_all_its_times_brings_back_nothing_that_was_forgotten(bench: Bench) -> None:
    """What is pruned cannot be recognised, and without a time it cannot be told from a new run, except by its place."""
    ids: list[str] = []
    for number in range(30):
        bench.now += DAY
        ids.insert(0, f"day {number}")
        bench.page(ended(ids[0], bench.now - HOUR), kind="sweep")
        bench.finish()
    assert not bench.remembers("day 5")
    blank = [ended(run_id, None) for run_id in ids]
    pages = [
        bench.a_page(ended("new", None), *blank[:10], complete=False, link="2"),
        replace(bench.a_page(*blank[10:]), sequence=1),
    ]
    for page in pages * 3:
        bench.put(page)
    assert bench.counted() == {"completed": 31}
    bench.now += HOUR
    bench.page(ended("new", bench.now - 2 * HOUR), *(ended(ids[n], bench.now - (n + 1) * DAY) for n in range(30)))
    assert bench.counted() == {"completed": 31}
    assert bench.own(LATE_RUNS_SKIPPED.name) == 0


def test_a_listing_at_rest_that_loses_its_times_brings_back_nothing(bench: Bench) -> None:
    """Nothing in it is remembered any more, since another listing is busy, and its newest run is still at the top."""
    rows = ended("newest", bench.now), ended("old", bench.now - DAY)
    for number in range(30):
        bench.page(*rows, kind="sweep")
        bench.page(ended(f"other {number}", bench.now, workload="busy"), listing="busy", kind="sweep")
        bench.finish()
        bench.now += DAY
    assert not bench.remembers("newest")
    for _ in range(3):
        bench.now += MINUTE
        bench.page(ended("newest", None), ended("old", None))
        assert bench.counted() == {"completed": 1}
    bench.page(ended("new", None), ended("newest", None), ended("old", None))
    assert bench.counted() == {"completed": 2}


def test_the_oldest_runs_at_the_top_and_without_times_are_not_taken_for_new(bench: Bench) -> None:
    """The page was turned round and its times are lost: it waits until they are back, and nothing else does."""
    rows = [ended(f"r{days}", bench.now + (4 - days) * DAY) for days in range(4)]
    bench.now += 4 * DAY
    bench.page(*rows, ended("old", START - 20 * DAY), kind="sweep")
    assert not bench.remembers("old")
    bench.now += MINUTE
    new = ended("new", bench.now)
    turned = [ended(run_id, None) for run_id in ("old", "r3", "r2")]
    bench.page(*turned)
    assert bench.counted() == {"completed": 4}
    bench.page(*turned, ended("r1", None), ended("r0", None), ended("new", None))
    assert bench.counted() == {"completed": 4}
    bench.page(new, *rows)
    assert bench.counted() == {"completed": 5}


def test_new_runs_are_counted_at_once_by_a_listing_that_tells_no_times_any_more(bench: Bench) -> None:
    """Each stands above the one that was the newest before."""
    bench.page(ended("r0", bench.now), kind="sweep")
    for number in range(1, 40):
        bench.now += DAY
        bench.page(*(ended(f"r{n}", None) for n in range(number, max(-1, number - 3), -1)))
        bench.finish()
        assert bench.counted() == {"completed": number + 1}


def test_more_new_runs_than_a_page_shows_wait_for_their_times_and_hold_up_nothing_else(bench: Bench) -> None:
    """No row of it is known: it may be any page of the listing."""
    bench.page(ended("r0", bench.now), kind="sweep")
    bench.now += DAY
    burst = [ended(f"burst {number}", None) for number in range(3)]
    bench.page(*burst)
    assert bench.counted() == {"completed": 1}
    bench.page(ended("r1", None), *burst)
    assert bench.counted() == {"completed": 2}
    bench.page(ended("r1", bench.now), *(run._replace(finished=bench.now - HOUR) for run in burst))
    assert bench.counted() == {"completed": 5}


def test_a_page_out_of_order_brings_back_nothing_that_was_forgotten(bench: Bench) -> None:
    """The neighbours of a run without times say nothing there: it is judged when the listing is in order again."""
    forgotten = ended("forgotten", bench.now - 20 * DAY)
    bench.page(forgotten, kind="sweep")
    assert not bench.remembers("forgotten")
    bench.now += DAY
    rows = [ended(f"r{hours}", bench.now - hours * HOUR) for hours in (9, 3, 6, 2)]
    lost, new = ended("forgotten", None), ended("new", None)
    bench.page(*rows, lost, ended("stray", bench.now - 30 * DAY), new, unsorted=True)
    assert bench.counted() == {"completed": 4}
    in_order = [new, *(rows[index] for index in (3, 1, 2, 0)), forgotten]
    bench.page(*in_order)
    bench.page(*in_order, kind="sweep")
    assert bench.counted() == {"completed": 5}


def test_a_run_without_times_is_counted_by_a_sweep_of_a_listing_that_is_always_out_of_order(bench: Bench) -> None:
    bench.page(ended("o", bench.now - DAY), kind="sweep")
    bench.now += 12 * HOUR
    page = [*(ended(f"r{hours}", bench.now - hours * HOUR) for hours in (9, 3, 6, 2)), ended("blank", None)]
    kinds: tuple[tuple[WalkKind, int], ...] = (("ordinary", 4), ("sweep", 5), ("ordinary", 5), ("sweep", 5))
    for kind, counted in kinds:
        bench.page(*page, unsorted=True, kind=kind)
        assert bench.counted() == {"completed": counted}
        bench.now += HOUR


def test_a_run_that_loses_its_times_is_not_counted_again(bench: Bench) -> None:
    bench.page(ended("a", bench.now - 5 * MINUTE))
    bench.now += 3 * DAY
    bench.page(ended("b", bench.now - MINUTE), ended("a", None))
    assert bench.counted() == {"completed": 2}


def test_history_is_not_counted_whenever_its_listing_is_first_read() -> None:
    bench = Bench()
    bench.roster("w", "late")
    bench.page(ended("a", START - HOUR), kind="sweep")
    bench.now += 3 * DAY
    old = ended("b", START - HOUR, workload="late")
    new = ended("c", START + HOUR, workload="late")
    bench.page(new, old, listing="late", kind="sweep")
    assert bench.counted() == {}
    assert bench.counted("late") == {"completed": 1}


def test_history_that_is_opened_again_stays_history() -> None:
    """It was first shown ended, before we were there; later changes of an ended run change nothing."""
    bench = Bench()
    bench.roster("w")
    bench.page(ended("a", START - DAY), kind="sweep")
    bench.page(running("a", START - DAY))
    bench.now += HOUR
    bench.page(ended("a", START - DAY, finished=START + MINUTE))
    assert bench.counted() == {}
    assert not bench.ledger.open_runs


def test_history_below_the_floor_leaves_nothing_in_the_ledger() -> None:
    """A listing that is not sorted is read whole, with all the years that it holds."""
    bench = Bench()
    bench.roster("w")
    changes = bench.page(*(ended(str(n), START - (9 + n) * DAY) for n in range(100)), kind="sweep")
    assert not changes.remember
    assert not changes.timeless


def test_a_run_open_at_baseline_counts_when_it_ends() -> None:
    bench = Bench()
    bench.roster("w")
    bench.page(running("a", START - DAY), kind="sweep")
    bench.now += MINUTE
    bench.page(ended("a", START - DAY, after=DAY + 30 * SECOND))
    assert bench.counted() == {"completed": 1}


def test_a_run_that_ended_before_baseline_but_was_seen_open_counts() -> None:
    """The listing lagged: it was in the ledger as open, so it is ours."""
    bench = Bench()
    bench.roster("w")
    bench.page(running("a", START - DAY), kind="sweep")
    bench.now += MINUTE
    bench.page(ended("a", START - DAY, after=HOUR))
    assert bench.counted() == {"completed": 1}


def test_pruned_ids_are_not_counted_again(bench: Bench) -> None:
    """A hundred runs on a page, the horizon an hour back, the ids pruned: nobody counts them again."""
    runs = [ended(str(number), bench.now - number * MINUTE) for number in range(1, 50)]
    bench.page(*runs)
    total = bench.counted()
    for _ in range(30):
        bench.now += DAY
        fresh = ended(f"fresh{bench.now}", bench.now - HOUR)
        bench.page(fresh, kind="sweep")
        bench.finish()
    assert bench.ledger.target is not None
    assert bench.ledger.target.pruned_to > bench.now // DAY - 12
    before = bench.counted()
    bench.page(*runs)
    assert bench.counted() == before
    assert before["completed"] == total["completed"] + 30
    assert bench.own(LATE_RUNS_SKIPPED.name) == 0


def test_a_run_born_below_the_floor_is_skipped_once_and_visibly(bench: Bench) -> None:
    for _ in range(20):
        bench.now += DAY
        bench.page(ended(f"d{bench.now}", bench.now - HOUR), kind="sweep")
        bench.finish()
    before = bench.counted()
    late = ended("late", bench.now - 12 * DAY, finished=bench.now - HOUR)
    for _ in range(3):
        bench.page(late)
        bench.now += MINUTE
    assert bench.own(LATE_RUNS_SKIPPED.name) == 1
    assert bench.counted() == before


@pytest.mark.parametrize("latest", [-1, 0, 1])
def test_an_open_run_born_below_the_floor_is_late_too(bench: Bench, latest: int) -> None:
    """From the floor on its latest time counts; below it is history, however often it is shown."""
    floor = bench.ledger.target.floor if bench.ledger.target is not None else 0
    run = running("a", floor - DAY)._replace(started=floor + latest)
    for _ in range(3):
        bench.page(run)
        bench.now += MINUTE
    assert bench.own(LATE_RUNS_SKIPPED.name) == (latest >= 0)
    assert not bench.ledger.open_runs


def test_a_page_may_be_the_first_batch_of_a_target() -> None:
    """A platform without a roster: its baseline, and the ledger's own counters at 0."""
    bench = Bench()
    bench.page(ended("a", START - HOUR), kind="sweep")
    assert bench.ledger.target is not None
    assert SeriesKey(RUNS_EXPIRED.name, ()) in bench.ledger.series
    assert bench.counted() == {}


def test_the_floor_waits_for_a_listing_that_cannot_be_read() -> None:
    bench = Bench()
    bench.roster("w", "broken")
    bench.page(kind="sweep")
    bench.page(listing="broken", kind="sweep")
    bench.finish()
    end = bench.now + HOUR
    for _ in range(20):
        bench.now += DAY
        bench.page(ended(f"d{bench.now}", bench.now - HOUR), kind="sweep")
        bench.fail("broken")
        bench.finish()
    bench.page(ended("owed", end, workload="broken"), listing="broken")
    assert bench.counted("broken") == {"completed": 1}
    assert bench.own(LATE_RUNS_SKIPPED.name) == 0


def test_a_run_expires_only_when_just_read_and_still_open(bench: Bench) -> None:
    born = bench.now
    bench.page(running("a", born))
    bench.now += 8 * DAY
    bench.page(ended("other", bench.now - MINUTE))
    assert bench.own(RUNS_EXPIRED.name) == 0
    bench.page(running("a", born))
    assert bench.own(RUNS_EXPIRED.name) == 1
    assert bench.counted() == {"completed": 1, "unknown": 1}
    bench.page(ended("a", born, after=8 * DAY))
    assert bench.counted() == {"completed": 1, "unknown": 1}


def test_a_vanished_run_is_given_up_after_two_complete_sweeps(bench: Bench) -> None:
    bench.page(running("a", bench.now))
    for expected in (0, 1):
        bench.now += HOUR
        bench.page(kind="sweep")
        assert bench.own(RUNS_EXPIRED.name) == expected
    assert bench.counted() == {"unknown": 1}


def test_a_repeated_last_page_of_a_sweep_is_one_sweep(bench: Bench) -> None:
    bench.page(running("a", bench.now))
    bench.now += HOUR
    page = bench.a_page(kind="sweep")
    for _ in range(3):
        bench.put(page)
    assert bench.own(RUNS_EXPIRED.name) == 0


def test_a_run_without_times_that_was_given_up_is_not_given_up_again(bench: Bench) -> None:
    """Its id stays known for as long as the platform goes on listing it, although its days are pruned."""
    for _ in range(40):
        bench.page(ended(f"timed{bench.now}", bench.now - MINUTE), running("a", None), kind="sweep")
        bench.finish()
        bench.now += DAY
    assert bench.own(RUNS_EXPIRED.name) == 1
    assert bench.counted()["unknown"] == 1


def test_a_sweep_says_nothing_of_runs_born_below_its_depth(bench: Bench) -> None:
    """A paused run may be older than all that is remembered; it is looked up by its id."""
    born = bench.now
    bench.page(running("a", born, state="paused"))
    for _ in range(3):
        bench.now += HOUR
        bench.page(kind="sweep", depth=born + MINUTE)
    assert set(bench.ledger.open_runs) == {"a"}
    assert bench.own(RUNS_EXPIRED.name) == 0


@pytest.mark.parametrize(("age", "given_up", "late"), [(0, 1, 0), (7 * DAY + HOUR, 0, 1)])
def test_a_run_that_was_given_up_or_skipped_while_open_is_told_of_once(
    bench: Bench, age: int, given_up: int, late: int
) -> None:
    """Its end comes when the day of its birth is pruned; it was told of already, whatever day that is."""
    born = bench.now - age
    for _ in range(20):
        bench.page(ended(f"{bench.now}", bench.now - MINUTE), running("a", born))
        bench.finish()
        bench.now += DAY
    for _ in range(3):
        bench.page(ended(f"{bench.now}", bench.now - MINUTE), ended("a", born, finished=bench.now - MINUTE))
        bench.finish()
        bench.now += DAY
    assert bench.own(RUNS_EXPIRED.name) == given_up
    assert bench.own(LATE_RUNS_SKIPPED.name) == late
    assert bench.counted().get("unknown", 0) == given_up


def test_one_empty_answer_gives_nothing_up(bench: Bench) -> None:
    born = bench.now
    bench.page(running("a", born))
    bench.now += HOUR
    bench.page(kind="sweep")
    bench.now += HOUR
    bench.page(running("a", born), kind="sweep")
    bench.now += HOUR
    bench.page(kind="sweep")
    assert bench.own(RUNS_EXPIRED.name) == 0
    bench.page(ended("a", born))
    assert bench.counted() == {"completed": 1}


def test_a_paused_run_does_not_expire(bench: Bench) -> None:
    born = bench.now
    for _ in range(40):
        bench.page(running("a", born, state="paused"))
        bench.now += DAY
    bench.page(running("a", born))
    bench.now += 6 * DAY
    bench.page(running("a", born))
    assert bench.own(RUNS_EXPIRED.name) == 0
    bench.now += 2 * DAY
    bench.page(running("a", born))
    assert bench.own(RUNS_EXPIRED.name) == 1


def test_a_run_first_seen_open_and_too_old_is_skipped(bench: Bench) -> None:
    born = bench.now - 7 * DAY - 2 * HOUR
    bench.page(running("a", born), running("p", born, state="paused"))
    assert bench.own(LATE_RUNS_SKIPPED.name) == 1
    assert set(bench.ledger.open_runs) == {"p"}
    bench.page(ended("a", born, after=7 * DAY + 2 * HOUR))
    assert bench.counted() == {}


def test_nothing_expires_while_the_clocks_disagree(bench: Bench) -> None:
    born = bench.now
    bench.page(running("a", born))
    bench.now += 8 * DAY
    bench.upstream_skew = -10 * MINUTE
    bench.page(running("a", born))
    assert bench.own(RUNS_EXPIRED.name) == 0
    bench.upstream_skew = 0
    bench.page(running("a", born))
    assert bench.own(RUNS_EXPIRED.name) == 1


def test_an_open_run_is_not_skipped_as_too_old_while_the_clocks_disagree(bench: Bench) -> None:
    """Our clock is a month ahead, and the upstream told no time: the run is tracked, and counted when it ends."""
    born = bench.now
    bench.now += 30 * DAY
    bench.put(bench.a_page(running("a", born)), trusted=False)
    assert bench.own(LATE_RUNS_SKIPPED.name) == 0
    bench.now -= 30 * DAY - MINUTE
    bench.page(ended("a", born))
    assert bench.counted() == {"completed": 1}


def test_births_make_every_outcome_visible_at_zero() -> None:
    bench = Bench()
    bench.roster("w")
    assert {key.labels[1] for key in bench.ledger.series if key.family == RUNS.name} == {
        "completed",
        "failed",
        "cancelled",
        "unknown",
    }
