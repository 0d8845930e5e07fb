"""Signals reach the main thread, whichever thread the system gives them to and whenever they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from exporter.signals import Signals

PROGRAM = """
import signal, sys, threading, time
from exporter.signals import Signals

def other():
    sys.stdin.readline()  # only now the main thread waits, or is about to
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    sys.stdin.read()

with Signals(signal.SIGTERM) as signals:
    threading.Thread(target=other, daemon=True).start()
    print("waits", flush=True)
    came = signals.wait()
print(*came, flush=True)
"""


def test_a_signal_that_another_thread_got_ends_the_wait() -> None:
    """Python hands it to the main thread, which must not sleep on."""
    with subprocess.Popen(
        (sys.executable, "-c", PROGRAM), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        process.stdin.write("\n")
        process.stdin.flush()
        deadline = threading.Timer(20, process.kill)
        deadline.start()
        try:
            assert process.stdout.readline() == f"{signal.SIGTERM.value}\n"
        finally:
            deadline.cancel()
            process.kill()


STUCK = """
import os, signal, sys, time
from exporter.signals import Signals

def write(pipe):
    while True:
        os.write(pipe, bytes(65_536))

def hold(lock):
    lock.acquire()
    lock.acquire()

import threading
stuck = {"a log that nobody reads": lambda: write(os.pipe()[1]), "a lock": lambda: hold(threading.Lock())}[sys.argv[1]]

def other():
    sys.stdin.readline()
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    sys.stdin.read()

with Signals(signal.SIGTERM, signal.SIGHUP, within=0.1):
    threading.Thread(target=other, daemon=True).start()
    print("waits", flush=True)
    stuck()
"""


@pytest.mark.parametrize("on", ["a log that nobody reads", "a lock"])
def test_a_main_thread_that_is_stuck_does_not_hold_the_end(on: str) -> None:
    """It was asked to end, and time is over."""
    with subprocess.Popen(
        (sys.executable, "-c", STUCK, on), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        process.send_signal(signal.SIGHUP)  # this is no reason to end
        process.stdin.write("\n")
        process.stdin.flush()
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_who_leaves_in_time_ends_by_itself() -> None:
    """Nothing is left of the last resort."""
    with Signals(signal.SIGTERM, within=30) as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        assert set(signals.wait()) == {signal.SIGTERM}
    assert not [thread.name for thread in threading.enumerate() if thread.name == "signals"]


@pytest.mark.parametrize("times", [1, 3])
def test_what_came_before_the_wait_is_told_once(times: int) -> None:
    """All that came, and none of it again: the next wait is for the next signal."""
    with Signals(signal.SIGUSR1, signal.SIGUSR2) as signals:
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)
        assert set(signals.wait()) == {signal.SIGUSR1, signal.SIGUSR2}
        os.kill(os.getpid(), signal.SIGUSR2)
        assert set(signals.wait()) == {signal.SIGUSR2}


def test_a_flood_of_signals_loses_none() -> None:
    """More than the pipe holds: the one that matters still comes."""
    with Signals(signal.SIGUSR1, signal.SIGUSR2) as signals:
        os.write(signals._wake, bytes(65_536))
        os.kill(os.getpid(), signal.SIGUSR2)
        assert set(signals.wait()) == {signal.SIGUSR2}


def test_afterwards_signals_do_what_they_did() -> None:
    """Handlers and the place to write to are put back."""
    before = signal.getsignal(signal.SIGUSR1)
    with Signals(signal.SIGUSR1):
        assert signal.getsignal(signal.SIGUSR1) is not before
    assert signal.getsignal(signal.SIGUSR1) is before
    assert signal.set_wakeup_fd(-1) == -1
