"""The service with a web configuration: what it says when a new one is bad, and where it may be asked without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from exporter.app import Options, Service
from exporter.simulated import demo_settings
from exporter.simulator import ManualClock
from exporter.web import healthcheck
from exporter.web.address import Address
from exporter.web.configuration import WebConfiguration
from tests.exact.world import START, simulator_of
from tests.real.process import reserve_port
from tests.web.configuration.files import hashed, write
from tests.web.secure import basic
from tests.web.serving import eventually, request

USERS = f"basic_auth_users: {{alice: {hashed()}}}\n"
SUCCESSFUL = "automation_exporter_config_last_reload_successful"


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service over a small simulated world, with a user and a health address; it polls at no time by itself."""
    monkeypatch.setattr("exporter.app.service.LOOK_AT_CONFIG", 0.1)
    simulator = simulator_of(ManualClock(START), workloads=1, history_days=0.02)
    transport = simulator.transport()
    settings = demo_settings(simulator.endpoints(), simulator.credentials, tmp_path / "state.db")
    options = Options(
        listen=Address("127.0.0.1", 0),
        state=tmp_path / "state.db",
        read_settings=lambda: settings,
        lifecycle=True,
        transports=lambda _: transport,
        web_configuration=WebConfiguration(write(tmp_path / "web.yml", USERS)),
        health_listen=Address("127.0.0.1", reserve_port()),
        connections=50,
    )
    service = Service(settings, options)
    service.start()
    try:
        yield service
    finally:
        assert service.stop()


def ask(service: Service, path: str, method: str = "GET") -> str:
    """Ask as the user; the answer's status and text."""
    answer = request(service.server, method, path, Authorization=basic("alice"))
    return f"{answer.status} {answer.text}"


def shown(service: Service) -> str:
    """Return the line of the metric that says whether the files are in use."""
    ask(service, "/-/ready")  # whoever asks notices that a file has changed
    service.publisher.refresh_own()
    return next(line for line in ask(service, "/metrics").splitlines() if line.startswith(SUCCESSFUL))


def test_a_bad_web_configuration_is_told_in_a_metric_and_on_the_page(running: Service, tmp_path: Path) -> None:
    """Whoever notices it; who reloads is told too. A good one takes it back."""
    assert shown(running) == f"{SUCCESSFUL} 1"
    write(tmp_path / "web.yml", "basic_auth_users: {alice: not-to-be-shown}\n")
    assert shown(running) == f"{SUCCESSFUL} 0"
    for path, method in (("/", "GET"), ("/api/v1/targets", "GET"), ("/-/reload", "POST")):
        answer = ask(running, path, method)
        assert "web.yml:1: basic_auth_users.alice: is not a bcrypt hash" in answer
        assert "not-to-be-shown" not in answer
    assert ask(running, "/-/reload", "POST").startswith("500 ")
    assert shown(running) == f"{SUCCESSFUL} 0"
    write(tmp_path / "web.yml", USERS)
    assert ask(running, "/-/reload", "POST").startswith("200 ")
    assert shown(running) == f"{SUCCESSFUL} 1"
    assert "is not a bcrypt hash" not in ask(running, "/")


def test_a_change_is_noticed_when_nobody_asks(running: Service, tmp_path: Path) -> None:
    """A timer looks, so that the log and the metric say it in time."""
    write(tmp_path / "web.yml", "surplus: 1\n")
    web = running._options.web_configuration
    assert web is not None
    assert eventually(lambda: web.error is not None)
    assert "surplus" in str(web.error)


def test_what_could_not_be_used_is_tried_again(running: Service) -> None:
    """By the timer, and by whoever reloads: what was amiss need not be in the file."""
    web = running._options.web_configuration
    assert web is not None
    for ask_for_it in (True, False):
        web.error = "server.key: cannot be read: Permission denied"
        if ask_for_it:
            assert ask(running, "/-/reload", "POST").startswith("200 ")
        assert eventually(lambda: web.error is None)


def test_both_configurations_count(running: Service, tmp_path: Path) -> None:
    """Neither hides that the other is bad."""
    web = running._options.web_configuration
    assert web is not None
    running.configured._refused = "config.yaml:1: bad"
    write(tmp_path / "web.yml", "surplus: 1\n")
    web.refresh()
    page = ask(running, "/")
    assert "config.yaml:1: bad" in page
    assert "unknown key" in page
    write(tmp_path / "web.yml", USERS)
    web.refresh()
    assert shown(running) == f"{SUCCESSFUL} 0"


def test_health_is_told_to_everybody_at_its_own_address_only(running: Service) -> None:
    listen = running._options.health_listen
    assert listen is not None
    assert healthcheck.ask(listen) == (True, "serving and polling")
    assert httpx.get(f"http://{listen}/metrics", trust_env=False).status_code == 404
    for path in ("/-/healthy", "/-/ready", "/metrics"):
        assert request(running.server, "GET", path).status == 401
