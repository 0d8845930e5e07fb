"""Ten thousand connections that do nothing good, and scrapes beside them; ``-s`` shows the figures.

The service is a process of its own. How fast scrapes are is printed and not asserted: none may fail.
"""

from __future__ import annotations

import random
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.nightly.flood import SCRAPE, Held, allow_files, flood, held, scraping
from tests.real.exporter import ExporterProcess
from tests.real.process import reserve_port
from tests.real.waiting import wait_for
from tests.web.configuration.files import Certificates, write
from tests.web.secure import TLS, client_context
from tests.web.serving import is_closed

pytestmark = [pytest.mark.nightly, pytest.mark.real, pytest.mark.xdist_group("connections")]

MANY = 10_000
MOST = 512
OTHERS = 40
"""Sockets for all else: listeners, wake-ups, a scrape under way."""

SAID = {
    "silent": b"",
    "half a request": b"GET /metrics HTTP/1.1\r\nHost: exporter.test\r\nX-Half: ",
    "idle": SCRAPE.replace(b"Connection: close\r\n", b"").replace(b"/metrics", b"/-/ready"),
    "reading nothing": SCRAPE.replace(b"Connection: close\r\n", b""),
}


class Secured(ExporterProcess):
    """The demo over TLS; its readiness is asked at the health address."""

    def __init__(self, folder: Path, web: Path) -> None:
        health = reserve_port()
        super().__init__(
            ("demo", f"--web.config.file={web}", f"--web.health-listen-address=127.0.0.1:{health}"), folder
        )
        self.client.base_url = f"http://127.0.0.1:{health}"


def service(how: str, folder: Path) -> tuple[ExporterProcess, ssl.SSLContext | None]:
    """Return the demo, with or without TLS, not started."""
    if how == "plain":
        return ExporterProcess(("demo",), folder / "exporter"), None
    made = Certificates(folder)
    return Secured(folder / "exporter", write(folder / "web.yml", TLS)), client_context(made.folder)


def forgotten(process: ExporterProcess, before: Held, clients: Sequence[socket.socket] = ()) -> Held:
    """Close the clients, wait until the server has let go of them, and return what it holds then."""
    for client in clients:
        client.close()
    wait_for(lambda: held(process).sockets < before.sockets + OTHERS, "they are forgotten", within=60)
    return held(process)


@pytest.mark.parametrize(("how", "kind"), [*(("plain", kind) for kind in SAID), ("tls", "silent")])
def test_ten_thousand_connections_leave_scrapes_alone(tmp_path: Path, how: str, kind: str) -> None:
    """Whatever they do: so many stay open as are allowed, no scrape fails, and memory is bounded."""
    allow_files(MANY + 1000)
    process, context = service(how, tmp_path)
    with process:
        before = held(process)
        with scraping(process, context) as scraper:
            clients = flood(process.port, MANY, SAID[kind])
            scraper.twice_more()
        during = held(process)
        after = forgotten(process, before, clients)
        print(
            f"{kind}, {how}: {MANY} opened, {during.sockets} sockets held,"
            f" memory {before.memory:.0f} -> {during.memory:.0f} -> {after.memory:.0f} MB; {scraper.told()}"
        )
        assert scraper.failures == []
        assert during.sockets <= MOST + OTHERS
        assert during.memory < before.memory + 200
        assert "level=error" not in process.log()
        assert "Traceback" not in process.log()


def test_ten_thousand_can_be_allowed(tmp_path: Path) -> None:
    """Then all are held, and a scrape costs what it did."""
    allow_files(MANY + 1000)
    arguments = ("demo", f"--web.max-connections={MANY + 100}")
    with ExporterProcess(arguments, tmp_path / "exporter") as process:
        before = held(process)
        with scraping(process) as scraper:
            clients = flood(process.port, MANY, SAID["idle"])
            scraper.twice_more()
            during = held(process)
        open_still = sum(not closed for closed in map(_is_closed, random.Random(1).sample(list(clients), 200)))
        after = forgotten(process, before, clients)
        print(
            f"allowed: {during.sockets} sockets held, memory {before.memory:.0f} -> {during.memory:.0f}"
            f" -> {after.memory:.0f} MB; {scraper.told()}"
        )
        assert scraper.failures == []
        assert during.sockets >= MANY
        assert open_still == 200
        assert during.memory < before.memory + 300


def _is_closed(client: socket.socket) -> bool:
    client.settimeout(0.001)
    return is_closed(client)


BAD = 20_000
_PARTS = (
    b"GET ", b"POST ", b"HEAD ", b"BREW ", b"/metrics", b"/", b"/-/reload", b"/%00", b"?target=",
    b"?" + b"a=b&" * 500, b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/9.9\r\n", b"\r\n", b"\r\n\r\n", b"Host: a\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 99999999\r\n", b"Transfer-Encoding: chunked\r\n",
    b"5\r\nhello\r\n", b"0\r\n\r\n", b"ffffffff\r\n", b"1;" + b"x" * 900 + b"\r\na\r\n",
    b"Expect: 100-continue\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"X: " + b"y" * 9000,
    b"Accept: " + b"text/plain;q=0.1," * 200 + b"\r\n", b"Authorization: Basic " + b"A" * 4000 + b"\r\n",
    b"\x00\xff\x16\x03\x01", b"Accept-Encoding: gzip\r\n", b"Range: bytes=0-1\r\n", b"x" * 70_000,
)  # fmt: skip


def test_bad_requests_by_the_thousand(tmp_path: Path) -> None:
    """Each is answered or closed, nothing is logged, nothing is left behind, and no scrape beside them fails."""
    with ExporterProcess(("demo", "--log.level=warn"), tmp_path / "exporter") as process:
        process.metrics()
        before = held(process)
        with scraping(process) as scraper:
            answered = _send_bad(process.port, _whole)
        after = forgotten(process, before)
        print(
            f"bad requests: {BAD} sent, {answered} answered, memory {before.memory:.0f} -> {after.memory:.0f} MB;"
            f" {scraper.told()}"
        )
        assert scraper.failures == []
        assert answered > BAD / 2
        assert after.memory < before.memory + 60
        assert process.log() == ""


def _send_bad(port: int, whole: Callable[[random.Random], bytes]) -> int:
    dice = random.Random(7)
    answered = 0
    for _ in range(BAD):
        with socket.create_connection(("127.0.0.1", port), 20) as client, suppress(ConnectionError):
            client.sendall(whole(dice))
            with suppress(OSError):  # it may have been closed already
                client.shutdown(socket.SHUT_WR)
            answered += client.recv(100).startswith(b"HTTP/1.1 ")
    return answered


def _whole(dice: random.Random) -> bytes:
    start = dice.choice((b"GET /metrics HTTP/1.1\r\n", b"POST /-/reload HTTP/1.1\r\n", b""))
    return start + b"".join(dice.choices(_PARTS, k=dice.randint(1, 8)))
