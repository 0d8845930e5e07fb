"""Threads that are started while memory is short."""

from __future__ import annotations

import threading

import pytest

from exporter import threads
from exporter.threads import DaemonThread


def test_it_does_its_work_and_does_not_hold_the_exit() -> None:
    found: list[str] = []
    thread = DaemonThread(found.append, "worker", ("done",))
    thread.start()
    thread.join(20)
    assert (found, thread.name, thread.daemon) == (["done"], "worker", True)


def test_one_that_dies_before_it_has_begun_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no memory for its first step, and tells nobody. Should it wake up after all, it does nothing."""
    asleep, work = threading.Event(), threading.Event()
    begin = threading.Thread._bootstrap  # type: ignore[attr-defined]
    ended = threading.Event()

    def late(thread: threading.Thread) -> None:
        assert asleep.wait(20)
        begin(thread)
        ended.set()

    monkeypatch.setattr(threads, "PATIENCE", 0.01)
    monkeypatch.setattr(threading.Thread, "_bootstrap", late)
    with pytest.raises(RuntimeError, match="no memory for a thread"):
        DaemonThread(work.set, "late").start()
    monkeypatch.undo()
    asleep.set()
    assert ended.wait(20)
    assert not work.is_set()
