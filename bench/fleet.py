"""Fleet: a thousand targets in one process, one in ten of them dead or silent, and how many more it could take."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import httpx

from bench.kit.canned import control
from bench.kit.reader import canned
from bench.kit.rounds import percentile
from bench.kit.script import Bench, Found, Goal
from bench.kit.state import NOBODY
from bench.kit.tables import count, digits, seconds, size, table
from bench.kit.tools import Tool
from bench.restart import address_of, start

TITLE: Final = "Fleet"
ORDER: Final = 80
TOOLS: Final[tuple[Tool, ...]] = ()

TARGETS: Final = 1_000
INTERVAL: Final = 60.0
MEASURED: Final = 4
"""Intervals after the first, in which everything is new."""
LIMIT_INTERVALS: Final = (10.0, 5.0)
"""Shorter intervals of the same targets, to find where one process has enough."""
LIMIT_SECONDS: Final = 40.0


def measure(bench: Bench) -> Found:
    """The fleet at its interval, then ever faster."""
    targets = 40 if bench.quick else TARGETS
    found = {"asked": _run(bench, targets, 3.0 if bench.quick else INTERVAL, MEASURED)}
    for interval in () if bench.quick else LIMIT_INTERVALS:
        found[f"every {interval:.0f} s"] = _run(bench, targets, interval, round(LIMIT_SECONDS / interval))
    return found


def _run(bench: Bench, targets: int, interval: float, intervals: int) -> Found:
    name = f"every-{interval:.0f}"
    with canned(bench.processes, f"upstream-{name}", runs=200, routines=2) as (port, _):
        control(port, open=1)
        service = start(bench, f"service-{name}", _config(bench.folder, name, port, targets, interval))
        address = address_of(service)
        time.sleep(interval + 10.0)  # first polls are spread over 10 s at the most
        used, began = service.cpu(), time.monotonic()
        control(port)
        memory = []
        while time.monotonic() - began < intervals * interval:
            time.sleep(min(interval, 10.0) / 2)
            memory.append(service.rss())
        cores = (service.cpu() - used) / (time.monotonic() - began)
        asked = control(port)["asked"]
        scrape = _scrape(address)
        service.end()
    bench.say(f"{targets} targets every {interval:.0f} s: done")
    return {
        "targets": targets,
        "interval": interval,
        "cores": cores,
        "memory": max(memory),
        "grown": memory[-1] - memory[0],
        "scrape": scrape,
        **_lateness(asked, interval, intervals),
    }


def _config(folder: Path, name: str, port: int, targets: int, interval: float) -> Path:
    """Of ten targets one is no good: refused, or taken and never answered, in turn."""
    every = [_target(index, port) for index in range(targets)]
    config = {
        "targets": every,
        "defaults": {"interval": f"{interval:.0f}s", "jitter": 0, "requests_per_minute": 6000},
        "state": str(folder / f"{name}.db"),
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(config), "utf-8")
    return path


def _target(index: int, port: int) -> dict[str, Any]:
    upstream = f"http://127.0.0.1:{port}"
    if index % 20 == 3:
        upstream = NOBODY
    kind = "silent" if index % 20 == 13 else "project"
    auth = {"kind": "token", "token": f"none-{index}"}
    return {
        "name": f"t{index:04d}",
        "platform": "foundry",
        "endpoint": f"{upstream}/api/projects/{kind}-{index:04d}",
        "auth": auth,
    }


def _scrape(address: str) -> float:
    begun = time.perf_counter()
    httpx.get(f"http://{address}/metrics", timeout=30).raise_for_status()
    return time.perf_counter() - begun


def _lateness(asked: dict[str, list[float]], interval: float, intervals: int) -> Found:
    """How late each poll came after the pace that the target's own polls set; the earliest of them sets it."""
    late: list[float] = []
    missed = 0
    for project, times_ in asked.items():
        if project.startswith("silent"):
            continue
        mine = times_[-intervals:]
        base = min(at - number * interval for number, at in enumerate(mine))
        late += [at - number * interval - base for number, at in enumerate(mine)]
        gaps = (later - earlier for earlier, later in pairwise(mine))
        missed += sum(gap > 1.5 * interval for gap in gaps) + max(0, intervals - len(times_))
    return {"good": sum(not project.startswith("silent") for project in asked), "polls": len(late), "missed": missed,
            "p50": percentile(late, 0.5), "p99": percentile(late, 0.99), "latest": max(late)}  # fmt: skip


def goals(found: Found) -> list[Goal]:
    """No poll of the good ones missed, none late, memory bounded."""
    fleet = found["asked"]
    return [
        Goal("fleet, polls of targets that answer", "none missed", _missed(fleet), fleet["missed"] == 0),
        Goal("fleet, lateness, p99", "at most 5 s", seconds(fleet["p99"]), fleet["p99"] <= 5),
        Goal("fleet, memory", "bounded", f"{size(fleet['memory'])}, grown by {size(fleet['grown'])}",
             fleet["grown"] <= fleet["memory"] / 10),
    ]  # fmt: skip


def section(found: Found) -> str:
    """One row for each pace."""
    rows = [
        (f"{each['interval']:.0f} s", digits(each["targets"] / each["interval"]), _missed(each), seconds(each["p50"]),
         seconds(each["p99"]), seconds(each["latest"]), digits(each["cores"]), size(each["memory"]),
         seconds(each["scrape"]))
        for each in found.values()
    ]  # fmt: skip
    return f"""\
{count(found["asked"]["targets"])} Foundry targets with a credential of their own, each with two routines, polled by
one process; the upstream is another. One in twenty refuses the connection, one in twenty takes a request and never
answers. Lateness is taken at the upstream: how long after the pace of the target's own polls a poll began. Shorter
intervals show how much one process can take: it has enough where polls come late.

{table(("interval", "polls a second", "missed", "late, p50", "p99", "latest", "cores", "memory", "a scrape"), rows)}"""


def _missed(each: Found) -> str:
    return f"{count(each['missed'])} of {count(each['polls'])}"
