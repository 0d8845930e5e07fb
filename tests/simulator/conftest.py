"""A simulator behind a real server, plain and with TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from exporter.simulator import ManualClock, Simulator, World, demo_world
from exporter.simulator.server import Server
from tests.simulator.support import NOON


@dataclass(frozen=True)
class Served:
    """A simulator that listens on loopback; ``ca_file`` is what a client must trust (TLS only)."""

    simulator: Simulator
    server: Server
    clock: ManualClock
    ca_file: Path | None = None

    @property
    def world(self) -> World:
        """What there is to be read."""
        return self.simulator.world

    def endpoint(self, platform: str) -> str:
        """The base URL of a platform."""
        return next(url for p, url in self.simulator.endpoints(self.server.base_url).items() if p == platform)


@pytest.fixture
def served() -> Iterator[Served]:
    """A small generated world over plain HTTP, standing still at noon."""
    clock = ManualClock(NOON)
    simulator = Simulator(demo_world(21, NOON, history_days=0.1, requeues=0.2), clock=clock)
    with simulator.serve() as server:
        yield Served(simulator, server, clock)


@pytest.fixture
def served_with_tls(tmp_path: Path) -> Iterator[Served]:
    """The same over TLS, with a certificate of a private authority."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    clock = ManualClock(NOON)
    simulator = Simulator(demo_world(21, NOON, history_days=0.1), clock=clock)
    with simulator.serve(tls=context) as server:
        yield Served(simulator, server, clock, ca_file)
