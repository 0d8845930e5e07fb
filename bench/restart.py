"""Restart: from the start of the process to the first scrape with all series."""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from bench.kit.population import population
from bench.kit.rounds import interleaved
from bench.kit.script import Bench, Found, Goal
from bench.kit.service import ENVIRONMENT, address_of, interpreter, start
from bench.kit.state import read_config, write_config, write_state
from bench.kit.tables import count, seconds, size, table, times
from exporter.counting.ledger import Changes
from exporter.store.sqlite import SqliteStore
from exporter.times import DAY, SystemClock

TITLE: Final = "Restart"
ORDER: Final = 60
TOOLS: Final = (ENVIRONMENT,)

ROUNDS: Final = 5
BY_ITSELF: Final = """
import json, sys, time
from pathlib import Path
from exporter.app.targets import build
from exporter.config import load
from exporter.exposition import Snapshot
from exporter.http import Budgets
from exporter.publisher import Publisher
from exporter.selfmetrics import SelfMetrics
from exporter.store.sqlite import SqliteStore
from exporter.times import SystemClock

settings, clock, metrics, snapshot = load(sys.argv[1], {}), SystemClock(), SelfMetrics(), Snapshot()
publisher = Publisher(snapshot, metrics, clock)
begun = time.perf_counter()
store = SqliteStore(settings.state, clock.now().wall)
given = {"store": store, "budgets": Budgets(), "metrics": metrics, "clock": clock}
targets = [build(each, **given) for each in settings.targets]
read = time.perf_counter()
for target in targets:
    publisher.refresh(target)
publisher.publish(force=True)
print(json.dumps({"read": read - begun, "refresh": time.perf_counter() - read}))
"""
"""Reading the totals and one full refresh, in a process that does nothing else."""


def measure(bench: Bench) -> Found:
    """Both, in turn, on one state."""
    members = population(2_000 if bench.quick else 100_000)
    ids = 20_000 if bench.quick else 1_000_000
    config = write_config(members, bench.folder)
    write_state(members, config)
    state = read_config(config).state
    _remember(config, ids)
    rounds = iter(range(1000))

    def by_itself() -> dict[str, float]:
        process = bench.processes.start(f"by-itself-{next(rounds)}", (interpreter(), "-c", BY_ITSELF, str(config)))
        process.wait_until(lambda: process.log.read_text().endswith("}\n"), "it has read and rendered")
        found: dict[str, float] = json.loads(process.log.read_text())
        process.end()
        return found

    def service() -> dict[str, float]:
        begun = time.perf_counter()
        process = start(bench, f"service-{next(rounds)}", config)
        address = address_of(process)
        body = httpx.get(f"http://{address}/metrics").content
        took = time.perf_counter() - begun
        process.end()
        lines = sum(not line.startswith(b"#") for line in body.splitlines())
        if lines < members.series:
            raise RuntimeError(f"the first scrape has {lines} lines, expected {members.series} and more")
        return {"took": took}

    answers = interleaved(2 if bench.quick else ROUNDS, {"by itself": by_itself, "service": service})
    return {
        "series": members.series,
        "ids": ids,
        "state": state.stat().st_size,
        "read": median(each["read"] for each in answers["by itself"]),
        "refresh": median(each["refresh"] for each in answers["by itself"]),
        "service": median(each["took"] for each in answers["service"]),
    }


def _remember(config: Path, ids: int) -> None:
    """Remember runs of eight days, as many for each target."""
    settings = read_config(config)
    now = SystemClock().now().wall
    store = SqliteStore(settings.state, now)
    for index, target in enumerate(settings.targets):
        store.open_target(target.name, target.identity, now, holds=False)
        mine = range(index, ids, len(settings.targets))
        with store.transaction(target.name) as transaction:
            transaction.apply(Changes(remember=[(now // DAY - number % 8, f"run-{number:024x}") for number in mine]))
    store.close()


def goals(found: Found) -> list[Goal]:
    """Within twice of what must be done anyhow."""
    ratio = found["service"] / (found["read"] + found["refresh"])
    return [Goal("restart", "at most 2× reading the totals and one full refresh", times(ratio), ratio <= 2)]


def section(found: Found) -> str:
    """Its parts."""
    rows = [
        ("reading the totals by itself", seconds(found["read"])),
        ("one full refresh by itself", seconds(found["refresh"])),
        ("service: from the start of its process to the end of the first scrape", seconds(found["service"])),
    ]
    return f"""\
A state of {count(found["series"])} series and {count(found["ids"])} remembered runs ({size(found["state"])}). The first
scrape that is answered has every series: the port opens when they are rendered. Start and imports are part of it.

{table(("", "median"), rows)}"""
