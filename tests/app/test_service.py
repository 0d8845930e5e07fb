"""The service in this process: what it says when it cannot start, and that it leaves nothing locked."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from exporter.app import Options, Service
from exporter.errors import ListenError, StateCorrupt, StateError, StateLocked
from exporter.simulated import demo_settings
from exporter.simulator import ManualClock, Simulator
from exporter.web.address import Address
from tests.exact.world import START, simulator_of

NOBODY = 65534


def service(state: Path, port: int = 0, *, reset: bool = False, health: Address | None = None) -> Service:
    """A service over a small simulated world."""
    simulator: Simulator = simulator_of(ManualClock(START), workloads=1, history_days=0.02)
    transport = simulator.transport()
    options = Options(
        listen=Address("127.0.0.1", port),
        state=state,
        state_reset=reset,
        health_listen=health,
        transports=lambda _: transport,
    )
    return Service(demo_settings(simulator.endpoints(), simulator.credentials, state), options)


def test_a_second_service_on_the_same_state(tmp_path: Path) -> None:
    """It is refused with the number of the process that has it, and free once that has stopped."""
    state = tmp_path / "state.db"
    first = service(state)
    with pytest.raises(StateLocked, match=f"process {os.getpid()} has this state open"):
        service(state)
    assert first.stop()
    assert service(state).stop()


def test_a_port_in_use_leaves_the_state_free(tmp_path: Path) -> None:
    """What was opened before is given back."""
    state = tmp_path / "state.db"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"address already in use: 127\.0\.0\.1:{port}"):
            service(state, port).start()
    assert service(state).stop()


def test_the_log_says_where_it_listens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also where its health is told: port 0 cannot be found out otherwise."""
    running = service(tmp_path / "state.db", health=Address("127.0.0.1", 0))
    with caplog.at_level(logging.INFO):
        running.start()
    try:
        (said,) = (record.__dict__ for record in caplog.records if record.getMessage() == "serving")
        assert said["address"] == str(running.server.address)
        answer = httpx.get(f"http://{said['health_address']}/-/healthy", trust_env=False)
        assert (answer.status_code, said["health_address"] != said["address"]) == (200, True)
    finally:
        assert running.stop()


def test_a_damaged_state_is_refused_whole_and_reset_on_demand(tmp_path: Path) -> None:
    """Never begun anew in silence; the old bytes are kept beside the new state."""
    state = tmp_path / "state.db"
    state.write_bytes(b"no database " * 100)
    with pytest.raises(StateCorrupt, match=r"is damaged or is no state file .*--state\.reset"):
        service(state)
    assert service(state, reset=True).stop()
    [aside] = tmp_path.glob("state.db.reset-*")
    assert aside.read_bytes() == b"no database " * 100


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """The message names the file and what must be writable."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o555)
    with (
        unprivileged(),
        pytest.raises(StateError, match=r"cannot be opened for writing \(Permission denied\).* writable"),
    ):
        service(folder / "state.db")


@contextmanager
def unprivileged() -> Iterator[None]:
    """Whoever runs the tests: not root, whom no mode keeps from writing."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
