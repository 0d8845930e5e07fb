from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import threading
import time

import pytest
from starlette.types import Receive, Scope, Send

from exporter.errors import ListenError
from exporter.exposition import Rendered
from exporter.web import server as server_module
from exporter.web.address import Address
from exporter.web.server import Server
from tests.web.serving import (
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

GET = b"GET /metrics HTTP/1.1\r\nHost: exporter.test\r\n\r\n"


def test_a_server_has_no_address_before_it_starts() -> None:
    server = Server(Service().application(), Address("127.0.0.1", 0))
    assert not server.is_alive()
    with pytest.raises(RuntimeError, match="not started"):
        _ = server.address
    assert server.stop()


def test_a_started_server_tells_its_port_and_ends_when_stopped() -> None:
    server = Server(Service().application(), Address("127.0.0.1", 0))
    server.start()
    assert server.is_alive()
    assert server.address.port > 0
    assert request(server, "GET", "/metrics").body == RENDERED.text
    assert server.stop()
    assert not server.is_alive()
    assert server.stop()
    assert refuses(server.address)


def test_an_address_in_use_is_the_starters_error() -> None:
    with serving(Service().application()) as first:
        second = Server(Service().application(), first.address)
        with pytest.raises(ListenError, match="address already in use"):
            second.start()
        assert not second.is_alive()


def test_it_serves_on_plain_asyncio_where_there_is_no_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "new_event_loop", asyncio.new_event_loop)
    service = Service(rendered=rendered(text=bytes(3_000_000)))
    with serving(service.application()) as server:
        assert len(request(server, "GET", "/metrics").body) == 3_000_000
        with connected(server, receive_buffer=4096) as stalled:
            stalled.sendall(GET)


def test_no_signal_handler_is_installed() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with serving(Service().application()):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_nothing_is_logged_for_requests_good_or_bad(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), serving(Service().application()) as server:
        request(server, "GET", "/metrics")
        request(server, "BREW", "/metrics")
        request(server, "GET", "/nowhere")
    assert caplog.text == ""


def refuses(address: Address) -> bool:
    with socket.socket() as client:
        return client.connect_ex(address) != 0


class Held:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.entered.set()
        await asyncio.to_thread(self.go_on.wait, 10)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"done"})


def test_stopping_lets_an_answer_under_way_end() -> None:
    app = Held()
    server = Server(app, Address("127.0.0.1", 0))
    server.start()
    with connected(server) as client, client.makefile("rb") as stream:
        client.sendall(GET)
        assert app.entered.wait(10)
        stopper = threading.Thread(target=server.stop, args=(10.0,))
        stopper.start()
        assert eventually(lambda: refuses(server.address))
        app.go_on.set()
        answer = read_answer(stream)
        stopper.join()
    assert (answer.text, answer.headers["connection"]) == ("done", "close")
    assert not server.is_alive()


def test_what_still_works_on_an_answer_at_the_end_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """A reload that waits for something, for one: nobody reads its answer any more."""
    entered, go_on = threading.Event(), threading.Event()

    def reload() -> None:
        entered.set()
        assert go_on.wait(10)

    server = Server(Service(reload=reload).application(), Address("127.0.0.1", 0))
    server.start()
    with connected(server) as client:
        client.sendall(b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert entered.wait(10)
        assert server.stop(grace=0.0)
        assert is_closed(client)
    go_on.set()
    assert not caplog.messages


def test_stopping_waits_for_no_reader_longer_than_the_grace() -> None:
    service = Service(rendered=rendered(text=bytes(8_000_000)))
    server = Server(service.application(), Address("127.0.0.1", 0))
    server.start()
    with connected(server) as idle, connected(server, receive_buffer=4096) as stalled:
        stalled.sendall(GET)
        assert stalled.recv(10)
        began = time.monotonic()
        assert server.stop(grace=0.2)
        assert time.monotonic() - began < 2
        assert is_closed(idle)


def test_scrapes_during_swaps_see_one_whole_snapshot() -> None:
    """Each body is of one kind of byte and of that byte's own length, so that a mixture would show."""
    bodies = [bytes([number]) * (200_000 + 1_000 * number) for number in range(50)]
    snapshots = [Rendered.of(body, body, body, body, at=number) for number, body in enumerate(bodies)]
    service = Service(rendered=snapshots[0])
    done = threading.Event()
    seen: set[int] = set()
    torn: list[bytes] = []

    def scrape() -> None:
        with connected(server) as client, client.makefile("rb") as stream:
            while not done.is_set():
                client.sendall(GET)
                body = read_answer(stream).body
                if body != bodies[body[0]]:
                    torn.append(body[:10])
                seen.add(body[0])

    with serving(service.application()) as server:
        readers = [threading.Thread(target=scrape) for _ in range(4)]
        for reader in readers:
            reader.start()
        for snapshot in snapshots:
            service.rendered = snapshot
            assert eventually(lambda number=snapshot.at: number in seen)  # type: ignore[misc]
        done.set()
        for reader in readers:
            reader.join()
    assert not torn
    assert seen == set(range(50))


@pytest.mark.skipif(sys.platform != "linux", reason="another system may not bind IPv6 loopback")
def test_ipv6_is_served_where_the_machine_has_it() -> None:
    server = Server(Service().application(), Address("::1", 0))
    try:
        server.start()
    except ListenError:
        pytest.skip("this machine has no IPv6 loopback")
    try:
        with socket.create_connection(server.address, 5) as client, client.makefile("rb") as stream:
            client.sendall(GET)
            assert read_answer(stream).status == 200
    finally:
        assert server.stop(0)
