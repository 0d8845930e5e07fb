"""``check-config --probe``: each platform is asked once, and what it said is told."""

from __future__ import annotations

import io
import logging
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from exporter.app.probe import probe
from exporter.config import PLATFORMS, Settings
from exporter.simulated import demo_settings, demo_target
from exporter.simulator import ManualClock, Simulator, demo_world
from exporter.times import SECOND
from exporter.web.hints import HINTS
from tests.exact.world import HandClock

CLOCK = ManualClock(1_790_000_000 * SECOND)


def asked(settings: Settings, simulator: Simulator) -> tuple[bool, list[str]]:
    """Whether all went well, and the lines."""
    out = io.StringIO()
    ok = probe(settings, out, transports=lambda _settings: simulator.transport(), clock=HandClock(CLOCK))
    return ok, out.getvalue().splitlines()


def a_simulator() -> Simulator:
    return Simulator(demo_world(1, CLOCK(), workloads=3), clock=CLOCK)


def test_each_platform_is_asked_once(tmp_path: Any) -> None:
    """A line each: what came, what it cost, whose it is."""
    simulator = a_simulator()
    ok, lines = asked(demo_settings(simulator.endpoints(), simulator.credentials, tmp_path / "s.db"), simulator)
    assert ok
    assert [line.split()[:3] for line in lines] == [[f"demo-{name}", name, "ok"] for name in PLATFORMS]
    assert all("; 1 request, 0 ms; http" in line for line in lines)
    assert all(re.search(r"ok {6}3 workloads \(.+, .+, .+\)", line) for line in lines)
    assert "og_example" in lines[0]
    assert "team_example" in lines[3]
    assert not (tmp_path / "s.db").exists()


def test_an_organisation_that_is_not_configured_is_told(tmp_path: Any) -> None:
    """It takes a request more to learn it."""
    simulator = a_simulator()
    raw = demo_target("roboto", simulator.endpoints()["roboto"], simulator.credentials)
    del raw["org_id"]
    settings = Settings.model_validate(
        {"targets": [PLATFORMS["roboto"].model_validate(raw)], "state": tmp_path / "s.db"}
    )
    ok, (line,) = asked(settings, simulator)
    assert ok
    assert line.endswith("; 2 requests, 0 ms; http://127.0.0.1/roboto og_example")


def test_what_fails_is_told_with_what_to_do(tmp_path: Any) -> None:
    """Every target is tried, whatever the others say; no secret is shown."""
    simulator = a_simulator()
    wrong = replace(simulator.credentials, roboto_token="wrong-example-token", granite_api_key="wrong-example-key")
    ok, lines = asked(demo_settings(simulator.endpoints(), wrong, tmp_path / "s.db"), simulator)
    assert not ok
    assert [line.split()[2] for line in lines if line.startswith("demo-")] == ["failed", "ok", "failed", "ok"]
    assert "unauthorized: " in lines[0]
    assert lines[1].strip() == HINTS["unauthorized"]
    assert "wrong-example" not in "".join(lines)


class Broken(httpx.BaseTransport):
    """A mistake of ours, whose text holds something that was seen."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise KeyError(request.url.host)


def test_a_mistake_of_ours_ends_the_line_of_its_target_only(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The others are told; its line has the kind of error, the log where it was raised."""
    simulator = a_simulator()
    settings = demo_settings(simulator.endpoints(), simulator.credentials, tmp_path / "s.db")
    out = io.StringIO()
    with caplog.at_level(logging.ERROR):
        ok = probe(
            settings,
            out,
            transports=lambda target: Broken() if target.name == "demo-granite" else simulator.transport(),
            clock=HandClock(CLOCK),
        )
    assert not ok
    lines = out.getvalue().splitlines()
    assert [line.split()[2] for line in lines if line.startswith("demo-")] == ["ok", "ok", "failed", "ok"]
    assert "failed  internal: KeyError (see the log); " in lines[2]
    assert lines[3].strip() == HINTS["internal"]
    (record,) = caplog.records
    assert record.getMessage() == "probe failed unexpectedly: KeyError"
    assert "handle_request" in record.__dict__["traceback"]
    assert "127.0.0.1" not in lines[2].rpartition("; ")[0] + caplog.text + record.__dict__["traceback"]


def test_a_proxy_of_the_environment_that_is_none_ends_no_other_target(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the target whose way it is on cannot be asked."""
    monkeypatch.setenv("HTTPS_PROXY", "banana://user:not-to-be-shown@192.0.2.1:9")
    simulator = a_simulator()
    raw = demo_target("granite", "https://granite.example.net", simulator.credentials)
    settings = demo_settings(simulator.endpoints(), simulator.credentials, tmp_path / "s.db")
    targets = (*settings.targets, PLATFORMS["granite"].model_validate(raw | {"name": "other"}))
    out = io.StringIO()
    assert not probe(
        settings.model_copy(update={"targets": targets}),
        out,
        transports=lambda target: None if target.name == "other" else simulator.transport(),
        clock=HandClock(CLOCK),
    )
    lines = out.getvalue().splitlines()
    assert [line.split()[2] for line in lines[:5]] == ["ok", "ok", "ok", "ok", "failed"]
    assert "configuration: the proxy of the environment is no http or https URL, expected http://host:port" in lines[4]
    assert lines[5].strip().startswith("Correct what the message names")
    assert "not-to-be-shown" not in out.getvalue()
