"""A real Prometheus, in both supported major versions, that scrapes 100,000 series every second."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from bench.kit import contestants
from bench.kit.contestants import EXPORTER, FAST, NGINX_NAME, Contestant
from bench.kit.rounds import percentile
from bench.kit.script import Bench, Found, Goal
from bench.kit.tables import NOTHING, count, seconds, table
from bench.kit.tools import PROMETHEUS_2, PROMETHEUS_3, Tool
from tools.chaos.processes import free_port

TITLE: Final = "A real Prometheus"
ORDER: Final = 90
VERSIONS: Final = (PROMETHEUS_2, PROMETHEUS_3)
TOOLS: Final[tuple[Tool, ...]] = (*contestants.TOOLS, *VERSIONS)

SERIES: Final = 100_000
QUICK_SERIES: Final = 1_000
EVERY: Final = 1
"""Seconds between two scrapes of those that copy bytes."""
SLOW_EVERY: Final = 10
"""Seconds between two scrapes of those that render."""
LENGTHS: Final = {EXPORTER: 60.0, NGINX_NAME: 20.0}
"""Seconds for which they are scraped."""
SLOW_LONG: Final = 45.0
QUICK_LONG: Final = 5.0
FIRST_SCRAPE: Final = 60.0


def measure(bench: Bench) -> Found:
    """One version after the other: a minute of scrapes of the exporter, then of nginx, then of those that render."""
    for tool in TOOLS:
        bench.has(tool)
    series = QUICK_SERIES if bench.quick else SERIES
    found = contestants.start_all(bench, series)
    slow = [each for each in found if each.name not in FAST]
    # One at a time: two of them every second are more than a Prometheus can parse on two cores.
    turns = [([each], EVERY, length) for each in found if (length := LENGTHS.get(each.name))]
    turns.append((slow, SLOW_EVERY, SLOW_LONG))
    versions = {}
    for tool in VERSIONS:
        if tool.path is None:
            continue
        jobs: dict[str, Any] = {}
        for scraped, every, length in turns:
            pace = (EVERY, QUICK_LONG) if bench.quick else (every, length)
            version, more = _watched(bench, tool.path, scraped, *pace)
            jobs |= more
        versions[version] = jobs
    contestants.stop_all(found, bench.folder / str(series))
    return {"versions": versions, "series": series, "every": EVERY, "slow_every": SLOW_EVERY}


def _watched(
    bench: Bench, program: str, scraped: list[Contestant], every: int, length: float
) -> tuple[str, dict[str, Any]]:
    """Let a Prometheus scrape for so many seconds, and ask it how that went."""
    folder = bench.folder / f"prometheus-{time.monotonic_ns()}"
    folder.mkdir()
    config = {
        "global": {"scrape_interval": f"{every}s", "scrape_timeout": f"{every}s"},
        "scrape_configs": [_job(str(number), each) for number, each in enumerate(scraped)],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    base = f"http://127.0.0.1:{(port := free_port())}"
    process = bench.processes.start(
        folder.name,
        (
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ),
        cwd=folder,
    )
    process.wait_for_answer(f"{base}/-/ready")
    process.wait_until(lambda: len(_query(base, "up")) == len(scraped), "every job was scraped", FIRST_SCRAPE)
    bench.say(f"{Path(program).name} scrapes {', '.join(each.name for each in scraped)} for {length:.0f} s")
    time.sleep(length)
    window = f"[{round(length)}s]"
    version = httpx.get(f"{base}/api/v1/status/buildinfo", timeout=60).json()["data"]["version"].partition("+")[0]
    jobs = {}
    for number, each in enumerate(scraped):
        up, took, samples = (
            [float(value) for _, value in _query(base, f'{name}{{job="{number}"}}{window}')[0]["values"]]
            for name in ("up", "scrape_duration_seconds", "scrape_samples_scraped")
        )
        jobs[each.name] = {
            "scrapes": len(up),
            "down": up.count(0.0),
            "p50": percentile(took, 0.5),
            "longest": max(took),
            "samples": max(samples),
        }
    process.end()
    return version, jobs


def _job(name: str, each: Contestant) -> dict[str, Any]:
    address = urlsplit(each.urls["openmetrics"])
    return {
        "job_name": name,
        "metrics_path": address.path,
        "honor_labels": True,
        "static_configs": [{"targets": [address.netloc]}],
    }


def _query(base: str, expression: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{base}/api/v1/query", params={"query": expression}, timeout=60)
    answer.raise_for_status()
    result: list[dict[str, Any]] = answer.json()["data"]["result"]
    return result


def goals(found: Found) -> list[Goal]:
    """``up`` is never 0."""
    return [
        Goal(
            f"Prometheus {version}, {count(found['series'])} series every {found['every']} s",
            "`up` never 0",
            f"down in {jobs[EXPORTER]['down']} of {jobs[EXPORTER]['scrapes']} scrapes",
            not jobs[EXPORTER]["down"] and jobs[EXPORTER]["scrapes"] > 0,
        )
        for version, jobs in found["versions"].items()
    ]


def section(found: Found) -> str:
    """``scrape_duration_seconds``, by contestant and version."""
    names = list(dict.fromkeys(name for jobs in found["versions"].values() for name in jobs))
    head = [""]
    for version in found["versions"]:
        head += [f"{version}: p50", "longest", "`up` was 0"]
    rows = [(name, *(cell for jobs in found["versions"].values() for cell in _cells(jobs.get(name)))) for name in names]
    return f"""\
What Prometheus itself says in `scrape_duration_seconds`: asking, reading, parsing and storing of
{count(found["series"])} series; the last two are its own work and the same for all. The exporter is scraped every
{found["every"]} s for a minute, then nginx by itself, then the others together every {found["slow_every"]} s, since
they take too long for more.

{table(head, rows)}"""


def _cells(job: dict[str, Any] | None) -> tuple[str, str, str]:
    if job is None:
        return NOTHING, NOTHING, NOTHING
    return seconds(job["p50"]), seconds(job["longest"]), f"{job['down']} of {job['scrapes']}"
