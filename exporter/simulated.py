"""The simulated platforms as the program has them: made, and as a configuration that reads them.

Only this module knows the simulator; what runs on real platforms does without both.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.config import PLATFORMS, Settings
from exporter.simulator import Credentials, Platform, RealClock, Simulator, demo_world


def made(seed: int, workloads: int, pace: float, *, opening: bool = False) -> Simulator:
    """Return simulated platforms whose world begins now."""
    clock = RealClock()
    world = demo_world(seed, clock(), workloads=workloads, pace=pace, rotation=True, opening=opening)
    return Simulator(world, clock=clock)


def demo_target(name: Platform, endpoint: str, credentials: Credentials) -> dict[str, Any]:
    """Return what a configuration file would say about one simulated platform."""
    keys: Mapping[Platform, Mapping[str, object]] = {
        "roboto": {"org_id": credentials.roboto_org_id, "token": credentials.roboto_token},
        "foundry": {"auth": {"kind": "token", "token": credentials.foundry_token}},
        "granite": {"api_key": credentials.granite_api_key},
        "moderately": {"team_id": credentials.moderately_team_id, "api_key": credentials.moderately_api_key},
    }
    return {"name": f"demo-{name}", "platform": name, "endpoint": endpoint, **keys[name]}


def demo_settings(endpoints: Mapping[Platform, str], credentials: Credentials, state: Path) -> Settings:
    """Return settings for all simulated platforms, with a pace that people can watch and some expectations."""
    pace = {"interval": "5s", "zero_hold": "10s", "deep_interval": "30s", "requests_per_minute": 1200}
    further: Mapping[Platform, dict[str, object]] = {
        "foundry": {"schedule_grace": "10s"},
        "granite": {"workflow_tokens": True},
    }
    targets = [
        PLATFORMS[name].model_validate(demo_target(name, endpoint, credentials) | pace | further.get(name, {}))
        for name, endpoint in endpoints.items()
    ]
    workloads = [
        {"match": {"workload": "*"}, "labels": {"team": "automation"}, "objective": {"success_ratio": 0.95}},
        {
            "match": {"platform": "foundry"},
            "labels": {"team": "support", "tier": "1"},
            "objective": {"max_silence": "1h", "max_active": "30m"},
        },
    ]
    return Settings.model_validate({"targets": targets, "workloads": workloads, "state": state})


_INCIDENTS: Final = """\
# Every few minutes something goes wrong for a while, on one platform after the other. To choose what and when:
#   curl {0}/_simulator/incidents   # what there is, and what is on
#   curl {0}/_simulator/incidents --data '{{"name": "failure_burst", "platform": "foundry", "seconds": 300}}'
"""


def configuration(simulator: Simulator, base_url: str) -> str:
    """Return the file that makes the exporter read simulated platforms that are served at ``base_url``."""
    endpoints = simulator.endpoints(base_url)
    targets = [demo_target(name, endpoint, simulator.credentials) for name, endpoint in endpoints.items()]
    text = yaml.safe_dump({"targets": targets}, sort_keys=False)
    return f"# The simulated platforms listen; this configuration reads them.\n{text}{_INCIDENTS.format(base_url)}"
