"""A real server as a process of its own: started, watched, ended; its log is shown when a test fails."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx

from tests.real.waiting import wait_for

START_SECONDS = 30.0
LOG_LINES = 60


def reserve_port() -> int:
    """A loopback port that nobody else is given for a minute.

    The side of a connection that closes first keeps its port in TIME_WAIT: the kernel hands it to nobody who asks
    for any port, while a server that asks for just this one (with SO_REUSEADDR, as all ours do) gets it.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        port: int = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listener.accept()
            accepted.close()
            client.recv(1)
    return port


class ServerProcess:
    """One process that listens on ``port`` of the loopback address.

    ``folder`` is its working directory and holds its log; ``env`` is its whole environment. Entering the context
    starts it and waits until ``ready_path`` answers 200; leaving it ends this process and no other.
    """

    def __init__(
        self, command: Sequence[str | Path], *, port: int, folder: Path, env: Mapping[str, str], ready_path: str
    ) -> None:
        self.command = tuple(map(str, command))
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        self.env = dict(env)
        self.ready_path = ready_path
        self.log_path = folder / f"{Path(self.command[0]).name}-{port}.log"
        self.client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        print(self.log_tail())  # pytest shows what was printed when the test failed

    def close(self) -> None:
        """End the process if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill9()
        self.client.close()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process as it was last started."""
        assert self._process is not None, "not started"
        return self._process

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for(self._is_ready, f"{self.ready_path} answers", within=START_SECONDS, details=self.log_tail)

    def _is_ready(self) -> bool:
        code = self.process.poll()
        assert code is None, f"{self.command[0]} ended with exit code {code}\n{self.log_tail()}"
        return self.client.get(self.ready_path).status_code == 200

    def kill9(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def terminate(self, *, within: float) -> int:
        """Ask it to end with SIGTERM; its exit code, or an AssertionError when it takes longer."""
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(timeout=within)
        raise AssertionError(f"{self.command[0]} did not end within {within:g} s of SIGTERM\n{self.log_tail()}")

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer to a GET, whatever its status."""
        return self.client.get(path, headers=headers)

    def log(self) -> str:
        """All that it printed so far, over all its starts."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self) -> str:
        """The last lines of the log, under a heading."""
        return "\n".join((f"---- {self.log_path.name}", *self.log().splitlines()[-LOG_LINES:]))
