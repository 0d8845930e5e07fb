"""Schedules judged in data time: rule 30."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from exporter.catalogue.runs import SCHEDULE_DUE, SCHEDULE_MISSED, SCHEDULE_NEXT, SCHEDULE_OVERDUE
from exporter.counting.crowd import OTHER
from exporter.counting.schedules import DUE_TIMES_AT_ONCE, due_after, due_before, valid
from exporter.counting.states import ScheduleState
from exporter.observations import Delivery, Schedule, Workload
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros, from_datetime, to_datetime
from tests.counting.kit import LIMITS, RULES, Bench, ended, running

GRACE = LIMITS.schedule_grace
MIDNIGHT = from_datetime(datetime(2026, 9, 21, tzinfo=UTC))
"""A Monday."""

HOURLY = Schedule("cron", "0 * * * *")


def at(text: str, zone: str = "UTC") -> Micros:
    """A point in time, written in a zone's local time."""
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def local(due: Micros, zone: str = "UTC") -> str:
    return to_datetime(due).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def the_next(cron: str, start: Micros, number: int, zone: str | None = None) -> list[str]:
    schedule = Schedule("s", cron, zone)
    return [local(due, zone or "UTC") for due in islice(due_after(schedule, start), number)]


# Cron.


@pytest.mark.parametrize(
    ("cron", "due"),
    [
        pytest.param("0 9 * * 1", ["2026-09-21 09:00", "2026-09-28 09:00"], id="1 is Monday"),
        pytest.param("0 9 * * 0", ["2026-09-27 09:00", "2026-10-04 09:00"], id="0 is Sunday"),
        pytest.param("0 9 * * 7", ["2026-09-27 09:00", "2026-10-04 09:00"], id="7 is Sunday too"),
        pytest.param("0 9 * * MON-FRI", ["2026-09-21 09:00", "2026-09-22 09:00"], id="names"),
        pytest.param("0 0 1 * 1", ["2026-09-28 00:00", "2026-10-01 00:00", "2026-10-05 00:00"], id="either day field"),
        pytest.param("0 0 1 * *", ["2026-10-01 00:00", "2026-11-01 00:00"], id="day of month alone"),
        pytest.param("*/20 0 * * *", ["2026-09-21 00:20", "2026-09-21 00:40", "2026-09-22 00:00"], id="steps"),
        pytest.param("5,10 3-4 * 9 *", ["2026-09-21 03:05", "2026-09-21 03:10", "2026-09-21 04:05"], id="lists"),
        pytest.param("0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00"], id="leap days"),
        pytest.param("0 0 31 * *", ["2026-10-31 00:00", "2026-12-31 00:00"], id="months without a 31st"),
    ],
)
def test_cron_knows_the_five_field_rules(cron: str, due: list[str]) -> None:
    assert the_next(cron, MIDNIGHT, len(due)) == due


@pytest.mark.parametrize(
    ("cron", "zone", "start", "due"),
    [
        pytest.param(
            "0 9 * * *", "Europe/Berlin", "2026-10-24T12:00", ["2026-10-25 09:00", "2026-10-26 09:00"], id="wall time"
        ),
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00",
            ["2026-03-29 03:00", "2026-03-30 02:30"],
            id="skipped hour",
        ),
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00",
            ["2026-10-25 02:30", "2026-10-26 02:30"],
            id="repeated hour",
        ),
        pytest.param("0 9 * * *", "Asia/Kolkata", "2026-09-21T00:00", ["2026-09-21 09:00"], id="a zone of half hours"),
    ],
)
def test_cron_is_in_the_schedules_zone(cron: str, zone: str, start: str, due: list[str]) -> None:
    assert the_next(cron, at(start, zone), len(due), zone) == due


def test_an_hourly_schedule_goes_on_through_the_changes_of_summer_time() -> None:
    """Due times are an hour apart in the spring and in the autumn."""
    for start in ("2026-03-28T20:00", "2026-10-24T20:00"):
        schedule = Schedule("s", "0 * * * *", "Europe/Berlin")
        due = list(islice(due_after(schedule, at(start, "Europe/Berlin")), 12))
        assert {b - a for a, b in pairwise(due)} == {HOUR}


