from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from functools import partial

import pytest
from apscheduler.schedulers import base as apscheduler_base

from exporter import threads
from exporter.schedule import Schedule
from exporter.schedule import jobs as jobs_module
from exporter.schedule.workers import Workers
from exporter.times import SECOND, Moment, SystemClock, seconds

DEADLINE = 10.0


@contextmanager
def running(schedule: Schedule) -> Iterator[Schedule]:
    schedule.start()
    try:
        yield schedule
    finally:
        assert schedule.stop(timeout=5)


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true before the deadline."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


class Counter:
    """A job that counts its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self.runs += 1
            self._changed.notify_all()

    def reaches(self, runs: int) -> bool:
        """Wait until it ran so often; whether it did."""
        with self._changed:
            return self._changed.wait_for(lambda: self.runs >= runs, DEADLINE)


class Blocked:
    """A job that hangs until it is released."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()
        self.runs = 0

    def __call__(self) -> None:
        self.runs += 1
        self.entered.set()
        self.released.wait(DEADLINE)


def test_a_blocked_job_delays_no_other_and_does_not_overlap() -> None:
    schedule, blocked, others = Schedule(SystemClock()), Blocked(), [Counter() for _ in range(60)]
    schedule.add("blocked", 0.02, blocked, start_offset=0)
    for number, other in enumerate(others):
        schedule.add(f"target {number}", 0.05, other, start_offset=0.02)
    with running(schedule):
        assert blocked.entered.wait(DEADLINE)
        assert all(other.reaches(5) for other in others)
        assert blocked.runs == 1
        blocked.released.set()


def test_more_jobs_than_threads_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "Workers", partial(Workers, most=2))
    schedule, jobs = Schedule(SystemClock()), [Blocked() for _ in range(5)]
    for number, job in enumerate(jobs):
        schedule.add(f"target {number}", 60, job, start_offset=0)
    with running(schedule):
        for _ in jobs:
            assert eventually(lambda: len(under_way(jobs)) == min(2, len(unreleased(jobs))))
            under_way(jobs)[0].released.set()


def test_jobs_that_hang_take_no_thread_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """More upstreams are silent than there are threads: the others are polled all the same, up to a limit."""
    monkeypatch.setattr(jobs_module, "Workers", partial(Workers, most=2, at_all=5, long=0.0))
    schedule, silent, other = Schedule(SystemClock()), [Blocked() for _ in range(4)], Counter()
    for number, job in enumerate(silent):
        schedule.add(f"silent {number}", 60, job, start_offset=0)
    schedule.add("other", 0.02, other, start_offset=0.02)
    late = [Blocked() for _ in range(2)]
    with running(schedule):
        assert all(job.entered.wait(DEADLINE) for job in silent)
        assert other.reaches(3)
        for number, job in enumerate(late):
            schedule.add(f"late {number}", 60, job, start_offset=0)
        assert eventually(lambda: sum(job.entered.is_set() for job in late) == 1)
        runs = other.runs
        for job in silent[:2]:  # one thread is for the job that waits since then
            job.released.set()
        assert other.reaches(runs + 3)
        for job in silent + late:
            job.released.set()


def test_jobs_that_wait_are_begun_when_those_that_run_have_hung_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although every job waits or hangs, so that none comes due."""
    monkeypatch.setattr(jobs_module, "Workers", partial(Workers, most=2, at_all=4, long=0.1))
    schedule, silent, others = Schedule(SystemClock(), beat_seconds=0.02), [Blocked() for _ in range(2)], Counter()
    for number, job in enumerate(silent):
        schedule.add(f"silent {number}", 60, job, start_offset=0)
    for number in range(5):
        schedule.add(f"other {number}", 60, others, start_offset=0.01)
    with running(schedule):
        assert others.reaches(5)
        assert all(job.entered.is_set() and not job.released.is_set() for job in silent)
        for job in silent:
            job.released.set()


@pytest.mark.parametrize("how", ["refused", "dies at once"])
def test_threads_that_the_system_refuses_end_no_job_for_good(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A limit on processes or memory, reached for a while: a job runs again after that, and never twice at once."""
    monkeypatch.setattr(jobs_module, "Workers", partial(Workers, most=2))
    monkeypatch.setattr(threads, "PATIENCE", 0.01)
    refused, at_once, most = threading.Semaphore(0), threading.Semaphore(1), Counter()
    method = "start" if how == "refused" else "_bootstrap"
    ordinary = getattr(threading.Thread, method)

    def refuse(thread: threading.Thread) -> None:
        if refusing.is_set() and thread.name.startswith("poll "):
            refused.release()
            if how == "refused":
                raise RuntimeError("can't start new thread")
            return
        ordinary(thread)

    def job() -> None:
        assert at_once.acquire(blocking=False)
        most()
        at_once.release()

    refusing = threading.Event()
    refusing.set()
    monkeypatch.setattr(threading.Thread, method, refuse)
    schedule = Schedule(SystemClock())
    schedule.add("target", 0.02, job, start_offset=0)
    with running(schedule):
        for _ in range(5):
            assert refused.acquire(timeout=DEADLINE)
        refusing.clear()
        assert most.reaches(3)


