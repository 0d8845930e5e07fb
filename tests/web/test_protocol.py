"""What one connection may cost, with real sockets and limits of fractions of a second."""

from __future__ import annotations

import asyncio
import select
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from starlette.types import Receive, Scope, Send

from exporter.web import server as server_module
from exporter.web.address import Address, bind
from exporter.web.protocol import LimitedProtocol, Limits
from exporter.web.server import Server
from tests.web.serving import (
    DEADLINE,
    RENDERED,
    Service,
    connected,
    eventually,
    is_closed,
    read_answer,
    rendered,
    request,
    serving,
)

QUICK = Limits(request_bytes=8192, receive_timeout=0.1, write_timeout=0.2, keep_alive=0.3, linger=0.5)
PATIENT = replace(QUICK, receive_timeout=60.0, write_timeout=60.0, keep_alive=60.0)
GET = b"GET /metrics HTTP/1.1\r\nHost: exporter.test\r\n\r\n"
BIG = bytes(8_000_000)


@pytest.fixture(scope="module")
def quick() -> Iterator[Server]:
    with serving(Service().application(), QUICK) as server:
        yield server


@pytest.fixture(scope="module")
def patient() -> Iterator[Server]:
    with serving(Service().application(), PATIENT) as server:
        yield server


@pytest.mark.parametrize("sent", [b"GET /met", GET[:-2], b"GET / HTTP/1.1\r\nX: " + b"y" * 4000])
def test_headers_that_do_not_end_are_answered_408(quick: Server, sent: bytes) -> None:
    with connected(quick) as client, client.makefile("rb") as stream:
        client.sendall(sent)
        answer = read_answer(stream)
        assert (answer.status, answer.text) == (408, "Request Timeout.\n")
        assert answer.headers["connection"] == "close"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert is_closed(client)


def test_dripped_headers_gain_no_time(quick: Server) -> None:
    with connected(quick) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        client.settimeout(0.02)
        dripped = 0
        while dripped < 200:
            client.sendall(b"X: y\r\n")
            dripped += 1
            try:
                received = client.recv(100)
            except TimeoutError:
                continue
            assert received.startswith(b"HTTP/1.1 408 ")
            break
        assert dripped < 50


def test_a_connection_that_says_nothing_is_closed_in_silence(quick: Server) -> None:
    with connected(quick) as client:
        assert client.recv(100) == b""


def test_a_body_that_does_not_come_ends_the_connection(quick: Server) -> None:
    with connected(quick) as client, client.makefile("rb") as stream:
        client.sendall(b"POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx")
        assert read_answer(stream).status == 403
        assert stream.read() == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nX: " + b"y" * 5_000_000,  # more than is read at once: it is drained, not reset
        b"GET /" + b"y" * 100_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
    ],
)
def test_headers_that_are_too_large_are_answered_431(patient: Server, sent: bytes) -> None:
    with connected(patient) as client, client.makefile("rb") as stream:
        client.sendall(sent)
        answer = read_answer(stream)
        assert (answer.status, answer.text) == (431, "Request Header Fields Too Large.\n")


def test_headers_just_below_the_limit_are_taken(patient: Server) -> None:
    assert request(patient, "GET", "/metrics", X="y" * 7_000).status == 200


def test_a_body_that_is_too_large_ends_the_connection(patient: Server) -> None:
    """The answer was given without waiting for it, so it cannot be 413 any more."""
    with connected(patient) as client:
        client.sendall(b"POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000)
        assert is_closed(client)


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 5\r\n\r\nhello",
        CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    ],
)
@pytest.mark.parametrize("start", [b"GET /metrics", b"HEAD /metrics", b"PUT /metrics", b"POST /nowhere", b"PROPFIND /"])
def test_a_body_that_nobody_wants_is_passed_over(patient: Server, start: bytes, body: bytes) -> None:
    """Whatever is asked for is answered, and the next request on the connection is understood."""
    status = {b"GET": 200, b"HEAD": 200, b"PUT": 405, b"POST": 404, b"PROPFIND": 405}[start.split()[0]]
    with connected(patient) as client, client.makefile("rb") as stream:
        client.sendall(start + b" HTTP/1.1\r\nHost: a\r\n" + body + GET)
        answer = read_answer(stream, start.split()[0].decode())
        assert answer.status == status
        assert len(answer.body) < 100
        assert read_answer(stream).body == RENDERED.text


