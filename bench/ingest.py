"""Ingest: runs from HTTP to commit, beside the vendors' SDKs, and beside httpx and pydantic, that only read them."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final
from unittest.mock import patch

from bench.kit.canned import BASELINE, control
from bench.kit.only_read import floor, sdk
from bench.kit.reader import Reader, canned
from bench.kit.rounds import Cost, cost, interleaved, median_cost, of_each
from bench.kit.script import Bench, Found, Goal
from bench.kit.tables import count, seconds, table, times
from bench.kit.tools import Tool
from exporter.times import SECOND

TITLE: Final = "Ingest"
ORDER: Final = 40
TOOLS: Final[tuple[Tool, ...]] = ()

RUNS: Final = 100_000
ROUNDS: Final = 3
ASKED: Final = {100: 8, 1000: 15}
"""How many times the SDK is asked for, by rows of a page."""
SDKS: Final = {"foundry": "azure-ai-projects", "moderately": "moderatelyai-sdk"}
FLOOR: Final = "floor, kept"
CONTESTANTS: Final = ("exporter", "sdk", "sdk, typed", "floor", FLOOR)

STAGES: Final = {
    "receive: request, answer, bytes": "exporter.http.client.Client.get",
    "parse: JSON to typed records": "exporter.platforms.{platform}.api.answer",
    "walk: order, depth, links": "exporter.platforms.walk.Walk._next_page",
    "observe: what they mean": "exporter.platforms.{platform}.observe.observe_page",
    "look up: ids known already": "exporter.store.sqlite.SqliteStore.remembered",
    "count": "exporter.poll.count",
    "write: totals, cursor": "exporter.store.ledgers.write",
    "keep: new ids": "exporter.store.ids.keep",
    "commit": "exporter.store.sqlite.SqliteStore._commit",
}


def measure(bench: Bench) -> Found:
    """Both platforms, both sizes of pages, in turn; then one poll of each with a stopwatch at its stages."""
    runs = 2_000 if bench.quick else RUNS
    found: Found = {"runs": runs, "sync": _sync(bench.folder), "costs": {}, "stages": {}}
    for platform in SDKS:
        for page in ASKED:
            key = f"{platform} {page}"
            with canned(bench.processes, f"{platform}-{page}", platform=platform, runs=runs, page=page) as (port, _):
                ours = partial(_ours, bench.folder, platform, port, runs)
                contestants: dict[str, Callable[[], Cost]] = {
                    "exporter": ours,
                    "sdk": partial(sdk, platform, port, runs),
                    "floor": partial(floor, platform, port, runs),
                    FLOOR: partial(floor, platform, port, runs, bench.folder),
                }
                if platform == "moderately":
                    contestants["sdk, typed"] = partial(sdk, platform, port, runs, typed=True)
                answers = interleaved(1 if bench.quick else ROUNDS, contestants)
                found["costs"][key] = {name: median_cost(each)._asdict() for name, each in answers.items()}
                with _stopwatches(platform) as spent:
                    whole = ours().cpu * runs
                spent["else: threads, log, report, snapshot"] = max(0.0, whole - sum(spent.values()))
                found["stages"][key] = dict(spent)
            bench.say(f"{key}: done")
    return found


def _ours(folder: Path, platform: str, port: int, runs: int) -> Cost:
    """A poll that finds all runs new, counts and commits them; after a first one at the baseline."""
    control(port, now=BASELINE, open=0)
    state = folder / f"{time.monotonic_ns()}.db"
    with closing(Reader(platform, port, state, BASELINE)) as reader:
        reader.poll()
        now = BASELINE + runs + 1000
        control(port, now=now, open=1)
        reader.clock.world = now * SECOND
        spent = cost(reader.poll)
        if reader.counted() != runs:
            raise RuntimeError(f"counted {reader.counted()} of {runs} runs")
    return of_each(spent, runs)


@contextmanager
def _stopwatches(platform: str) -> Iterator[dict[str, float]]:
    """Seconds of processor time by stage; a stage inside another is taken out of that."""
    spent: dict[str, float] = defaultdict(float)
    running = threading.local()

    def watched(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **more: Any) -> Any:
            open_: list[list[float]] = running.__dict__.setdefault("open", [])
            begun, inside = time.thread_time(), [0.0]
            open_.append(inside)
            try:
                return work(*given, **more)
            finally:
                open_.pop()
                took = time.thread_time() - begun
                spent[name] += took - inside[0]
                if open_:
                    open_[-1][0] += took

        return timed

    with ExitStack() as patches:
        for name, template in STAGES.items():
            where = template.format(platform=platform)
            patcher = patch(where)
            original = patcher.get_original()[0]
            patches.enter_context(patch(where, watched(name, original)))
        yield spent


def _sync(folder: Path) -> float:
    """Seconds that one sync of this disk takes: each commit has one."""
    took = []
    with (folder / "sync").open("wb", buffering=0) as file:
        import os  # noqa: PLC0415

        for _ in range(50):
            file.write(b"x" * 4096)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    return median(took)


def goals(found: Found) -> list[Goal]:
    """Processor time of the vendor's client over ours, for the same runs; beside it what the libraries leave."""
    goals = []
    for key, costs in found["costs"].items():
        platform, page = key.split()
        asked = ASKED[int(page)]
        floor_is = f"; {FLOOR} {times(_ratio(costs, FLOOR))}" if FLOOR in costs else ""
        what = f"ingest, {platform}, pages of {page}"
        reached = _ratio(costs) >= asked
        goals.append(Goal(what, f"at least {asked}× the SDK", f"{times(_ratio(costs))}{floor_is}", reached))
    return goals


