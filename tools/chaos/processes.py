"""Processes of a life: started with a log of their own, waited for with a deadline, ended by their id only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

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


_started: list[subprocess.Popen[bytes]] = []


def kill_all() -> None:
    """End every process that was started here."""
    for process in _started:
        if process.poll() is None:
            process.kill()


def start(
    module: str, arguments: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start ``python -m MODULE ARGUMENTS``; what it prints is appended to ``log``."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    with log.open("ab") as output:
        process = subprocess.Popen(
            (sys.executable, "-m", module, *arguments),
            cwd=ROOT,
            env={**inherited, "PYTHONUNBUFFERED": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    _started[:] = [each for each in _started if each.returncode is None] + [process]
    return process


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