@pytest.mark.parametrize("cron", ["0 * * * *", "30 2 * * *", "15 1-3 * * *", "*/20 2 * * *", "*/20 * * * *"])
@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("Europe/Berlin", ("2026-10-24", "2027-03-27")),
        ("America/New_York", ("2026-10-31", "2027-03-13")),
        ("Australia/Lord_Howe", ("2026-10-03",)),
    ],
)
def test_what_is_due_is_the_same_from_wherever_one_looks(cron: str, zone: str, days: tuple[str, ...]) -> None:
    """Also from within the hour that comes twice: what was due in the first is not due again, nor forgotten."""
    schedule = Schedule("s", cron, zone)
    for day in days:
        begin = at(f"{day}T06:00")
        due = [d for d in islice(due_after(schedule, begin - 3 * DAY), 520) if d < begin + 4 * DAY]
        assert due == sorted(set(due))
        for look in range(begin, begin + 30 * HOUR, 10 * MINUTE):
            assert list(islice(due_after(schedule, look), 2)) == [found for found in due if found > look][:2]
            assert due_before(schedule, look) == max(found for found in due if found <= look)


@pytest.mark.parametrize("cron", ["0 * * * *", "30 2 * * *", "0 0 1 * 1", "*/7 * * * *", "15 1-3 * * 0"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_looking_back_finds_what_looking_ahead_finds(cron: str, zone: str | None) -> None:
    schedule = Schedule("s", cron, zone)
    for start in (at("2026-03-28T00:00"), at("2026-10-24T12:00"), at("2026-10-31T20:00")):
        for due in islice(due_after(schedule, start), 60):
            assert due_before(schedule, due) == due
            earlier = due_before(schedule, due - 1)
            assert earlier is not None
            assert next(due_after(schedule, earlier)) == due


@pytest.mark.parametrize(
    ("schedule", "usable"),
    [
        (Schedule("s", "0 9 * * 1"), True),
        (Schedule("s", "0 9 * * 1", "Europe/Berlin"), True),
        (Schedule("s", at=1), True),
        (Schedule("s"), False),
        (Schedule("s", ""), False),
        (Schedule("s", "0 9 * *"), False),
        (Schedule("s", "0 0 9 * * 1"), False),
        (Schedule("s", "0 9 * * 8"), False),
        (Schedule("s", "61 * * * *"), False),
        (Schedule("s", "0 0 30 2 *"), False),
        (Schedule("s", "0 9 * * 1", "No/Where"), False),
        (Schedule("s", "0 9 * * 1", "../../etc/passwd"), False),
        (Schedule("s", "0 9 * * 1", "/etc/passwd"), False),
        (Schedule("s", "@daily"), False),
    ],
)
def test_only_schedules_whose_due_times_are_known_are_followed(schedule: Schedule, usable: bool) -> None:
    assert valid(schedule) is usable
    bench = Bench()
    bench.roster(Workload("w", "w", schedules=(schedule,)))
    assert bool(bench.ledger.workloads["w"].schedules) is usable


# What is due.


class Routine:
    """A bench with one workload, an hourly schedule unless said otherwise, first seen half past midnight."""

    def __init__(self, *schedules: Schedule, **more: object) -> None:
        self.bench = Bench(now=MIDNIGHT + 30 * MINUTE)
        self.workload = Workload("w", "w", enabled=True, schedules=schedules or (HOURLY,))
        self.poll()

    def poll(self, *fired: Micros, trigger: str = "cron", whole: bool = True) -> None:
        """Read the roster and the listing, with runs that were fired by the schedule."""
        bench = self.bench
        bench.roster(self.workload)
        runs = [
            ended(f"run {fire}", fire, after=0)._replace(delivery=Delivery(trigger, fire)) for fire in sorted(fired)
        ]
        bench.page(*reversed(runs), complete=whole, whole=whole)

    def goes(self, to: Micros, *fired: Micros) -> Routine:
        """Let time pass, then poll."""
        self.bench.now = to
        self.poll(*fired)
        return self

    def changes(self, **what: object) -> Routine:
        """Edit the workload on its platform."""
        self.workload = replace(self.workload, **what)  # type: ignore[arg-type]
        return self

    @property
    def missed(self) -> int:
        return self.bench.total("w", "cron", family=SCHEDULE_MISSED.name)

    @property
    def overdue(self) -> Micros | None:
        found = self.bench.levels(SCHEDULE_OVERDUE.name).get(("w", "cron"))
        return None if found is None else int(found)

    @property
    def state(self) -> ScheduleState:
        return self.bench.ledger.workloads["w"].triggers[0][1]


ONE, TWO, THREE = (MIDNIGHT + hour * HOUR for hour in (1, 2, 3))


def test_a_schedules_missed_counter_is_born_with_it() -> None:
    assert Routine().bench.shown("w", "cron", family=SCHEDULE_MISSED.name) == 0


def test_a_due_time_without_delivery_is_missed_when_the_grace_has_passed() -> None:
    routine = Routine().goes(ONE + GRACE - 1)
    assert (routine.missed, routine.overdue) == (0, None)
    routine.goes(ONE + GRACE)
    assert (routine.missed, routine.overdue) == (1, ONE)
    routine.goes(ONE + GRACE + MINUTE)
    assert (routine.missed, routine.overdue) == (1, ONE)


def test_a_due_time_with_a_delivery_is_not_missed() -> None:
    routine = Routine().goes(ONE + MINUTE, ONE).goes(ONE + GRACE)
    assert (routine.missed, routine.overdue) == (0, None)


def test_a_delivery_is_kept_until_its_due_time_is_judged() -> None:
    """One that is read once, when the moment up to which all is judged lies less than a minute before it."""
    routine = Routine().goes(ONE + GRACE - 30 * SECOND, ONE).goes(ONE + GRACE)
    assert (routine.missed, routine.overdue) == (0, None)


def test_an_open_run_is_a_delivery_too() -> None:
    routine = Routine()
    routine.bench.now = ONE + MINUTE
    run = running("a", ONE)._replace(delivery=Delivery("cron", ONE))
    routine.bench.page(run)
    assert routine.goes(ONE + GRACE).missed == 0


@pytest.mark.parametrize(
    ("off", "missed"),
    [(-MINUTE - 1, 1), (-MINUTE, 0), (-30 * SECOND, 0), (30 * SECOND, 0), (MINUTE, 0), (MINUTE + 1, 1)],
)
def test_a_fire_time_within_a_minute_is_that_of_the_due_time(off: Micros, missed: int) -> None:
    assert Routine().goes(ONE + 2 * MINUTE, ONE + off).goes(ONE + GRACE).missed == missed


def test_a_delivery_of_another_trigger_is_none() -> None:
    routine = Routine()
    routine.bench.now = ONE + MINUTE
    routine.poll(ONE, trigger="another")
    assert routine.goes(ONE + GRACE).missed == 1


def test_one_delivery_meets_one_due_time_however_close_they_are() -> None:
    """Every minute is due, every other one was delivered: each is within a minute of a delivery, half are missed."""
    routine = Routine(Schedule("cron", "* * * * *"))
    start = routine.bench.now
    fired = [start + 2 * number * MINUTE for number in range(1, 11)]
    routine.goes(start + 20 * MINUTE + GRACE, *fired)
    assert routine.missed == 10


def test_an_overdue_minute_stays_overdue_while_the_delivery_before_it_is_read_again() -> None:
    routine = Routine(Schedule("cron", "* * * * *"))
    last = routine.bench.now + MINUTE
    for minutes in range(2, 15):
        routine.goes(last + minutes * MINUTE, last)
    assert routine.missed == 4
    assert routine.overdue == last + MINUTE


def test_the_judgement_is_in_data_time() -> None:
    """Nobody is blamed for what the exporter could not read."""
    routine = Routine()
    routine.bench.now = ONE + 10 * HOUR
    routine.poll(whole=False)
    assert routine.missed == 0
    routine.poll(*(MIDNIGHT + hour * HOUR for hour in range(1, 12)))
    assert routine.missed == 0


def test_an_outage_is_caught_up_with() -> None:
    """Delivered or not: what was due while the exporter was down is judged by what the platform tells now."""
    fired = [MIDNIGHT + hour * HOUR for hour in range(1, 49) if hour % 2]
    routine = Routine().goes(MIDNIGHT + 2 * DAY + GRACE, *fired)
    assert routine.missed == 24
    assert routine.overdue == MIDNIGHT + 2 * DAY


def test_a_delivery_that_comes_to_light_late_ends_the_overdue_and_stays_missed() -> None:
    routine = Routine().goes(ONE + GRACE).goes(ONE + GRACE + MINUTE, ONE)
    assert (routine.missed, routine.overdue) == (1, None)


def test_the_next_delivery_ends_the_overdue() -> None:
    routine = Routine().goes(ONE + GRACE).goes(TWO + MINUTE, TWO)
    assert (routine.missed, routine.overdue) == (1, None)


def test_overdue_is_the_oldest_due_time_without_delivery() -> None:
    routine = Routine().goes(ONE + GRACE).goes(TWO + GRACE).goes(THREE + GRACE)
    assert (routine.missed, routine.overdue) == (3, ONE)


def test_a_long_backlog_is_judged_in_parts() -> None:
    routine = Routine(Schedule("cron", "* * * * *"))
    start, total = routine.bench.now, 2 * DUE_TIMES_AT_ONCE + 100
    routine.goes(start + total * MINUTE + GRACE)
    assert routine.missed == DUE_TIMES_AT_ONCE
    routine.poll()
    assert routine.missed == 2 * DUE_TIMES_AT_ONCE
    routine.poll()
    assert routine.missed == total
    routine.poll()
    assert routine.missed == total


# Edits, first sight, disabling.


def test_nothing_is_missed_from_before_the_first_sight() -> None:
    assert Routine().goes(ONE - MINUTE).missed == 0


def test_a_due_time_before_an_edit_is_not_missed() -> None:
    routine = Routine()
    routine.bench.now = ONE + 5 * MINUTE
    routine.changes(edited_at=ONE + 4 * MINUTE).poll()
    assert routine.goes(ONE + GRACE + HOUR - 1).missed == 0
    assert routine.goes(TWO + GRACE).missed == 1


def test_an_edit_ends_the_overdue() -> None:
    routine = Routine().goes(ONE + GRACE)
    routine.changes(edited_at=ONE + GRACE).goes(ONE + GRACE + MINUTE)
    assert (routine.missed, routine.overdue) == (1, None)


def test_an_edit_in_the_future_is_one_of_now() -> None:
    """A clock ahead of the platform's own must not end the judging for ever."""
    routine = Routine().changes(edited_at=MIDNIGHT + 100 * DAY).goes(ONE - MINUTE)
    routine.changes(edited_at=ONE - MINUTE)
    assert routine.goes(ONE + GRACE).missed == 1


def test_a_changed_schedule_is_judged_from_the_change() -> None:
    routine = Routine()
    routine.bench.now = ONE + 5 * MINUTE
    routine.changes(schedules=(Schedule("cron", "30 * * * *"),)).poll()
    assert routine.goes(ONE + 30 * MINUTE + GRACE - 1).missed == 0
    assert routine.goes(ONE + 30 * MINUTE + GRACE).missed == 1


def test_a_disabled_workload_owes_nothing() -> None:
    routine = Routine().changes(enabled=False).goes(ONE - MINUTE).goes(THREE + GRACE)
    assert (routine.missed, routine.overdue) == (0, None)


def test_what_was_due_while_disabled_is_not_missed_afterwards() -> None:
    routine = Routine().changes(enabled=False).goes(ONE - MINUTE).goes(TWO + 5 * MINUTE)
    assert routine.changes(enabled=True).goes(TWO + GRACE).missed == 0
    assert routine.goes(THREE + GRACE).missed == 1


def test_a_workload_enabled_between_two_polls_owes_nothing_for_the_time_between() -> None:
    """When it was enabled is not known: the benefit of the doubt is the workload's."""
    routine = Routine().changes(enabled=False).goes(ONE - MINUTE)
    assert routine.changes(enabled=True).goes(ONE + MINUTE).goes(ONE + GRACE).missed == 0


def test_disabling_ends_the_overdue() -> None:
    routine = Routine().goes(ONE + GRACE)
    assert routine.overdue == ONE
    assert routine.changes(enabled=False).goes(ONE + GRACE + MINUTE).overdue is None


def test_a_listing_that_is_not_read_any_more_tells_no_overdue() -> None:
    routine = Routine().goes(ONE + GRACE)
    routine.bench.now += LIMITS.stale_after + 1
    routine.bench.roster(routine.workload)
    assert routine.overdue is None


# Timers.


def test_a_timer_is_due_once() -> None:
    routine = Routine(Schedule("cron", at=ONE)).goes(ONE + GRACE).goes(ONE + DAY)
    assert (routine.missed, routine.overdue) == (1, ONE)
    delivered = Routine(Schedule("cron", at=ONE)).goes(ONE + MINUTE, ONE).goes(ONE + DAY)
    assert (delivered.missed, delivered.overdue) == (0, None)


def test_a_timer_in_the_past_when_first_seen_is_nobodys_fault() -> None:
    assert Routine(Schedule("cron", at=MIDNIGHT)).goes(ONE + GRACE).missed == 0


# Levels and limits.


def gauges(bench: Bench) -> tuple[float | None, float | None]:
    """When the schedule was due last, and will be next."""
    due, following = (bench.levels(family.name) for family in (SCHEDULE_DUE, SCHEDULE_NEXT))
    return due.get(("w", "cron")), following.get(("w", "cron"))


def test_the_last_and_the_next_due_time_are_told() -> None:
    assert gauges(Routine().bench) == (MIDNIGHT, ONE)
    assert gauges(Routine(Schedule("cron", at=ONE)).bench) == (None, ONE)
    assert gauges(Routine(Schedule("cron", at=ONE)).goes(ONE).bench) == (ONE, None)


def test_an_absent_workload_is_not_due() -> None:
    """It was deleted; its counters stay for a while, its schedule does not."""
    routine = Routine()
    routine.bench.now += MINUTE
    routine.bench.roster()
    assert gauges(routine.bench) == (None, None)


def test_a_workload_in_other_has_no_schedules() -> None:
    bench = Bench(now=MIDNIGHT, rules=replace(RULES, limits=replace(LIMITS, max_workloads=0)))
    bench.roster(Workload("w", "w", schedules=(HOURLY,)))
    bench.now += DAY
    bench.page()
    assert not any(key.family == SCHEDULE_MISSED.name for key in bench.ledger.series)
    assert (OTHER, "cron") not in bench.levels(SCHEDULE_NEXT.name)


def test_a_workload_has_only_so_many_triggers() -> None:
    bench = Bench(now=MIDNIGHT, rules=replace(RULES, limits=replace(LIMITS, max_label_values=3)))
    bench.roster(Workload("w", "w", schedules=tuple(Schedule(f"t{n}", "0 * * * *") for n in range(10))))
    assert [name for name, _ in bench.ledger.workloads["w"].triggers] == ["t0", "t1", "t2"]


def test_deliveries_that_are_judged_are_not_kept() -> None:
    routine = Routine()
    for hour in range(1, 100):
        fire = MIDNIGHT + hour * HOUR
        routine.goes(fire + GRACE, fire)
    assert len(routine.state.delivered) <= 1
    assert to_datetime(routine.state.judged_to) == to_datetime(MIDNIGHT) + timedelta(hours=99)
