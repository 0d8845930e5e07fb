"""Clients by the thousand, a scraper beside them, and what the service has open and in memory meanwhile."""

from __future__ import annotations

import os
import resource
import socket
import ssl
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.real.exporter import ExporterProcess
from tests.real.waiting import wait_for

SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: exporter.test\r\nConnection: close\r\n\r\n"


def allow_files(count: int) -> None:
    """Raise this process's limit of open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count if hard == -1 else min(count, hard), hard))


class Held(NamedTuple):
    """What a process has: open sockets, and memory in MB."""

    sockets: int
    memory: float


def held(process: ExporterProcess) -> Held:
    """Look at a process now."""
    folder = Path(f"/proc/{process.process.pid}")
    sockets = 0
    for entry in (folder / "fd").iterdir():
        with suppress(OSError):
            sockets += os.readlink(entry).startswith("socket:")
    status = (folder / "status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return Held(sockets, int(line.split()[1]) / 1024)


class Scraper(threading.Thread):
    """Scrapes again and again on new connections, as Prometheus does after a connection was cut."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext | None) -> None:
        super().__init__(daemon=True)
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self._address = address
        self._context = context
        self._done = threading.Event()

    def run(self) -> None:
        """Scrape until told to stop."""
        while not self._done.is_set():
            began = time.monotonic()
            try:
                answer = self._scrape()
            except OSError as error:
                self.failures.append(repr(error))
            else:
                if not (answer.startswith(b"HTTP/1.1 200 ") and b"automation_exporter_build_info" in answer):
                    self.failures.append(repr(answer[:200]))
                self.seconds.append(time.monotonic() - began)
            self._done.wait(0.02)

    def _scrape(self) -> bytes:
        with socket.create_connection(self._address, 10) as raw:
            if self._context is None:
                return _ask(raw)
            with self._context.wrap_socket(raw, server_hostname="localhost") as wrapped:
                return _ask(wrapped)

    def twice_more(self) -> None:
        """Wait for a scrape that began after this: who connected before has been seen by the server then."""
        seen = len(self.seconds) + len(self.failures)
        wait_for(lambda: len(self.seconds) + len(self.failures) >= seen + 2, "two more scrapes", within=60)

    def stop(self) -> None:
        """End after the scrape under way."""
        self._done.set()
        self.join()

    def told(self) -> str:
        """Return how the scrapes went."""
        ordered = sorted(self.seconds)
        middle, late = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
        return (
            f"{len(ordered)} scrapes, {len(self.failures)} failed, p50 {middle * 1e3:.1f} ms, p99 {late * 1e3:.0f} ms"
        )


def _ask(client: socket.socket) -> bytes:
    client.sendall(SCRAPE)
    parts = []
    while part := client.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


@contextmanager
def scraping(process: ExporterProcess, context: ssl.SSLContext | None = None) -> Iterator[Scraper]:
    """Scrape meanwhile."""
    scraper = Scraper(("127.0.0.1", process.port), context)
    scraper.start()
    try:
        yield scraper
    finally:
        scraper.stop()


def flood(port: int, count: int, said: bytes) -> Sequence[socket.socket]:
    """Open connections that say so much and then nothing, each with a small window. The server may cut them off."""
    clients = []
    for _ in range(count):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(10)
        client.connect(("127.0.0.1", port))
        with suppress(ConnectionError):
            client.sendall(said)
        clients.append(client)
    return clients
