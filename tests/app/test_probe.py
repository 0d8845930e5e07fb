"""``check-config --probe``: each platform is asked once, and what it said is told."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

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