@pytest.mark.parametrize("piece", [b"400\r\n" + b"x" * 1024 + b"\r\n", b"1;" + b"x" * 1000 + b"\r\na\r\n"])
def test_an_upload_without_end_is_cut_off(patient: Server, piece: bytes) -> None:
    """Chunks, and what may stand beside their lengths, count as what they are: bytes of one request."""
    with connected(patient) as client:
        client.sendall(b"POST /-/reload HTTP/1.1\r\nHost: a\r\n" + CHUNKED)
        sent = 0
        with suppress(ConnectionError):
            while sent < 50_000_000:
                client.sendall(piece * 20)
                sent += 20 * len(piece)
        assert sent < 10_000_000  # what the system's buffers take
        assert is_closed(client)


@pytest.mark.parametrize(
    "sent",
    [
        b"BREW / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"CONNECT example.test:443 HTTP/1.1\r\n\r\n",
        b"GET http://exporter.test HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 5000,
    ],
)
def test_what_is_not_http_is_answered_400(quick: Server, sent: bytes) -> None:
    with connected(quick) as client, client.makefile("rb") as stream:
        client.sendall(sent)
        answer = read_answer(stream)
        assert (answer.status, answer.text) == (400, "Bad Request.\n")


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
def test_a_wish_for_another_protocol_is_not_granted(patient: Server, protocol: bytes) -> None:
    with connected(patient) as client, client.makefile("rb") as stream:
        client.sendall(GET[:-2] + b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\nmore")
        answer = read_answer(stream)
        assert (answer.status, answer.body) == (200, RENDERED.text)
        assert stream.read() == b""


def test_a_connection_is_kept_for_the_next_scrape_and_closed_when_none_comes(quick: Server) -> None:
    with connected(quick) as client, client.makefile("rb") as stream:
        for _ in range(3):
            client.sendall(GET)
            assert read_answer(stream).body == RENDERED.text
        assert stream.read() == b""


def test_blank_lines_do_not_keep_an_idle_connection(quick: Server) -> None:
    with connected(quick) as client, client.makefile("rb") as stream:
        client.sendall(GET)
        read_answer(stream)
        client.sendall(b"\r\n\r\n")
        assert stream.read() == b""


def test_http_1_0_closes(patient: Server) -> None:
    with connected(patient) as client, client.makefile("rb") as stream:
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert read_answer(stream).body == RENDERED.text
        assert stream.read() == b""


def test_pipelined_requests_are_answered_in_order_however_many(patient: Server) -> None:
    count = 5_000
    with connected(patient) as client, client.makefile("rb") as stream:
        client.sendall(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % (number % 2) + GET for number in range(count)))
        for _ in range(count):
            assert read_answer(stream).status == 404
            assert read_answer(stream).body == RENDERED.text
        client.sendall(GET)
        assert read_answer(stream).status == 200


def test_nonsense_behind_good_requests_leaves_their_answers_whole(patient: Server) -> None:
    with connected(patient) as client, client.makefile("rb") as stream:
        client.sendall(GET * 3 + b"nonsense\r\n\r\n" + GET)
        answers = [read_answer(stream) for _ in range(3)]
        assert [answer.body for answer in answers] == [RENDERED.text] * 3
        assert stream.read() == b""


class Slow:
    """An application that gives an answer when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self._turns = asyncio.Semaphore(0)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.asked += 1
        self._loop = asyncio.get_running_loop()
        await self._turns.acquire()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    def answer(self) -> None:
        """Let one answer go, from any thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._turns.release)


class Watched(LimitedProtocol):
    """Remembers its connections."""

    seen: ClassVar[list[Watched]] = []

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.seen.append(self)

    @property
    def unparsed(self) -> int:
        """Bytes that were read and not looked at."""
        return len(self._unparsed)


