"""What all connections together may cost: who makes room for whom, with real sockets."""

from __future__ import annotations

import errno
import logging
import resource
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest

from exporter.web import connections as module
from exporter.web.connections import Connections, allow_connections
from exporter.web.protocol import Limits
from exporter.web.server import Server
from tests.web.configuration.files import Certificates
from tests.web.secure import TLS, ask, client_context, encrypted
from tests.web.serving import RENDERED, Service, connected, eventually, is_closed, rendered, request, serving
from tests.web.test_protocol import Slow
from tests.web.test_tls import secured

PATIENT = Limits(receive_timeout=60.0, write_timeout=60.0, keep_alive=60.0)
GET = b"GET /metrics HTTP/1.1\r\nHost: exporter.test\r\n\r\n"


class Kept:
    """A connection that notes its end."""

    def __init__(self) -> None:
        self.waiting: socket.socket | None = None
        self.ended = False

    def cut_off(self) -> None:
        """End."""
        self.ended = True


def test_the_one_that_did_nothing_for_the_longest_makes_room() -> None:
    """Not the one that came first, nor one that does something."""
    every = Connections(3)
    first, second, third, fourth, fifth = (Kept() for _ in range(5))
    assert all(every.enter(each) for each in (first, second, third))
    every.busy(first)
    every.busy(second)
    every.quiet(second)  # anew, after the third
    assert every.enter(fourth)
    assert [each.ended for each in (first, second, third, fourth)] == [False, False, True, False]
    assert every.enter(fifth)
    assert second.ended
    assert len(every) == 3


def test_those_that_never_spoke_push_out_their_own() -> None:
    """When they hold three quarters of all places; else the oldest goes, whoever it is."""
    every = Connections(8)
    idle, agreeing = Kept(), Kept()
    for spoken in (idle, agreeing):
        assert every.enter(spoken)
        every.heard(spoken)
    every.busy(idle)
    every.quiet(idle)
    silent = [Kept() for _ in range(40)]
    assert all(every.enter(each) for each in silent)
    assert [each.ended for each in (idle, agreeing)] == [False, False]
    assert [each.ended for each in silent] == [True] * 34 + [False] * 6
    every.heard(silent[-1])
    assert every.enter(Kept())
    assert (agreeing.ended, silent[34].ended) == (True, False)  # five are not many


def test_where_all_are_busy_a_new_one_finds_no_room() -> None:
    every = Connections(1)
    first, second = Kept(), Kept()
    assert every.enter(first)
    every.busy(first)
    assert not every.enter(second)
    every.leave(first)
    assert every.enter(second)
    assert (len(every), first.ended) == (1, False)


def test_one_that_has_ended_is_forgotten() -> None:
    every = Connections(2)
    first = Kept()
    every.enter(first)
    every.leave(first)
    every.quiet(first)
    assert (len(every), every.cut_one_off()) == (0, False)


@pytest.fixture
def five() -> Iterator[Server]:
    """A server for five connections, which leaves them alone."""
    with serving(Service().application(), PATIENT, connections=5) as server:
        yield server


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n", GET])
def test_silent_and_slow_and_idle_ones_make_room_for_a_scrape(five: Server, said: bytes) -> None:
    """The oldest is cut off, the others stay."""
    with ExitStack() as stack:
        clients = []
        for _ in range(5):
            client = stack.enter_context(connected(five))
            client.sendall(said)
            if said == GET:
                assert client.recv(8) == b"HTTP/1.1"
            clients.append(client)
        there = server_connections(five)
        assert eventually(lambda: len(there) == 5 and not (said and there._silent))
        for _ in range(2):
            assert request(five, "GET", "/metrics").body == RENDERED.text
        assert is_closed(clients[0])
        clients[-1].settimeout(0.05)
        assert not is_closed(clients[-1])


def test_a_stalled_reader_makes_room_and_frees_its_snapshot() -> None:
    service = Service(rendered=rendered(text=bytes(8_000_000)))
    with (
        serving(service.application(), PATIENT, connections=1) as server,
        connected(server, receive_buffer=4096) as stalled,
    ):
        stalled.sendall(GET)
        assert stalled.recv(1)
        assert request(server, "GET", "/-/ready").status == 200
        assert is_closed(stalled)