def unreleased(jobs: list[Blocked]) -> list[Blocked]:
    return [job for job in jobs if not job.released.is_set()]


def under_way(jobs: list[Blocked]) -> list[Blocked]:
    return [job for job in unreleased(jobs) if job.entered.is_set()]


def test_timers_run_while_every_poll_is_blocked() -> None:
    schedule, timer = Schedule(SystemClock()), Counter()
    jobs = [Blocked() for _ in range(20)]
    for number, job in enumerate(jobs):
        schedule.add(f"target {number}", 60, job, start_offset=0)
    schedule.timer("holds", 0.02, timer)
    with running(schedule):
        assert all(job.entered.wait(DEADLINE) for job in jobs)
        assert timer.reaches(timer.runs + 5)
        for job in jobs:
            job.released.set()


@pytest.mark.parametrize("raised", [ValueError("no such workload"), SystemExit(3)])
def test_a_job_that_raises_is_logged_and_runs_again(raised: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    count = Counter()

    def job() -> None:
        count()
        raise raised

    schedule = Schedule(SystemClock())
    schedule.add("fleet", 0.01, job)
    with running(schedule):
        assert count.reaches(3)
    assert "poll fleet failed; it stays on schedule" in caplog.text
    assert f"{type(raised).__name__}: {raised}" in caplog.text


def test_a_trigger_runs_a_job_now_and_keeps_its_pace() -> None:
    schedule, job = Schedule(SystemClock()), Counter()
    schedule.add("fleet", 3600, job, jitter_fraction=0, start_offset=1800)
    with running(schedule):
        planned = schedule.next_run("fleet")
        assert job.runs == 0
        schedule.trigger("fleet")
        assert job.reaches(1)
        assert schedule.next_run("fleet") == planned


def test_a_removed_job_runs_no_more_and_may_come_back() -> None:
    schedule, first, second = Schedule(SystemClock()), Counter(), Counter()
    with running(schedule):
        schedule.add("fleet", 0.01, first)
        assert first.reaches(2)
        schedule.remove("fleet")
        assert schedule.next_run("fleet") is None
        schedule.add("fleet", 0.01, second)
        assert second.reaches(1)
        runs = first.runs
        assert second.reaches(5)
        assert first.runs == runs


def test_names_are_taken_once_and_unknown_ones_refused() -> None:
    schedule, job = Schedule(SystemClock()), Counter()
    schedule.add("beat", 60, job)  # the timer of this name is another thing
    with pytest.raises(ValueError, match="there is a poll beat already"):
        schedule.add("beat", 60, job)
    with pytest.raises(ValueError, match="there is a timer beat already"):
        schedule.timer("beat", 60, job)
    unknown: list[Callable[[], None]] = [
        lambda: schedule.remove("x"),
        lambda: schedule.trigger("x"),
        lambda: schedule.reschedule("x", 1),
    ]
    for call in unknown:
        with pytest.raises(KeyError):
            call()
    assert schedule.stop(0)


def test_another_interval_moves_the_next_run() -> None:
    clock = SystemClock()
    schedule, job = Schedule(clock), Counter()
    with running(schedule):
        schedule.add("fleet", 3600, job, jitter_fraction=0, start_offset=0)
        assert job.reaches(1)
        schedule.reschedule("fleet", 7200)
        next_run = schedule.next_run("fleet")
        assert next_run is not None
        assert 7100 * SECOND < next_run - clock.now().wall <= 7200 * SECOND
        schedule.reschedule("fleet", 7200)
        assert schedule.next_run("fleet") == next_run
        schedule.reschedule("fleet", 0.01)
        assert job.reaches(3)


def test_first_runs_are_spread() -> None:
    clock, schedule = SystemClock(), Schedule(SystemClock())
    begun = clock.now().wall
    for number in range(4):
        schedule.add(f"target {number}", 60, Counter())
    waits = [((schedule.next_run(f"target {number}") or 0) - begun) / SECOND for number in range(4)]
    assert waits == pytest.approx([0, 6.18, 2.36, 8.54], abs=0.1)
    assert schedule.stop(0)


def test_the_beat_is_young_while_the_scheduler_runs() -> None:
    class Aging(SystemClock):
        offset = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.offset

    clock = Aging()
    schedule = Schedule(clock, beat_seconds=0.02)
    with running(schedule):
        clock.offset = 100.0
        assert eventually(lambda: schedule.beat_age() < 50)
    clock.offset = 1000.0
    assert schedule.beat_age() > 800


def test_stopping_waits_for_what_runs_but_not_for_ever() -> None:
    schedule, blocked, waiting = Schedule(SystemClock()), Blocked(), Counter()
    schedule.add("blocked", 60, blocked, start_offset=0)
    schedule.add("other", 60, waiting, start_offset=30)
    schedule.start()
    assert blocked.entered.wait(DEADLINE)
    began = time.monotonic()
    assert not schedule.stop(timeout=0.1)
    assert time.monotonic() - began < 2
    schedule.trigger("other")
    schedule.reschedule("other", 1)
    schedule.remove("other")
    blocked.released.set()
    assert schedule.stop(timeout=DEADLINE)
    assert waiting.runs == 0


def test_a_blocked_job_does_not_hold_the_exit() -> None:
    program = """
import threading
from exporter.schedule import Schedule
from exporter.schedule import jobs as jobs_module
from exporter.times import SystemClock
schedule, entered = Schedule(SystemClock()), threading.Event()
def job():
    entered.set()
    threading.Event().wait()
schedule.add("blocked", 60, job, start_offset=0)
schedule.start()
entered.wait()
print(schedule.stop(timeout=0.05))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30, check=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


class SteppingClock(SystemClock):
    """The machine's clock with a wall time that can be set, for us and for APScheduler alike."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offset = timedelta()
        outer = self

        class Stepping(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Stepping:
                return cls.fromtimestamp((datetime.now(tz) + outer.offset).timestamp(), tz)

        monkeypatch.setattr(apscheduler_base, "datetime", Stepping)

    def now(self) -> Moment:
        wall = super().now().wall + seconds(self.offset.total_seconds())
        return Moment(wall, wall)


@pytest.mark.parametrize("step", [timedelta(hours=-2), timedelta(hours=2)])
def test_jobs_keep_their_pace_when_the_wall_clock_steps(monkeypatch: pytest.MonkeyPatch, step: timedelta) -> None:
    clock = SteppingClock(monkeypatch)
    stepped: list[float] = []
    schedule = Schedule(clock, on_step=stepped.append, beat_seconds=0.05)
    often, seldom, timer = Counter(), Counter(), Counter()
    schedule.add("often", 0.05, often)
    schedule.add("seldom", 3600, seldom, jitter_fraction=0.5, start_offset=1800)
    schedule.timer("timer", 0.05, timer)
    before = schedule.next_run("seldom")
    assert before is not None
    with running(schedule):
        assert often.reaches(2)
        clock.offset = step
        assert often.reaches(often.runs + 5)
        assert timer.reaches(timer.runs + 5)
        after = schedule.next_run("seldom")
        assert after is not None
    assert stepped == pytest.approx([step.total_seconds()], abs=0.5)
    # what came due by the step may run before the step is noticed, but then once
    assert seldom.runs in ((0, 1) if step > timedelta() else (0,))
    assert abs(after - before - seconds(step.total_seconds())) < SECOND
