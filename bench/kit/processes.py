"""Processes of a benchmark: started in groups of their own, measured, ended whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from tools.chaos.processes import INHERITED, wait_for

ROOT: Final = Path(__file__).resolve().parent.parent.parent
START_SECONDS: Final = 180.0
END_SECONDS: Final = 10.0
TAIL: Final = 15
_CPU_CLOCK: Final = 2
"""CPUCLOCK_SCHED: the processor time of a whole process, threads that have ended included, in nanoseconds."""


class Process:
    """One process with its children."""

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path) -> None:
        self.log = log
        self.name = log.stem
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**{name: os.environ[name] for name in INHERITED if name in os.environ}, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def pids(self) -> list[int]:
        """The process and its children, as they are now."""
        found = [self.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found

    def cpu(self) -> float:
        """Seconds of processor time that they have used."""
        return sum(time.clock_gettime((~pid << 3) | _CPU_CLOCK) for pid in self.pids())

    def rss(self) -> int:
        """Bytes of memory that they hold now."""
        return sum(_status(pid, "VmRSS") for pid in self.pids())

    def peak(self) -> int:
        """The most bytes that they held since ``forget_peak``; the sum of each one's own peak."""
        return sum(_status(pid, "VmHWM") for pid in self.pids())

    def forget_peak(self) -> None:
        """Begin a new peak."""
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def wait_until(self, look: Callable[[], object], what: str, within: float = START_SECONDS) -> None:
        """Wait for something of it; an error when it ended, or after ``within`` seconds."""

        def ready() -> bool:
            if not self.alive():
                raise RuntimeError(f"{self.name} ended with exit code {self._process.returncode}\n{self.log_tail()}")
            return bool(look())

        wait_for(ready, f"{self.name}: {what}", within)

    def wait_for_answer(self, url: str, within: float = START_SECONDS) -> None:
        """Wait until it answers with success."""

        def answers() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(url, timeout=within).is_success
            return False

        self.wait_until(answers, f"{url} answers", within)

    def end(self) -> None:
        """End it and its children."""
        if self.alive():
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        with contextlib.suppress(ProcessLookupError):  # its group: children that outlived it too
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def log_tail(self) -> str:
        """The last lines that it printed."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL:]
        return "\n".join((f"---- {self.name}", *lines))


class Processes:
    """Everything that one script started. Leaving ends what still runs, whatever the reason."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Process] = []

    def start(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT
    ) -> Process:
        """Start a command; what it prints goes to a log that errors show the end of."""
        process = Process(command, self._folder / f"{name}.log", env or {}, cwd)
        self._started.append(process)
        return process

    def start_python(self, name: str, module: str, *arguments: str, env: Mapping[str, str] | None = None) -> Process:
        """Start ``python -m MODULE ARGUMENTS`` with this interpreter."""
        every = {"PYTHONUNBUFFERED": "1", **(env or {})}
        return self.start(name, (sys.executable, "-m", module, *arguments), env=every)

    def log_tails(self) -> str:
        """The ends of all logs."""
        return "\n".join(process.log_tail() for process in self._started)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._started):
            process.end()


def _status(pid: int, field: str) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    return 0