def test_an_answer_under_way_makes_room_for_nobody() -> None:
    app = Slow()
    with serving(app, PATIENT, connections=1) as server, connected(server) as first:
        first.sendall(GET)
        assert eventually(lambda: app.asked == 1)
        with connected(server) as second:
            assert is_closed(second)
        app.answer()
        assert first.recv(8) == b"HTTP/1.1"


def test_a_reader_that_took_all_is_idle_again() -> None:
    """It stalled, and went on: it makes room like any other."""
    service = Service(rendered=rendered(text=bytes(8_000_000)))
    with serving(service.application(), PATIENT, connections=1) as server, connected(server) as reader:
        assert len(ask(reader).body) == 8_000_000
        assert request(server, "GET", "/-/ready").status == 200
        assert is_closed(reader)


def test_handshakes_that_do_not_end_make_room(made: Certificates) -> None:
    """TLS has not been agreed on, and they count all the same."""
    context = client_context(made.folder)
    limits = replace(PATIENT, receive_timeout=60.0)
    with secured(made.folder, TLS, limits, connections=3) as server, ExitStack() as stack:
        silent = [stack.enter_context(connected(server)) for _ in range(3)]
        with encrypted(server, context) as client:
            assert ask(client).status == 200
        assert is_closed(silent[0])


def test_a_handshake_that_has_begun_outlives_silent_ones(made: Certificates) -> None:
    with secured(made.folder, TLS, PATIENT, connections=4) as server, ExitStack() as stack:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        hello = client_context(made.folder).wrap_bio(incoming, outgoing, server_hostname="localhost")
        with suppress(ssl.SSLWantReadError):
            hello.do_handshake()
        begun = stack.enter_context(connected(server))
        begun.sendall(outgoing.read())
        assert begun.recv(1)  # the server answers
        silent = [stack.enter_context(connected(server)) for _ in range(12)]
        assert is_closed(silent[0])
        begun.settimeout(0.05)
        assert begun.recv(1)
        assert not is_closed(begun)


def test_a_stop_ends_handshakes_too(made: Certificates) -> None:
    with secured(made.folder, TLS, PATIENT) as server, connected(server) as client:
        client.sendall(b"\x16\x03\x01")
        assert eventually(lambda: len(server_connections(server)) == 1)
        assert server.stop(grace=5.0)
        assert is_closed(client)


def server_connections(server: Server) -> Connections:
    """Return those of a server's main address."""
    assert server._uvicorn is not None
    siblings: Connections = server._uvicorn.config.http.siblings  # type: ignore[union-attr]
    return siblings


def test_connections_that_ended_leave_nothing(five: Server) -> None:
    for _ in range(20):
        with connected(five) as client:
            client.sendall(GET)
            client.recv(10)
        with connected(five):
            pass
    assert eventually(lambda: len(server_connections(five)) == 0)


def test_a_system_without_room_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection waits in the system's queue meanwhile; it is told once a try, not a thousand times."""
    monkeypatch.setattr(module, "_PAUSE", 0.05)

    class Full(socket.socket):
        left = 3

        def accept(self) -> tuple[socket.socket, object]:
            if Full.left:
                Full.left -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    def bind_full(_address: object) -> socket.socket:
        listener = Full(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        listener.listen(10)
        return listener

    monkeypatch.setattr("exporter.web.server.bind", bind_full)
    with caplog.at_level(logging.WARNING), serving(Service().application()) as server:
        assert request(server, "GET", "/metrics").body == RENDERED.text
    assert caplog.text.count("no connection can be taken now: Too many open files") == 3


# The limit of open files


@pytest.mark.parametrize(
    ("limits", "most", "fit", "raised"),
    [
        ((1024, 4096), 512, 512, None),  # enough as it is
        ((1024, 4096), 1000, 1000, 1400),
        ((256, 4096), 512, 512, 912),
        ((1024, 1200), 1000, 800, 1200),
        ((256, 256), 512, 32, None),  # next to nothing: some at least
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 100_000, 100_000, None),
        ((1024, resource.RLIM_INFINITY), 100_000, 100_000, 100_400),
    ],
)
def test_open_files_are_raised_as_far_as_is_needed_and_allowed(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], most: int, fit: int, raised: int | None
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: asked.append(wanted))
    assert allow_connections(most) == fit
    assert [wanted for wanted in asked if wanted != limits] == ([] if raised is None else [(raised, limits[1])])
