"""Bad connections, over real sockets: each gives its message and reason, and the token goes nowhere else."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import trustme

from exporter.errors import Reason
from exporter.poll import Report
from exporter.simulator import ManualClock, Platform, Simulator
from exporter.simulator.server import Server
from tests.exact.world import PLATFORMS, START, assert_exact, program, simulator_of
from tests.http.support import full_queue

STEP = 61.0
Break = Callable[[Simulator, Server, Platform], AbstractContextManager[object]]


def drips(simulator: Simulator, server: Server, platform: Platform) -> AbstractContextManager[object]:
    """A byte of the headers comes every tenth of a second, so that no single read is ever late."""
    return simulator.faults.active("dripped_headers", platform=platform, seconds=0.1)


def drips_body(simulator: Simulator, server: Server, platform: Platform) -> AbstractContextManager[object]:
    """The body comes a few bytes at a time."""
    return simulator.faults.active("slow_body", platform=platform, seconds=0.1)


def hangs(simulator: Simulator, server: Server, platform: Platform) -> AbstractContextManager[object]:
    """The request is taken, and nothing comes."""
    return simulator.faults.active("read_timeout", platform=platform)


def resets(simulator: Simulator, server: Server, platform: Platform) -> AbstractContextManager[object]:
    """The connection breaks in the middle of the body."""
    return simulator.faults.active("connection_reset", platform=platform)


@contextmanager
def refuses(simulator: Simulator, server: Server, platform: Platform) -> Iterator[None]:
    """Nobody listens."""
    server.pause()
    try:
        yield
    finally:
        server.resume()


@contextmanager
def swallows(simulator: Simulator, server: Server, platform: Platform) -> Iterator[None]:
    """Nobody answers a handshake, as when a firewall drops it."""
    server.pause()
    try:
        with full_queue(server.port):
            yield
    finally:
        server.resume()


TABLE: tuple[tuple[Break, Reason, str], ...] = (
    (drips, "timeout", "no complete answer in time"),
    (drips_body, "timeout", "no complete answer in time"),
    (hangs, "timeout", "no complete answer in time"),
    (resets, "connection", "connection reset by peer"),
    (refuses, "connection", "connection refused"),
    (swallows, "timeout", "no connection in time"),
)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(("broken", "reason", "message"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_a_broken_connection_fails_the_poll(broken: Break, reason: Reason, message: str, platform: Platform) -> None:
    """The poll ends in time, with its reason; with the connection whole again the totals are exact."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=30.0, workloads=3, history_days=0.02)
    with (
        simulator.serve() as server,
        program(simulator, clock, platforms=[platform], base_url=server.base_url, timeout="500ms") as made,
    ):
        assert made.poll(platform).good
        clock.advance(STEP)
        counted = made.counted(platform)
        with broken(simulator, server, platform):
            report = made.runner.run(made.targets[platform], retries=0)
        assert_failed(report, reason, message)
        assert made.counted(platform) == counted
        clock.advance(STEP)
        assert made.poll(platform).good
        assert_exact(made, platform)


def test_a_connect_that_times_out_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """By metrics and the log, with the address and not with what was to be sent there."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, workloads=1, history_days=0.02)
    with (
        simulator.serve() as server,
        program(simulator, clock, platforms=["roboto"], base_url=server.base_url, timeout="300ms") as made,
    ):
        with swallows(simulator, server, "roboto"), caplog.at_level("WARNING"):
            made.runner.run(made.targets["roboto"], retries=0)
        sample = 'poll_errors_total{platform="roboto",target="demo-roboto",reason="timeout"}'
        assert f"automation_exporter_{sample} 1" in made.text()
        [record] = caplog.records
        path = "roboto/v1/actions/invocations/org-stats"
        assert record.getMessage() == f"poll failed: GET {server.base_url}/{path}: no connection in time"
        assert vars(record)["reason"] == "timeout"
        clock.advance(STEP)
        assert made.poll("roboto").good
        text = made.text()
        assert f"automation_exporter_{sample} 1" in text
        assert 'automation_exporter_target_up{platform="roboto",target="demo-roboto"} 1' in text


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_certificate_that_nobody_trusts(platform: Platform, tmp_path: Any) -> None:
    """The request is not sent; with the authority in ``ca_file`` it is."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=30.0, workloads=3, history_days=0.02)
    with simulator.serve(tls=context) as server:
        with program(simulator, clock, platforms=[platform], base_url=server.base_url) as made:
            report = made.poll(platform)
        assert_failed(report, "tls", r"TLS failed \(unable to get local issuer certificate\)")
        assert list(simulator.log) == []
        with program(simulator, clock, platforms=[platform], base_url=server.base_url, ca_file=str(trusted)) as made:
            assert made.poll(platform).good
            clock.advance(STEP)
            assert made.poll(platform).good
            assert_exact(made, platform)


@pytest.mark.parametrize("path", [None, "/runs"], ids=["roster", "runs"])
def test_the_token_does_not_follow_a_link_to_another_host(path: str | None) -> None:
    """Somebody listens where the link leads, and hears nothing."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, pace=30.0, workloads=3, history_days=0.02)
    with (
        simulator.serve() as server,
        listener() as (heard, stranger),
        program(simulator, clock, platforms=["foundry"], base_url=server.base_url) as made,
    ):
        assert made.poll("foundry").good
        clock.advance(STEP)
        with simulator.faults.active("foreign_next_link", path=path, link=f"{stranger}/steal?after=1"):
            report = made.poll("foundry")
        found = [report.message] if path is None else [failed.message for failed in report.listings_failed]
        assert found
        for message in found:
            assert re.search(f"next_link points to another host: found {stranger}, allowed {server.base_url}", message)
        clock.advance(STEP)
        assert made.poll("foundry").good
        assert_exact(made, "foundry")
    assert heard == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_token_does_not_follow_a_redirect(platform: Platform) -> None:
    """A redirect is an error, and the host that it names hears nothing."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, workloads=1, history_days=0.02)
    with (
        simulator.serve() as server,
        listener() as (heard, stranger),
        program(simulator, clock, platforms=[platform], base_url=server.base_url) as made,
    ):
        with simulator.faults.active("redirect", location=f"{stranger}/elsewhere"):
            report = made.poll(platform)
        assert_failed(report, "invalid_response", "a redirect to 127.0.0.1; redirects are not followed")
    assert heard == []


def assert_failed(report: Report, reason: Reason, message: str) -> None:
    """The poll failed for this reason and says so."""
    assert not report.good
    assert (report.error, bool(re.search(message, report.message))) == (reason, True), report.message


@contextmanager
def listener() -> Iterator[tuple[list[str], str]]:
    """Another host: the requests that it heard, and its address."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.path} {self.headers}")
            self.send_error(404)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield heard, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
