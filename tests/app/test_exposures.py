"""What a configuration gives away is told where people look: on the page, in the JSON, and in a metric."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.app.status import status
from exporter.simulator import ManualClock
from exporter.web.views import Exposure
from tests.exact.world import START, Program, program, simulator_of

INSECURE = 'automation_exporter_target_tls_insecure{platform="granite",target="demo-granite"}'


@pytest.mark.parametrize(
    ("base_url", "settings", "warnings"),
    [
        ("https://api.example.net", {}, ()),
        ("https://api.example.net", {"insecure_skip_verify": True}, ("certificate not verified",)),
        ("http://api.example.net", {"allow_http": True}, ("not encrypted",)),
        ("http://127.0.0.1:8080", {}, ()),
    ],
)
def test_the_page_tells_it(base_url: str, settings: dict[str, Any], warnings: tuple[Exposure, ...]) -> None:
    """Each by its words; what stays on this machine is nobody's business."""
    clock = ManualClock(START)
    made = Program(simulator_of(clock), clock, None, ["granite"], base_url=base_url, **settings)
    try:
        now = made.clock.now()
        (view,) = status(made.targets.values(), now.wall, now.wall, lambda name: None, None).targets
    finally:
        made.close()
    assert view.warnings == warnings


@pytest.mark.parametrize("insecure", [False, True])
def test_a_metric_tells_it(insecure: bool) -> None:
    """From the first poll on."""
    clock = ManualClock(START)
    with program(simulator_of(clock), clock, platforms=["granite"], insecure_skip_verify=insecure) as made:
        made.poll("granite")
        assert f"{INSECURE} {int(insecure)}\n" in made.text()
