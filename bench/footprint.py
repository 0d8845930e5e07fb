"""Footprint: memory at rest, memory for each series, time to be ready, and what is imported for it."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from bench.kit.population import population
from bench.kit.processes import ROOT, Process
from bench.kit.rounds import interleaved
from bench.kit.script import Bench, Found, Goal
from bench.kit.service import ENVIRONMENT, address_of, interpreter, said, start
from bench.kit.state import write_config, write_state
from bench.kit.tables import count, digits, seconds, size, table, times

TITLE: Final = "Footprint"
ORDER: Final = 70
TOOLS: Final = (ENVIRONMENT,)

ROUNDS: Final = 5
REST: Final = 12.0
"""Seconds in which memory is looked at: every timer but the slowest runs."""
LOOKS: Final = 12
LOADED: Final = """
import sys
before = set(sys.modules)
import exporter.app.watch, exporter.cli, uvicorn.protocols.http.httptools_impl
print(*(name for name in sys.modules if name not in before and not name.startswith("exporter")))
"""
"""Every module that the service loads and is not its own, in their order. An import of the packages by name would say
little: pydantic and httpx load most of theirs when they are used."""
IMPORT: Final = """
import importlib, sys
for name in sys.argv[1].split():
    try:
        importlib.import_module(name)
    except ImportError:  # a name that another module has set
        pass
print("ready", flush=True)
"""
BARE: Final = "a bare import of the modules of its dependencies that it loads"
READY: Final = "the service, until it says that it serves"
IDLE: Final = {
    "targets": [
        {
            "name": "a",
            "platform": "foundry",
            "endpoint": "@/api/projects/a",
            "auth": {"kind": "token", "token": "none"},
        },
        {"name": "b", "platform": "roboto", "endpoint": "@", "org_id": "og_b", "token": "none"},
        {"name": "c", "platform": "granite", "endpoint": "@", "api_key": "none"},
        {"name": "d", "platform": "moderately", "endpoint": "@", "team_id": "d", "api_key": "none"},
    ],
    "defaults": {"interval": "24h"},
}


def measure(bench: Bench) -> Found:
    """Memory first, then starts in turn."""
    idle = _idle_config(bench.folder)
    process = start(bench, "idle", idle)
    address_of(process)
    found: Found = {"idle": _at_rest(process)}
    process.end()
    folder = bench.folder / "many"
    folder.mkdir()
    members = population(2_000 if bench.quick else 100_000)
    config = write_config(members, folder)
    write_state(members, config)
    process = start(bench, "many", config)
    address = address_of(process)
    lines, bodies = _bodies(address)
    found |= {"many": _at_rest(process), "series": lines, "bodies": bodies}
    process.end()
    numbers = iter(range(1000))

    loaded = subprocess.run((interpreter(), "-c", LOADED), cwd=ROOT, capture_output=True, text=True, check=True).stdout

    def bare() -> float:
        begun = time.perf_counter()
        process = bench.processes.start(f"bare-{next(numbers)}", (interpreter(), "-c", IMPORT, loaded))
        took = said(process, "ready") - begun
        process.end()
        return took

    def ready() -> float:
        begun = time.perf_counter()
        process = start(bench, f"ready-{next(numbers)}", idle)
        took = said(process, "address=") - begun
        process.end()
        return took

    answers = interleaved(2 if bench.quick else ROUNDS, {"bare": bare, "ready": ready})
    return found | {"starts": {name: median(each) for name, each in answers.items()}}


def _idle_config(folder: Path) -> Path:
    path = folder / "idle.yaml"
    text = json.dumps({**IDLE, "state": str(folder / "idle.db")})
    path.write_text(text.replace("@", "http://127.0.0.1:9"), "utf-8")
    return path


def _at_rest(process: Process) -> int:
    found = []
    for _ in range(LOOKS):
        time.sleep(REST / LOOKS)
        found.append(process.rss())
    return min(found)


def _bodies(address: str) -> tuple[int, int]:
    """Lines of samples, and bytes of the four ready bodies together."""
    total, lines = 0, 0
    with httpx.Client() as client:
        for accept in ("text/plain", "application/openmetrics-text; version=1.0.0"):
            for encoding in ("identity", "gzip"):
                headers = {"Accept": accept, "Accept-Encoding": encoding}
                with client.stream("GET", f"http://{address}/metrics", headers=headers) as answer:
                    raw = b"".join(answer.iter_raw())
                total += len(raw)
                if encoding == "identity":
                    lines = sum(not line.startswith(b"#") for line in raw.splitlines())
    return lines, total


def goals(found: Found) -> list[Goal]:
    """Memory and time."""
    each = _each(found)
    ratio = found["starts"]["ready"] / found["starts"]["bare"]
    return [
        Goal("memory with four idle targets", "at most 60 MB", size(found["idle"]), found["idle"] <= 60e6),
        Goal("memory for each series above that", "at most 400 B", f"{digits(each)} B", each <= 400),
        Goal("ready", "at most 1.5× the bare import of its dependencies", times(ratio), ratio <= 1.5),
    ]


def section(found: Found) -> str:
    """Two tables."""
    rows = [
        ("four idle targets, one of each platform", size(found["idle"]), ""),
        (f"{count(found['series'])} series", size(found["many"]), ""),
        ("of that, ready bodies: two formats, plain and gzip", size(found["bodies"]), f"{digits(_body(found))} B"),
        ("of that, ledgers and rendered lines", size(_rest(found)), f"{digits(_each(found))} B"),
    ]
    starts = [(name, seconds(found["starts"][key])) for key, name in (("bare", BARE), ("ready", READY))]
    return f"""\
Resident memory, the lowest of {LOOKS} looks in the {REST:.0f} s after the start: a publication holds two of each body
for a moment. No upstream answers, so that nothing but the program is in it. The targets speak plain HTTP: where one is
reached over TLS, the trust store takes 2 MB and 40 ms of the start besides.

{table(("", "memory", "for each series"), rows)}

{table(("from the start of the process", "median"), starts)}

Python's modules are compiled beforehand, as they are where pip or the image installed them."""


def _rest(found: Found) -> float:
    rest: float = found["many"] - found["idle"] - found["bodies"]
    return rest


def _each(found: Found) -> float:
    return _rest(found) / float(found["series"])


def _body(found: Found) -> float:
    return float(found["bodies"]) / float(found["series"])
