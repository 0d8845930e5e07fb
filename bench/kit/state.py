"""A population as targets in this process, or as a configuration and a state file for the program itself."""

from __future__ import annotations

import json
from pathlib import Path

from bench.kit.population import Population
from exporter.app.targets import build, expectations
from exporter.config import Settings, load
from exporter.http import Budgets
from exporter.selfmetrics import SelfMetrics
from exporter.store.sqlite import SqliteStore
from exporter.target import Target
from exporter.times import SystemClock

NOBODY = "http://127.0.0.1:9"
"""An upstream that nobody listens at: every poll fails at once."""


def write_config(
    population: Population, folder: Path, *, upstream: str = NOBODY, interval: str = "24h", **more: object
) -> Path:
    """Write a configuration; ``more`` are further keys of ``defaults:``. The state stands beside it."""
    targets = [
        {
            "name": population.target(index),
            "platform": "foundry",
            "endpoint": f"{upstream}/api/projects/{population.target(index)}",
            "allow_http": True,
            "auth": {"kind": "token", "token": "not-a-secret"},
            "labels": {"team": f"team-{index % 7}", "tier": str(index % 3)},
        }
        for index in range(population.targets)
    ]
    objective = {"success_ratio": 0.95, "max_silence": "26h", "max_active": "2h"}
    config = {
        "targets": targets,
        "defaults": {"interval": interval, **more},
        "workloads": [{"match": {"platform": "foundry"}, "objective": objective}],
        "state": str(folder / "state.db"),
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(config), "utf-8")  # JSON is YAML
    return path


def read_config(path: Path) -> Settings:
    """What the program makes of it; variables of this environment have no part in it."""
    return load(path, {})


def write_state(population: Population, config: Path) -> None:
    """Write the state file that a configuration names, as if its targets had been polled for a while."""
    settings = read_config(config)
    now = SystemClock().now().wall
    store = SqliteStore(settings.state, now)
    for index, target in enumerate(settings.targets):
        store.open_target(target.name, target.identity, now, holds=False)
        with store.transaction(target.name) as transaction:
            transaction.apply(population.whole(index))
    store.close()


def in_memory(population: Population, folder: Path) -> list[Target]:
    """The targets with their ledgers, here; nothing is on disk but a configuration."""
    settings = read_config(write_config(population, folder))
    clock = SystemClock()
    store = SqliteStore(None, clock.now().wall)
    targets = []
    for index, each in enumerate(settings.targets):
        target = build(each, store=store, budgets=Budgets(), metrics=SelfMetrics(), clock=clock, holds=False)
        target.expect = expectations(settings.workloads, target.labels)
        target.ledger.apply(population.whole(index))
        targets.append(target)
    return targets
