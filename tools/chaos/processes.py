"""Processes of a life: started with a log of their own, waited for with a deadline, ended by their id only."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Protocol, TypeVar, cast

T = TypeVar("T")

INHERITED: Final = ("PATH", "LANG", "LC_ALL", "HOME", "PYTHONDONTWRITEBYTECODE")
ROOT: Final = Path(__file__).resolve().parent.parent.parent
LOOK_EVERY: Final = 0.05


class Trouble(Exception):
    """A life could not be lived to its end; the sentence says why."""


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


class Process(Protocol):
    """A process that was started here, as ``subprocess.Popen`` is one."""

    returncode: int | None

    def poll(self) -> int | None:
        """Return its exit code, None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code when it has ended; ``subprocess.TimeoutExpired`` when it has not in time."""

    def send_signal(self, sig: int) -> None:
        """Send a signal, if it still runs."""

    def kill(self) -> None:
        """Send SIGKILL, if it still runs."""


_started: list[Process] = []


def kill_all() -> int:
    """End every process that was started here; returns how many still ran."""
    running = [process for process in _started if process.poll() is None]
    for process in running:
        process.kill()
    return len(running)


def start(
    module: str, arguments: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start ``python -m MODULE ARGUMENTS``; what it prints is appended to ``log``."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    with log.open("ab") as output:
        process = subprocess.Popen(
            (sys.executable, "-m", module, *arguments),
            cwd=ROOT,
            env={**inherited, "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    _remember(process)
    return process


def _remember(process: Process) -> None:
    _started[:] = [each for each in _started if each.returncode is None] + [process]


class Nursery:
    """Starts exporters as forks of a process that has loaded their code; see ``nursery.py``."""

    def __init__(self, log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                (sys.executable, "-m", "tools.chaos.nursery"),
                cwd=ROOT,
                env={name: os.environ[name] for name in INHERITED if name in os.environ},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the one that ends them all
            )
        _remember(self._process)
        self._asked = cast("IO[bytes]", self._process.stdin)
        self._told = cast("IO[bytes]", self._process.stdout)
        self._changed = threading.Condition()
        self._made: list[int] = []
        self._codes: dict[int, int] = {}
        self._closed = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(self, arguments: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Process:
        """Start an exporter; what it prints is appended to ``log``. For one thread at a time."""
        asked = json.dumps({"arguments": list(arguments), "log": str(log), "env": dict(env or {})})
        self._asked.write(asked.encode() + b"\n")
        self._asked.flush()
        with self._changed:
            self._changed.wait_for(lambda: self._made or self._closed)
            if not self._made:
                raise Trouble(f"no exporter could be started: see {log}")
            child = _Child(self._made.pop(), self._changed, self._codes)
        _remember(child)
        return child

    def close(self) -> None:
        """End it, and every exporter that still runs."""
        self._asked.close()
        self._process.wait()
        self._reader.join()
        self._told.close()

    def _read(self) -> None:
        for line in self._told:
            told = json.loads(line)
            with self._changed:
                if "code" in told:
                    self._codes[told["pid"]] = told["code"]
                else:
                    self._made.append(told["pid"])
                self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class _Child:
    """A process that a nursery made."""

    def __init__(self, pid: int, changed: threading.Condition, codes: Mapping[int, int]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._changed = changed
        self._codes = codes

    def poll(self) -> int | None:
        self.returncode = self._codes.get(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self.poll() is not None, timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("an exporter", timeout or 0)
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has just ended, and its code is on the way
                os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def wait_for(look: Callable[[], T | None], what: str, within: float) -> T:
    """The first truthy answer; Trouble after ``within`` seconds."""
    deadline = time.monotonic() + within
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Trouble(f"not within {within:g} s: {what}")
        time.sleep(LOOK_EVERY)
