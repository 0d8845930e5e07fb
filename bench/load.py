"""Scrape under load: while every target is polled flat out and snapshots are refreshed all the time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import httpx

from bench.kit import client
from bench.kit.flat_out import FLAT_OUT
from bench.kit.population import population
from bench.kit.processes import Process
from bench.kit.rounds import interleaved, percentile
from bench.kit.script import Bench, Found, Goal
from bench.kit.state import write_config, write_state
from bench.kit.tables import count, seconds, table
from bench.kit.tools import Tool
from tools.chaos.processes import free_port

TITLE: Final = "Scrape under load"
ORDER: Final = 20
TOOLS: Final[tuple[Tool, ...]] = ()

SERIES: Final = 100_000
QUICK_SERIES: Final = 2_000
ROUNDS: Final = 3
WITHIN: Final = 6.0
"""Seconds of one turn."""
PAUSE: Final = 0.02
MOST: Final = 0.010
"""Seconds that 99 scrapes of 100 may take."""
GZIP, PLAIN = "OpenMetrics, gzip: what Prometheus asks for", "text, plain"
_POLLS: Final = re.compile(rb"^automation_exporter_polls_total\{.*\} (\d+)", re.MULTILINE)
_RUNS: Final = re.compile(rb"^automation_runs_total\{.*\} (\d+)", re.MULTILINE)


def measure(bench: Bench) -> Found:
    """Scrapes of the two forms in turn, once with the polls and once without."""
    return {"idle": _service(bench, idle=True), "busy": _service(bench, idle=False)}


def _service(bench: Bench, *, idle: bool) -> Found:
    members = population(QUICK_SERIES if bench.quick else SERIES)
    folder = bench.folder / ("idle" if idle else "busy")
    folder.mkdir()
    config = write_config(members, folder, zero_hold="0s", requests_per_minute=100_000, overlap="1m")
    write_state(members, config)
    port = free_port()
    arguments = (str(config), str(port), "once" if idle else FLAT_OUT, *members.names())
    process = bench.processes.start_python(folder.name, "bench.kit.flat_out", *arguments)
    url = f"http://127.0.0.1:{port}/metrics"
    process.wait_for_answer(f"http://127.0.0.1:{port}/-/ready")
    process.wait_until(lambda: min(_counted(url, _POLLS)) > 0, "every target was polled")
    before = sum(_counted(url, _POLLS)), sum(_counted(url, _RUNS)), process.cpu()
    within = 2.0 if bench.quick else WITHIN
    turns = {
        GZIP: _turn(process, url, "openmetrics", within, compressed=True),
        PLAIN: _turn(process, url, "text", within, compressed=False),
    }
    answers = interleaved(1 if bench.quick else ROUNDS, turns)
    after = sum(_counted(url, _POLLS)), sum(_counted(url, _RUNS)), process.cpu()
    process.end()
    took = sum(turn["took"] for each in answers.values() for turn in each)
    return {
        "scrapes": {name: _figures(each) for name, each in answers.items()},
        "polls": (after[0] - before[0]) / took,
        "runs": (after[1] - before[1]) / took,
        "cpu": (after[2] - before[2]) / took,
        "targets": members.targets,
        "series": members.series,
    }


def _turn(process: Process, url: str, form: str, within: float, *, compressed: bool) -> Callable[[], dict[str, Any]]:
    def turn() -> dict[str, Any]:
        if not process.alive():
            raise RuntimeError(f"the service ended\n{process.log_tail()}")
        return vars(client.scrape(url, form, compressed=compressed, within=within, pause=PAUSE))

    return turn


def _figures(turns: list[dict[str, Any]]) -> Found:
    every = [each for turn in turns for each in turn["seconds"]]
    return {
        "p50": percentile(every, 0.5),
        "p99": percentile(every, 0.99),
        "longest": max(every),
        "scrapes": len(every),
        "failures": sum(len(turn["failures"]) for turn in turns),
    }


def _counted(url: str, what: re.Pattern[bytes]) -> list[int]:
    body = httpx.get(url, timeout=60).content
    return [int(each) for each in what.findall(body)]


def goals(found: Found) -> list[Goal]:
    """p99 and failures, in both forms."""
    scrapes = found["busy"]["scrapes"]
    failures = sum(each["failures"] for each in scrapes.values())
    return [
        *(
            Goal(f"under load, p99, {name}", f"at most {seconds(MOST)}", seconds(each["p99"]), each["p99"] <= MOST)
            for name, each in scrapes.items()
        ),
        Goal("under load", "no scrape fails", f"{failures} failed", not failures),
    ]


def section(found: Found) -> str:
    """Both tables in one."""
    busy = found["busy"]
    rows = [
        (f"{name}; {state}", *(seconds(each[key]) for key in ("p50", "p99", "longest")), count(each["scrapes"]),
         str(each["failures"]))
        for state, whole in (("idle", found["idle"]), ("polled flat out", busy))
        for name, each in whole["scrapes"].items()
    ]  # fmt: skip
    return f"""\
The service with {count(busy["series"])} series in {busy["targets"]} targets whose upstreams answer in the same process:
each poll fetches, counts, commits and refreshes as fast as it can. Under load it made {busy["polls"]:.1f} polls and
counted {count(busy["runs"])} runs a second, on {busy["cpu"]:.2f} cores. A scraper asks, waits {seconds(PAUSE)}, asks
again.

{table(("scrapes", "p50", "p99", "longest", "scrapes", "failed"), rows)}"""
