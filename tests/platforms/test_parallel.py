"""Several jobs at once, one consumer."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from exporter.platforms.parallel import Job, in_parallel


def counting(name: str, number: int) -> Job[tuple[str, int]]:
    """Return a job of so many batches."""
    return lambda: ((name, each) for each in range(number))


def workers() -> list[str]:
    """Name the threads that are left."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("listing-")]


def test_everything_arrives_and_each_job_keeps_its_order() -> None:
    """Whatever the number of jobs and threads."""
    jobs = [counting(f"job{number}", number) for number in range(20)]
    found = list(in_parallel(jobs, workers=4))
    assert sorted(found) == sorted((f"job{number}", each) for number in range(20) for each in range(number))
    for number in range(20):
        mine = [each for name, each in found if name == f"job{number}"]
        assert mine == sorted(mine)
    assert workers() == []


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_fewer_threads_do_the_work_where_the_system_refuses_more(allowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on processes; without any thread it says so, and nothing is left behind."""
    start, started = threading.Thread.start, iter(range(allowed))

    def limited(thread: threading.Thread) -> None:
        if next(started, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    found = in_parallel([counting("job", 5) for _ in range(6)], workers=4)
    if allowed:
        assert len(list(found)) == 30
    else:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            list(found)
    assert workers() == []


def test_no_jobs_no_batches() -> None:
    """And no thread left."""
    assert list(in_parallel([], workers=4)) == []


def test_no_more_jobs_at_a_time_than_workers() -> None:
    """Four requests at a time are four."""
    running, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(4)

    def job() -> Iterator[int]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(timeout=10)
        with lock:
            running -= 1
        yield 1

    assert sum(in_parallel([job] * 8, workers=4)) == 8
    assert most == 4


def test_an_error_is_raised_after_what_was_read() -> None:
    """Jobs not yet begun are not begun."""
    begun: list[str] = []

    def failing() -> Iterator[str]:
        begun.append("failing")
        yield "read before"
        raise LookupError("the matter")

    def never() -> Iterator[str]:
        begun.append("never")
        yield "not read"

    batches = in_parallel([failing, *[never] * 50], workers=1)
    assert next(batches) == "read before"
    with pytest.raises(LookupError, match="the matter"):
        next(batches)
    assert begun == ["failing"]
    assert workers() == []


def endless() -> Iterator[int]:
    """Yield until it is closed."""
    while True:
        yield 1


def test_closing_ends_all_jobs() -> None:
    """A consumer that has enough leaves no thread behind."""
    batches = in_parallel([endless] * 3, workers=3)
    assert next(batches) == 1
    batches.close()
    assert workers() == []


def test_an_error_of_one_ends_the_others() -> None:
    """After the batch they are at."""

    def failing() -> Iterator[int]:
        yield from ()
        raise LookupError("the matter")

    with pytest.raises(LookupError):
        list(in_parallel([endless, failing], workers=2))
    assert workers() == []


def test_little_is_read_ahead() -> None:
    """A slow consumer holds the readers, or memory would fill."""
    read = 0

    def job() -> Iterator[int]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield 1

    batches = in_parallel([job], workers=1)
    next(batches)
    batches.close()
    assert read <= 4
