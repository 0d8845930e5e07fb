"""Fleet: a thousand targets in one process, one in ten of them dead or silent, and how many more it could take."""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from pathlib import Path
from typing import Any, Final

import httpx

from bench.kit.canned import control
from bench.kit.reader import canned
from bench.kit.rounds import percentile
from bench.kit.script import Bench, Found, Goal
from bench.kit.service import ENVIRONMENT, address_of, start
from bench.kit.state import NOBODY
from bench.kit.tables import count, digits, seconds, size, table
from exporter.schedule.pace import spread
from exporter.times import SECOND
from exporter.times import seconds as micros

TITLE: Final = "Fleet"
ORDER: Final = 80
TOOLS: Final = (ENVIRONMENT,)

TARGETS: Final = 1_000
INTERVAL: Final = 60.0
MEASURED: Final = 2
"""Intervals after the first, in which everything is new."""
LIMIT_INTERVALS: Final = (20.0, 10.0)
"""Shorter intervals of the same targets, until one process has enough."""
LIMIT_SECONDS: Final = 20.0
GRACE: Final = 6.0
"""Seconds after the end, so that what is late then is seen to be late and not missed."""
ON_TIME: Final = 5.0
PLANNING: Final = 2.0
"""Seconds that planning a thousand jobs takes at the most."""


def measure(bench: Bench) -> Found:
    """The fleet at its interval, then ever faster until polls are missed or late."""
    targets = 40 if bench.quick else TARGETS
    found = {"asked": _run(bench, targets, 3.0 if bench.quick else INTERVAL, MEASURED)}
    for interval in (2.0,) if bench.quick else LIMIT_INTERVALS:
        found[f"every {interval:.0f} s"] = each = _run(bench, targets, interval, -int(-LIMIT_SECONDS // interval))
        if not _keeps_up(each):
            break
    return found


def _run(bench: Bench, targets: int, interval: float, intervals: int) -> Found:
    name = f"every-{interval:.0f}"
    with canned(bench.processes, f"upstream-{name}", runs=200, routines=2) as (port, _):
        control(port, open=1)
        service = start(bench, f"service-{name}", _config(bench.folder, name, port, targets, interval))
        address = address_of(service)
        time.sleep(1.2 * interval)  # the first polls, and for a moment what they left
        used, began = service.cpu(), time.monotonic()
        memory = []
        while (left := began + intervals * interval - time.monotonic()) > 0:
            time.sleep(min(left, interval / 6))
            memory.append(service.rss())
        ended = time.monotonic()
        cores = (service.cpu() - used) / (ended - began)
        time.sleep(GRACE)
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
        **_lateness(asked, interval, began, ended),
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


def _lateness(asked: dict[str, list[float]], interval: float, began: float, ended: float) -> Found:
    """How late a poll began at each slot of the schedule between two moments; one that did not is missed."""
    answering = {project: polls for project, polls in asked.items() if not project.startswith("silent")}
    slots = _slots(answering, interval)
    late: list[float] = []
    missed = 0
    for project, polls in answering.items():
        slot = slots[project] - (slots[project] - began) // interval * interval
        while slot < ended:
            place = bisect_left(polls, slot)
            if place < len(polls) and polls[place] < slot + max(interval, GRACE):
                late.append(polls[place] - slot)
            else:
                missed += 1
            slot += interval
    return {"good": len(answering), "polls": len(late) + missed, "missed": missed,
            "p50": percentile(late, 0.5), "p99": percentile(late, 0.99), "latest": max(late)}  # fmt: skip


def _slots(asked: dict[str, list[float]], interval: float) -> dict[str, float]:
    """One slot of each target: the schedule says where they lie, and the earliest polls when it began.

    The first target is polled when all are planned, which takes a moment: so much too late is what its poll tells.
    """
    places = {project: spread(int(project.rpartition("-")[2]), micros(interval)) for project in asked}
    begin = min(polls[0] - places[project][0] / SECOND for project, polls in asked.items())
    slots = {project: begin + sum(place) / SECOND for project, place in places.items()}
    early = [(at - slots[project]) % interval - interval for project, polls in asked.items() for at in polls[1:]]
    moment = min((each for each in early if each > -min(PLANNING, interval / 4)), default=0.0)
    return {project: slot + moment for project, slot in slots.items()}


def _keeps_up(each: Found) -> bool:
    return not each["missed"] and each["p99"] <= ON_TIME


def goals(found: Found) -> list[Goal]:
    """No poll of the good ones missed, none late, memory bounded."""
    fleet = found["asked"]
    return [
        Goal("fleet, polls of targets that answer", "none missed", _missed(fleet), fleet["missed"] == 0),
        Goal("fleet, lateness, p99", f"at most {ON_TIME:.0f} s", seconds(fleet["p99"]), fleet["p99"] <= ON_TIME),
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
answers. Lateness is taken at the upstream: how long after its slot in the schedule a poll began; it is missed when
none did before the next slot. Shorter intervals show how much one process can take: it has enough where polls are
missed, or come {ON_TIME:.0f} s late.

{table(("interval", "polls a second", "missed", "late, p50", "p99", "latest", "cores", "memory", "a scrape"), rows)}"""


def _missed(each: Found) -> str:
    return f"{count(each['missed'])} of {count(each['polls'])}"
