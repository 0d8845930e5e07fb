"""A scraper as a process: ``python -m bench.kit.client URL [options]``; it prints what it saw as JSON.

Raw sockets that read into one buffer, so that it is the server that is measured. Each scraper is a thread with a
connection that it keeps as long as the server lets it. An answer is good when it has status 200 and came whole; with
``--check`` one is read by a careful reader and counted, and that is all.
"""

from __future__ import annotations

import argparse
import gzip
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

ROOT: Final = Path(__file__).resolve().parent.parent.parent
ACCEPT: Final = {
    "text": "text/plain;version=0.0.4",
    "openmetrics": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
}
_BUFFER: Final = 1 << 20
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"
TIMEOUT: Final = 120.0
"""Seconds that a scrape may take unless told otherwise."""


@dataclass
class Seen:
    """What the scrapers saw."""

    seconds: list[float] = field(default_factory=list)
    """How long each good scrape took, from the request to the last byte."""
    failures: list[str] = field(default_factory=list)
    body: int = 0
    """Bytes of one answer as it came."""
    lines: int = 0
    """Lines of it that are samples."""
    content_type: str = ""
    took: float = 0.0
    """From the first request to the last answer."""


def scrape(
    url: str,
    form: str = "text",
    *,
    compressed: bool = False,
    scrapers: int = 1,
    scrapes: int = 1,
    within: float = 0.0,
    pause: float = 0.0,
    timeout: float = TIMEOUT,
) -> Seen:
    """Scrape from a process of its own: each scraper at least ``scrapes`` times, and for ``within`` seconds.

    A scrape fails when nothing comes for ``timeout`` seconds, or when it takes longer in all.
    """
    amount = (f"--scrapers={scrapers}", f"--scrapes={scrapes}", f"--within={within}")
    return _ask(url, form, compressed, *amount, f"--pause={pause}", f"--timeout={timeout}")


def check(url: str, form: str, *, compressed: bool) -> Seen:
    """What one answer is, and how many samples it has."""
    return _ask(url, form, compressed, "--check")


def _ask(url: str, form: str, compressed: bool, *options: str) -> Seen:
    command = (sys.executable, "-m", "bench.kit.client", url, f"--form={form}", *options)
    asked = (*command, "--gzip") if compressed else command
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the client failed\n{done.stderr}")
    return Seen(**json.loads(done.stdout))


class Connection:
    """One scraper's connection; made anew when the server closes it."""

    def __init__(self, url: str, headers: Sequence[str], timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        address = urlsplit(url)
        self._place = (address.hostname or "", address.port or 80)
        lines = (f"GET {address.path} HTTP/1.1", f"Host: {address.netloc}", *headers, "", "")
        self._request = "\r\n".join(lines).encode()
        self._buffer = memoryview(bytearray(_BUFFER))
        self._socket: socket.socket | None = None

    def scrape(self) -> None:
        """Ask once and read all of the answer. Raises OSError or ValueError when it is not a good one."""
        if self._socket is None:
            self._socket = socket.create_connection(self._place, timeout=self._timeout)
        try:
            self._socket.sendall(self._request)
            kept = self._answer(self._socket)
        except BaseException:
            self.close()
            raise
        if not kept:
            self.close()

    def close(self) -> None:
        """Give the connection up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _answer(self, server: socket.socket) -> bool:
        """Read an answer; tell whether the connection stays."""
        filled, end = 0, -1
        while end < 0:
            came = server.recv_into(self._buffer[filled:])
            if not came:
                raise ValueError("closed before an answer")
            filled += came
            end = bytes(self._buffer[:filled]).find(b"\r\n\r\n")
        head = bytes(self._buffer[:end]).lower()
        status = head.partition(b"\r\n")[0].split()[1]
        if status != b"200":
            raise ValueError(f"status {status.decode()}")
        left_over = filled - end - 4
        length = _header(head, b"content-length")
        if length:
            self._read(server, int(length) - left_over)
        elif _header(head, b"transfer-encoding") == b"chunked":
            self._read_chunks(server, bytes(self._buffer[end:filled]))
        else:
            while server.recv_into(self._buffer):
                pass
            return False
        return head.startswith(b"http/1.1") and _header(head, b"connection") != b"close"

    def _read(self, server: socket.socket, left: int) -> None:
        while left > 0:
            came = server.recv_into(self._buffer)
            if not came:
                raise ValueError(f"cut off with {left} bytes to come")
            left -= came

    def _read_chunks(self, server: socket.socket, last: bytes) -> None:
        while not last.endswith(_LAST_CHUNK):
            came = server.recv_into(self._buffer)
            if not came:
                raise ValueError("cut off between chunks")
            last = (last + bytes(self._buffer[max(0, came - len(_LAST_CHUNK)) : came]))[-len(_LAST_CHUNK) :]


def _header(head: bytes, name: bytes) -> bytes:
    _, found, rest = head.partition(b"\r\n" + name + b":")
    return rest.partition(b"\r\n")[0].strip() if found else b""


def _checked(url: str, form: str, compressed: bool) -> Seen:
    """Read one answer carefully."""
    import httpx  # noqa: PLC0415 - the many scrapes start sooner without

    headers = {"Accept": ACCEPT[form], "Accept-Encoding": "gzip" if compressed else "identity"}
    with httpx.stream("GET", url, headers=headers, timeout=TIMEOUT) as answer:
        answer.raise_for_status()
        body = b"".join(answer.iter_raw())
    if (answer.headers.get("content-encoding") == "gzip") is not compressed:
        raise RuntimeError(f"{url} does not answer with the encoding that was asked for")
    text = gzip.decompress(body) if compressed else body
    lines = sum(1 for line in text.splitlines() if not line.startswith(b"#"))
    return Seen(body=len(body), lines=lines, content_type=answer.headers.get("content-type", ""))


def _scraper(connection: Connection, chosen: argparse.Namespace, start: threading.Barrier, seen: Seen) -> None:
    start.wait()
    deadline = time.perf_counter() + chosen.within
    done = 0
    while done < chosen.scrapes or time.perf_counter() < deadline:
        before = time.perf_counter()
        try:
            connection.scrape()
        except (OSError, ValueError) as error:
            seen.failures.append(f"{type(error).__name__}: {error}")
        else:
            took = time.perf_counter() - before
            if took <= chosen.timeout:
                seen.seconds.append(took)
            else:
                seen.failures.append(f"it took {took:.1f} s")
        done += 1
        time.sleep(chosen.pause)
    connection.close()


def main(arguments: Sequence[str]) -> int:
    """Scrape as told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--form", choices=ACCEPT, default="text")
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--scrapers", type=int, default=1)
    parser.add_argument("--scrapes", type=int, default=1, help="at least so many by each scraper")
    parser.add_argument("--within", type=float, default=0.0, help="and for so many seconds")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two scrapes")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, help="seconds that a scrape may take")
    parser.add_argument("--check", action="store_true", help="read one answer carefully, and tell what it is")
    chosen = parser.parse_args(arguments)
    if chosen.check:
        json.dump(asdict(_checked(chosen.url, chosen.form, chosen.gzip)), sys.stdout)
        return 0
    seen = Seen()
    headers = (f"Accept: {ACCEPT[chosen.form]}", f"Accept-Encoding: {'gzip' if chosen.gzip else 'identity'}")
    start = threading.Barrier(chosen.scrapers + 1)
    threads = [
        threading.Thread(target=_scraper, args=(Connection(chosen.url, headers, chosen.timeout), chosen, start, seen))
        for _ in range(chosen.scrapers)
    ]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    seen.took = time.perf_counter() - began
    json.dump(asdict(seen), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