def section(found: Found) -> str:
    """Runs a second of all, then where our time goes."""
    runs = found["runs"]
    rows = [
        (
            f"{key.split()[0]}, pages of {key.split()[1]}",
            *(_a_second(costs.get(who)) for who in CONTESTANTS),
            times(_ratio(costs)),
            *(times(_ratio(costs, who)) if who in costs else "" for who in ("floor", FLOOR)),
        )
        for key, costs in found["costs"].items()
    ]
    by_clock = [
        (f"{key.split()[0]}, pages of {key.split()[1]}", *(_a_second(costs.get(who), "wall") for who in CONTESTANTS))
        for key, costs in found["costs"].items()
    ]
    stages = found["stages"]
    by_stage = [
        (name, *(f"{each.get(name, 0.0) / runs * 1e6:.1f} µs" for each in stages.values()))
        for name in dict.fromkeys(name for each in stages.values() for name in each)
    ]
    return f"""\
{count(runs)} ended runs that are all new, over loopback from an upstream whose pages were made beforehand. What each
does:

- **exporter** reads them, makes typed records, puts them in order, observes, looks their ids up, counts, commits each
  page to a state file, and renders. It reads a run's id, times, status and kind, error and further ids.
- **SDK**: the vendor's client reads, and keeps nothing; of these runs a tenth. azure-ai-projects with the fields read
  that the exporter reads; moderatelyai-sdk, which gives the JSON as it came.
- **SDK, typed**: moderatelyai-sdk, and pydantic makes of its JSON the records that the exporter makes.
- **floor**: httpx gets the pages, pydantic makes the same records of them, and that is all. No reader that stands on
  these two can be faster.
- **floor, kept**: the same, and the runs' ids are kept in a state file, a commit a page, without which no run is
  counted just once. Nothing is looked up or counted.

The figures are of processor time, and so are the ratios.

{table(("runs a second", *CONTESTANTS, "times the SDK", "the floor is", "kept"), rows)}

By the clock, each commit also waits for a sync, {seconds(found["sync"])} on this disk:

{table(("runs a second, by the clock", *CONTESTANTS), by_clock)}

Where the exporter's processor time goes, for one run:

{table(("stage", *stages), by_stage)}"""


def _a_second(spent: dict[str, float] | None, how: str = "cpu") -> str:
    return "" if spent is None else count(1 / spent[how])


def _ratio(costs: dict[str, dict[str, float]], who: str = "exporter") -> float:
    return costs["sdk"]["cpu"] / costs[who]["cpu"]