def test_a_flood_of_pipelined_requests_is_not_read_ahead_of_the_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are not parsed cost their length; requests that wait cost a hundred times as much."""
    monkeypatch.setattr(server_module, "LimitedProtocol", Watched)
    app = Slow()
    with serving(app, PATIENT) as server, connected(server) as client:
        client.settimeout(0.2)
        sent = 0
        for answers in range(20):
            with suppress(TimeoutError):
                while sent < 100_000_000:
                    sent += client.send(GET * 1000)
                    client.settimeout(0.02)
            assert eventually(lambda answers=answers: app.asked == answers + 1)  # type: ignore[misc]
            app.answer()
        assert sent < 20_000_000  # what the system's socket buffers take
        assert len(Watched.seen[-1].pipeline) < 100
        assert Watched.seen[-1].unparsed < 1_000_000


def test_a_request_behind_a_slow_answer_is_not_late() -> None:
    """It is the server that does not read on, so the time it takes does not count."""
    app = Slow()
    with serving(app, replace(PATIENT, receive_timeout=0.05)) as server, connected(server) as client:
        client.sendall(GET * 100 + GET[:-2])
        assert eventually(lambda: app.asked == 1)
        client.settimeout(0.15)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(10)
        with client.makefile("rb") as stream:
            for _ in range(100):
                app.answer()
                assert read_answer(stream).status == 200
            assert read_answer(stream).status == 408


def test_a_reader_that_stalls_is_cut_off_and_frees_its_snapshot() -> None:
    service = Service(rendered=rendered(text=BIG))
    before = sys.getrefcount(BIG)
    limits = replace(PATIENT, write_timeout=0.2)
    with serving(service.application(), limits) as server, connected(server, receive_buffer=4096) as client:
        client.sendall(GET)
        assert eventually(lambda: sys.getrefcount(BIG) > before)
        service.rendered = RENDERED
        assert request(server, "GET", "/metrics").body == RENDERED.text
        assert eventually(lambda: sys.getrefcount(BIG) < before)
        assert is_closed(client)


def test_a_reader_that_stalls_with_little_unread_is_cut_off_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little for the transport to complain of: it is found when the connection is closed as idle."""

    def bind_with_small_buffers(address: Address) -> socket.socket:
        listener = bind(address)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return listener

    monkeypatch.setattr(server_module, "bind", bind_with_small_buffers)
    body = bytes(60_000)
    service = Service(rendered=rendered(text=body))
    before = sys.getrefcount(body)
    with serving(service.application(), QUICK) as server, connected(server, receive_buffer=4096) as client:
        client.sendall(GET)
        assert eventually(lambda: sys.getrefcount(body) > before)
        assert eventually(lambda: sys.getrefcount(body) == before)
        assert is_closed(client)


@pytest.mark.parametrize("size", [8_000_000, 60_000])
def test_nothing_is_left_with_the_system_for_a_reader_that_stalls(size: int) -> None:
    """It would be kept for minutes, megabytes a reader; a reset drops it, and tells the reader at once.

    60,000 bytes are all with the system: the connection counts as idle.
    """
    service = Service(rendered=rendered(text=bytes(size)))
    with serving(service.application(), QUICK) as server, connected(server, receive_buffer=4096) as client:
        client.sendall(GET)
        told = select.poll()
        told.register(client, 0)  # errors only: nothing is read
        assert told.poll(DEADLINE * 1000)


def test_a_slow_reader_that_reads_gets_it_whole_and_may_ask_again() -> None:
    service = Service(rendered=rendered(text=BIG))
    limits = replace(PATIENT, write_timeout=1.0)
    with serving(service.application(), limits) as server, connected(server, receive_buffer=65_536) as client:
        with client.makefile("rb") as stream:
            client.sendall(GET)
            assert read_answer(stream).body == BIG
        client.settimeout(1.1)
        with pytest.raises(TimeoutError):  # idle for longer than a stalled reader would be left alone
            client.recv(1)
        client.sendall(GET)
        assert client.recv(8) == b"HTTP/1.1"


def test_a_client_that_resets_leaves_the_others_alone(patient: Server) -> None:
    for _ in range(20):
        with connected(patient) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sendall(GET * 10)
    assert request(patient, "GET", "/metrics").status == 200
