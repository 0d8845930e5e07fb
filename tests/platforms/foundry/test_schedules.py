"""Zones, triggers, and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from exporter.counting.states import ListingState
from exporter.observations import Schedule
from exporter.platforms.foundry.records import Routine
from exporter.platforms.foundry.schedules import due_since, only_trigger, zone_name
from exporter.platforms.foundry.turns import Candidate, in_turn
from exporter.times import DAY, HOUR, MINUTE, Micros
from tests.platforms.support import NOW


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Europe/Paris", "Europe/Paris"),
        ("UTC", "UTC"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("India Standard Time", "Asia/Calcutta"),
        ("Moon/Tranquility", None),
        ("../../etc/passwd", None),
        ("/etc/passwd", None),
        ("", None),
        ("a\x00b", None),
    ],
)
def test_zone_name(name: str, zone: str | None) -> None:
    """IANA or Windows; anything else is none."""
    assert zone_name(name) == zone


def test_windows_zones_are_all_known_here() -> None:
    """The table of tzlocal names zones that the time zone data has."""
    from tzlocal.windows_tz import win_tz  # noqa: PLC0415

    assert [name for name in win_tz if zone_name(name) is None] == []


@pytest.mark.parametrize(
    ("triggers", "expected"),
    [
        ({}, None),
        ({"a": {"type": "timer"}}, "a"),
        ({"a": {"type": "Schedule"}, "b": {"type": "github_issue"}}, "a"),
        ({"a": {"type": "schedule"}, "b": {"type": "timer"}}, None),
        ({"a": {"type": "custom"}}, None),
    ],
)
def test_only_trigger(triggers: dict[str, object], expected: str | None) -> None:
    """What a delivery without a trigger's name comes from, if that is certain."""
    assert only_trigger(Routine.model_validate({"name": "n", "triggers": triggers})) == expected


HOURLY = Schedule("t", "0 * * * *", "UTC")  # NOW is nine o'clock


@pytest.mark.parametrize(
    ("schedule", "since", "due"),
    [
        (HOURLY, NOW - 1, True),
        (HOURLY, NOW, False),
        (HOURLY, NOW - HOUR, True),
        (Schedule("t", "1 * * * *", "UTC"), NOW - MINUTE, False),
        (Schedule("t", "0 11 * * 2", "Europe/Paris"), NOW - MINUTE, True),
        (Schedule("t", at=NOW), NOW - 1, True),
        (Schedule("t", at=NOW + 1), NOW - 1, False),
        (Schedule("t", at=NOW), NOW, False),
    ],
)
def test_due_since(schedule: Schedule, since: Micros, due: bool) -> None:
    """Whether a fire time lies in between."""
    assert due_since((schedule,), since, NOW) is due


# Turns


def candidate(
    key: str,
    read: Micros = 30 * MINUTE,
    schedule: Schedule | None = None,
    state: ListingState | None = None,
    *,
    enabled: bool = True,
    has_open_runs: bool = False,
    listed: bool = True,
) -> Candidate:
    """A listing that was read so long ago."""
    return Candidate(
        key=key,
        state=state or ListingState(last_whole=NOW - read),
        schedules=() if schedule is None else (schedule,),
        enabled=enabled,
        has_open_runs=has_open_runs,
        listed=listed,
    )


def turns(*candidates: Candidate) -> list[str]:
    """In which order they are read."""
    return [each.key for each in in_turn(candidates, 10 * MINUTE, NOW)]


def test_due_first_then_open_runs_then_the_longest_unread() -> None:
    """Within each group the longest unread first; never read is longest."""
    assert turns(
        candidate("recent", read=MINUTE),
        candidate("old", read=20 * MINUTE),
        candidate("open", read=MINUTE, has_open_runs=True),
        candidate("due", read=2 * MINUTE, schedule=HOURLY),
        candidate("due_long", read=3 * MINUTE, schedule=HOURLY),
    ) == ["due_long", "due", "open", "old", "recent"]
    assert turns(candidate("old", read=DAY), Candidate("never", None)) == ["never", "old"]


def test_every_fourth_turn_goes_to_the_longest_unread() -> None:
    """Nothing starves, however many are due."""
    busy = [candidate(f"due{number}", read=2 * MINUTE, schedule=HOURLY) for number in range(9)]
    waiting = [candidate(f"waits{number}", read=HOUR + number) for number in range(2)]
    order = turns(*busy, *waiting)
    assert (order[3], order[7]) == ("waits1", "waits0")
    assert sorted(order) == sorted(each.key for each in (*busy, *waiting))


@pytest.mark.parametrize(
    ("case", "reads"),
    [
        (candidate("x", read=MINUTE), True),
        (candidate("x", read=MINUTE, enabled=False), False),
        (candidate("x", read=10 * MINUTE, enabled=False), True),
        (candidate("x", read=MINUTE, enabled=False, has_open_runs=True), True),
        (Candidate("x", None, enabled=False), True),
        (candidate("x", state=ListingState(failed="timeout", failed_at=NOW - MINUTE), enabled=False), False),
        (candidate("x", read=MINUTE, listed=False, has_open_runs=True), False),
        (candidate("x", read=10 * MINUTE, listed=False, has_open_runs=True), True),
        (candidate("x", state=ListingState(gone=True), listed=False, has_open_runs=True), False),
        (candidate("x", read=10 * MINUTE, listed=False), False),
    ],
)
def test_who_is_read_at_all(case: Candidate, reads: bool) -> None:
    """Disabled ones without open runs and deleted ones with some: every deep_interval."""
    assert turns(case) == (["x"] if reads else [])


def test_what_fails_does_not_come_first_again_and_again() -> None:
    """A failed reading counts as a turn."""
    failing = ListingState(last_whole=NOW - DAY, failed="timeout", failed_at=NOW - MINUTE)
    assert turns(
        candidate("failing", state=failing, schedule=HOURLY, has_open_runs=True), candidate("calm", read=2 * MINUTE)
    ) == ["calm", "failing"]


@dataclass
class _Project:
    """Listings of which only some can be read in a poll."""

    read_at: dict[str, Micros]

    def poll(self, now: Micros, budget: int) -> None:
        """Read as many as the budget allows."""
        states = {key: ListingState(last_whole=at) for key, at in self.read_at.items()}
        candidates = [
            Candidate(key, state, (HOURLY,) if key.startswith("due") else (), has_open_runs=key.startswith("open"))
            for key, state in states.items()
        ]
        for each in list(in_turn(candidates, 10 * MINUTE, now))[:budget]:
            self.read_at[each.key] = now


def test_nothing_starves() -> None:
    """With a budget for eight of a hundred, most of them always busy, each is read within an hour."""
    names = [f"{kind}{number}" for kind, many in (("due", 40), ("open", 40), ("calm", 20)) for number in range(many)]
    project = _Project(dict.fromkeys(names, NOW))
    for minute in range(1, 181):
        project.poll(NOW + minute * MINUTE, budget=8)
        assert max(NOW + minute * MINUTE - at for at in project.read_at.values()) <= 51 * MINUTE
