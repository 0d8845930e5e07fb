"""The flow of a poll: what is committed, shown, held and said when something on the way goes wrong."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter import logs
from exporter.catalogue.runs import RUNS
from exporter.counting import room
from exporter.errors import StateError
from exporter.http import Quota
from exporter.http.budget import SILENT_ANSWERS
from exporter.runner import RELEASE_AGAIN
from exporter.simulator import CANARY, ManualClock, Platform, Simulator, World
from exporter.store.ledgers import SqliteTransaction
from exporter.times import HOUR, SECOND
from tests.exact.world import PLATFORMS, START, Program, assert_exact, program, simulator_of

STEP = 61.0
TOTAL = re.compile(r"(automation_(?!exporter)|foundry_|granite_|moderately_)\w+_total\{")
"""Counters of platforms."""

LISTED: Platform = "foundry"
"""A platform whose poll has many batches."""


@contextmanager
def flow(platform: Platform = LISTED, state: Path | None = None, **settings: Any) -> Iterator[Program]:
    """A program over a small world, after its first poll."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=30.0, workloads=3, history_days=0.02)
    with program(simulator, clock, state, platforms=[platform], **settings) as made:
        assert made.poll(platform).good
        clock.advance(STEP)
        yield made


def errors(made: Program, platform: Platform, reason: str) -> float:
    """How many errors of a kind a target had."""
    labels = {"platform": platform, "target": f"demo-{platform}", "reason": reason}
    return made.metrics.registry.get_sample_value("automation_exporter_poll_errors_total", labels) or 0.0


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_mistake_of_ours_is_told_and_outlived(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says where, and not with what: an exception's text may hold what an upstream sent."""
    with flow(platform) as made:
        target = made.targets[platform]

        def mistake(*_: object) -> None:
            raise KeyError(CANARY)

        counted = made.counted(platform)
        with monkeypatch.context() as patched:
            patched.setattr(type(target.platform), "observe", mistake)
            report = made.poll(platform)
        assert (report.good, report.error, report.message) == (False, "internal", "KeyError (see the log)")
        assert errors(made, platform, "internal") == 1
        assert made.counted(platform) == counted
        written = "\n".join(logs.LogfmtFormatter().format(record) for record in caplog.records)
        assert re.search(r"level=error .*poll failed unexpectedly: KeyError.*in mistake", written)
        assert CANARY not in written
        assert not target.circuit.open
        assert made.poll(platform).good
        assert_exact(made, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_poll_tells_how_many_workloads_it_read(platform: Platform) -> None:
    """For its line in the log and in the table of ``once``."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=30.0, workloads=3, history_days=0.02)
    with program(simulator, clock, platforms=[platform]) as made:
        report = made.poll(platform)
        assert report.workloads == len(made.targets[platform].ledger.workloads) >= 3


@pytest.mark.parametrize("place", ["exporter.runner.finish", "exporter.publisher.exposed.families"])
def test_a_mistake_of_ours_at_the_end_of_a_poll_is_told_too(
    place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The target is down and says so; nobody is left to believe what was true before."""
    with flow() as made:
        target = made.targets[LISTED]
        assert target.up

        def mistake(*_: object, **__: object) -> None:
            raise KeyError(CANARY)

        with monkeypatch.context() as patched:
            patched.setattr(place, mistake)
            report = made.poll(LISTED)
        assert (report.good, report.error, target.up) == (False, "internal", False)
        assert errors(made, LISTED, "internal") == 1
        assert f'target_up{{platform="{LISTED}",target="{target.name}"}} 0' in made.text()
        assert CANARY not in "\n".join(logs.LogfmtFormatter().format(record) for record in caplog.records)
        assert made.poll(LISTED).good


def test_a_quota_that_is_announced_no_more_is_not_shown_for_ever() -> None:
    """One wrong header, a proxy's perhaps, and an alert would say for months that little of it is left."""
    with flow("roboto") as made:
        budget = made.targets["roboto"].client.budget
        budget.announce(Quota(limit=1000, remaining=200, reset_in=600.0))
        assert made.poll("roboto").good
        labels = {"platform": "roboto", "target": "demo-roboto"}
        names = [
            f"automation_exporter_upstream_quota_{name}" for name in ("limit", "remaining", "reset_timestamp_seconds")
        ]
        assert None not in [made.metrics.registry.get_sample_value(name, labels) for name in names]
        for _ in range(SILENT_ANSWERS):
            made.world_clock.advance(STEP)
            assert made.poll("roboto").good
        assert [made.metrics.registry.get_sample_value(name, labels) for name in names] == [None] * 3
        assert "upstream_quota_remaining{" not in made.text()


def test_batches_before_a_failed_commit_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state fails in the middle of a poll: what was committed is shown, the rest is counted by the next poll."""
    with flow() as made:
        apply, calls = SqliteTransaction.apply, iter(range(100))

        def failing(self: SqliteTransaction, changes: Any) -> None:
            if next(calls) in (2, 3):
                raise StateError("state.db: no space left on device")
            apply(self, changes)

        with monkeypatch.context() as patched:
            patched.setattr(SqliteTransaction, "apply", failing)
            report = made.poll(LISTED)
        assert (report.good, report.error) == (False, "state")
        assert report.message == "state.db: no space left on device"
        assert errors(made, LISTED, "state") >= 1
        target = made.targets[LISTED]
        assert target.circuit.failures == 0, "the upstream is not to blame"
        assert 'target_up{platform="foundry",target="demo-foundry"} 0' in made.text()
        assert made.poll(LISTED).good
        assert_exact(made, LISTED)


def test_what_was_read_before_an_error_is_shown() -> None:
    """The roster is committed and exposed although no listing can be read."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=30.0, workloads=3, history_days=0.02)
    with program(simulator, clock, platforms=[LISTED]) as made:
        with simulator.faults.active("server_error", platform=LISTED, path="/runs"):
            made.poll(LISTED)
        assert made.text().count("automation_workload_info{") == 3
        assert made.targets[LISTED].degraded == {"workload_error"}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_after_a_start_totals_are_shown_and_levels_are_not(platform: Platform, tmp_path: Path) -> None:
    """Counters are there before the first poll, as they were; what is only true now waits for it."""
    state = tmp_path / "state.db"
    with flow(platform, state) as made:
        assert made.poll(platform).good
        before = samples(made.text())
        simulator, clock = made.simulator, made.world_clock
    with program(simulator, clock, state, platforms=[platform]) as again:
        after = samples(again.text())
        totals = {
            name
            for name in before
            if re.match(r"(automation_(?!exporter)|foundry_|granite_|moderately_)\w+_total\{", name)
        }
        assert totals
        assert {name: after[name] for name in totals} == {name: before[name] for name in totals}
        assert not any(name.startswith(("automation_active_runs{", "automation_exporter_target_up")) for name in after)
        assert again.poll(platform).good
        assert "automation_exporter_target_up{" in again.text()


HOLD = 600
"""Seconds; several polls long, since some platforms count what is new only at the next poll."""


def living(simulator: Simulator, platform: Platform, state: Path) -> AbstractContextManager[Program]:
    """A program that holds, over a world that is written by hand."""
    clock = simulator.clock
    assert isinstance(clock, ManualClock)
    return program(simulator, clock, state, platforms=[platform], holds=True, zero_hold=f"{HOLD}s")


def polls(made: Program, platform: Platform) -> float:
    """Two polls; returns when the first of them was shown, in seconds."""
    assert made.poll(platform).good
    made.text()
    shown = made.clock.monotonic()
    made.world_clock.advance(STEP)
    assert made.poll(platform).good
    return shown


def one_held_back(made: Program, world: World) -> float:
    """A run of a new workload, counted and held back; returns when its series was shown, in seconds."""
    made.poll(LISTED)
    world.add_run(LISTED, "new", created=START + SECOND, triggered=START + SECOND, ended=START + 2 * SECOND)
    made.world_clock.advance(STEP)
    return polls(made, LISTED)


def wait_until(made: Program, platform: Platform, seconds: float) -> dict[str, float]:
    """Let the clock come to a time; returns what is shown then."""
    made.world_clock.advance(seconds - made.clock.monotonic())
    made.runner.end_holds(made.targets[platform])
    return runs_shown(made)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_new_series_is_held_at_zero_and_then_steps(platform: Platform, tmp_path: Path) -> None:
    """It shows 0 from the first snapshot on for ``zero_hold``, also while polls fail; then all that was counted."""
    clock = ManualClock(START)
    world = World()
    simulator = Simulator(world, clock=clock)
    with living(simulator, platform, tmp_path / "state.db") as made:
        made.poll(platform)
        world.add_run(platform, "new", created=START + SECOND, triggered=START + SECOND, ended=START + 2 * SECOND)
        clock.advance(STEP)
        shown = polls(made, platform)
        assert runs_shown(made) == {"completed": 0.0}
        with simulator.faults.active("server_error", platform=platform):
            assert not made.poll(platform).good
            assert wait_until(made, platform, shown + HOLD - 1) == {"completed": 0.0}
            assert wait_until(made, platform, shown + HOLD) == {"completed": 1.0}


def test_what_was_held_back_is_rendered_when_its_hold_ends(tmp_path: Path) -> None:
    """And not with the next poll, which may be an hour away: the timer publishes what is rendered."""
    clock, world = ManualClock(START), World()
    with living(Simulator(world, clock=clock), LISTED, tmp_path / "state.db") as made:
        shown = one_held_back(made, world)
        clock.advance(shown + HOLD - made.clock.monotonic())
        made.runner.end_holds(made.targets[LISTED])
        assert made.publisher.publish()
        assert made.snapshot.current is not None
        assert runs_in(made.snapshot.current.text.decode()) == {"completed": 1.0}


def test_held_counts_that_cannot_be_written_are_tried_again_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that is full for an hour is told of, and not three thousand times."""
    clock, world = ManualClock(START), World()
    with living(Simulator(world, clock=clock), LISTED, tmp_path / "state.db") as made:
        shown = one_held_back(made, world)

        def full(_name: str) -> None:
            raise StateError("state.db: database or disk is full")

        with monkeypatch.context() as patched:
            patched.setattr(made.store, "transaction", full)
            wait_until(made, LISTED, shown + HOLD)
            for _ in range(int(RELEASE_AGAIN) - 1):
                clock.advance(1.0)
                made.runner.end_holds(made.targets[LISTED])
        assert errors(made, LISTED, "state") == 1
        assert sum("held counts cannot be shown" in record.getMessage() for record in caplog.records) == 1
        assert runs_shown(made) == {"completed": 0.0}
        clock.advance(1.0)
        made.runner.end_holds(made.targets[LISTED])
        assert runs_shown(made) == {"completed": 1.0}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_start_holds_every_counter_where_it_was(platform: Platform, tmp_path: Path) -> None:
    """What ended while the exporter was down is a step that a fresh scrape can see."""
    clock = ManualClock(START)
    world = World()
    simulator = Simulator(world, clock=clock)
    state = tmp_path / "state.db"

    def one_more(at: int) -> None:
        world.add_run(platform, "known", created=at, triggered=at, ended=at + SECOND)

    with living(simulator, platform, state) as made:
        made.poll(platform)
        one_more(START + SECOND)
        clock.advance(STEP)
        shown = polls(made, platform)
        assert wait_until(made, platform, shown + HOLD) == {"completed": 1.0}
    one_more(clock() + SECOND)
    clock.advance(STEP)
    with living(simulator, platform, state) as again:
        shown = polls(again, platform)
        assert runs_shown(again) == {"completed": 1.0}
        assert wait_until(again, platform, shown + HOLD) == {"completed": 2.0}


def test_nothing_is_logged_of_good_polls_but_that_the_target_came_up(caplog: pytest.LogCaptureFixture) -> None:
    """At info level a service that is well says one line a target."""
    with caplog.at_level(logging.INFO), flow() as made:
        for _ in range(3):
            assert made.poll(LISTED).good
    said = [record.getMessage() for record in caplog.records if record.name in ("exporter.runner", "exporter.telling")]
    assert said == ["target is up"]


def samples(text: str) -> dict[str, str]:
    """Samples of an exposition by name and labels."""
    pairs = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def runs_shown(made: Program) -> dict[str, float]:
    """Completed runs that are exposed once everything is rendered."""
    return runs_in(made.text())


def runs_in(text: str) -> dict[str, float]:
    """Completed runs of an exposition."""
    pattern = re.compile(r'automation_runs_total\{.*outcome="(completed)"\} (\d+)')
    return {match[1]: float(match[2]) for match in map(pattern.match, text.splitlines()) if match}


def test_a_listing_without_room_for_its_runs_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cursor stays, and nothing of it that was refused is passed over; the others are counted as ever."""
    clock = ManualClock(START)
    world = World(history_start=START - HOUR)
    for name in ("full", "other"):
        world.add_workload(LISTED, name, at=START - HOUR)
    with program(Simulator(world, clock=clock), clock, platforms=[LISTED]) as made:
        assert made.poll(LISTED).good
        for _ in range(150):  # on pages of their own, below those that are refused
            clock.advance(1)
            world.add_run(LISTED, "full", triggered=clock(), started=clock(), ended=clock() + SECOND)
        for _ in range(300):
            clock.advance(1)
            world.add_run(LISTED, "full", triggered=clock(), started=clock())
        before = made.targets[LISTED].ledger.listings["full"]
        monkeypatch.setattr(room, "LEAST", 100)
        monkeypatch.setattr(room, "FACTOR", 0)
        for _ in range(3):
            world.add_run(LISTED, "other", triggered=clock(), started=clock(), ended=clock() + SECOND)
            clock.advance(STEP)
            report = made.poll(LISTED)
            assert (report.good, report.error) == (True, None)
            assert [(each.listing, each.reason) for each in report.listings_failed] == [("full", "too_large")]
            after = made.targets[LISTED].ledger.listings["full"]
            assert (after.horizon, after.last_whole) == (before.horizon, before.last_whole)
        assert made.targets[LISTED].degraded == {"workload_error"}
        assert made.counted(LISTED)[RUNS.name, ("other", "completed")] == 3
        monkeypatch.undo()
        clock.advance(STEP)
        assert not made.poll(LISTED).listings_failed
        assert_exact(made, LISTED)
        assert len(made.targets[LISTED].ledger.open_runs) == 300
