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
