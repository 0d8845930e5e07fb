"""History: what a poll costs when ever more runs lie behind it, what a sweep costs, and how large the state is."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Final

from bench.kit.canned import BASELINE, control
from bench.kit.reader import Reader, canned
from bench.kit.rounds import Cost, cost, interleaved, median_cost
from bench.kit.script import Bench, Found, Goal
from bench.kit.tables import count, digits, seconds, size, table, times
from bench.kit.tools import Tool
from exporter.counting.ledger import Changes
from exporter.counting.states import ListingState, TargetState, WorkloadState
from exporter.times import DAY, HOUR, SECOND, Micros

TITLE: Final = "History"
ORDER: Final = 50
TOOLS: Final[tuple[Tool, ...]] = ()

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
SWEEPS: Final = (1_000, 10_000, 100_000)
RECENT: Final = 150
"""Runs of the last minutes; every poll reads them again."""
POLLS: Final = 25
IDS_AT_ONCE: Final = 10_000
NOW: Final[Micros] = (BASELINE + RECENT + 300) * SECOND


def measure(bench: Bench) -> Found:
    """Each size in a state and an upstream of its own: the file, polls in turn, a sweep."""
    found: Found = {"polls": {}, "state": {}, "sweeps": {}}
    with ExitStack() as opened:
        readers: dict[str, tuple[Reader, int]] = {}
        for number in SIZES[:2] if bench.quick else SIZES:
            upstream = canned(bench.processes, f"older-{number}", runs=RECENT, routines=1, older=number)
            port, _ = opened.enter_context(upstream)
            control(port, now=NOW // SECOND, open=1)
            state = bench.folder / f"{number}.db"
            reader = opened.enter_context(closing(Reader("foundry", port, state, NOW // SECOND)))
            empty = _bytes(state)
            _remember(reader, number)
            found["state"][str(number)] = (_bytes(state) - empty) / number
            reader.poll()  # it counts the recent runs
            control(port)
            readers[str(number)] = reader, port
            bench.say(f"{number} runs: remembered")
        costs = interleaved(POLLS, {older: partial(_poll, reader) for older, (reader, _) in readers.items()})
        for older, (reader, port) in readers.items():
            told = control(port)
            each = {"requests": told["requests"] / POLLS, "bytes": told["sent"] / POLLS}
            found["polls"][older] = {**median_cost(costs[older])._asdict(), **each}
            if int(older) in SWEEPS:
                found["sweeps"][older] = _sweep(reader, port)
    return found


def _poll(reader: Reader) -> Cost:
    reader.clock.world += SECOND
    return cost(reader.poll)


def _remember(reader: Reader, older: int) -> None:
    """As if the older runs had been counted, and everything been read a minute ago."""
    target, store = reader.target, reader.store
    read = NOW - 60 * SECOND
    listing = ListingState(horizon=read - HOUR, last_whole=read, last_sweep=read, last_deep=read, newest=read)
    changes = Changes(
        target=TargetState(NOW - 20 * DAY, NOW - 20 * DAY, NOW - 20 * DAY, data_at=read, roster_at=read),
        listings={"routine-0": listing},
        workloads={"routine-0": WorkloadState("routine-0", "routine-0", NOW - 20 * DAY, enabled=True)},
    )
    with store.transaction(target.name) as transaction:
        transaction.apply(changes)
    for start in range(0, older, IDS_AT_ONCE):
        ids = [
            ((BASELINE - 3600 - back * (6 * 86_400 // older)) * SECOND // DAY, f"run-{10_000_000 + back:024x}")
            for back in range(start, min(older, start + IDS_AT_ONCE))
        ]
        with store.transaction(target.name) as transaction:
            transaction.apply(Changes(remember=ids))


def _bytes(state: Path) -> int:
    """What the file takes, what is still in its journal included."""
    with closing(sqlite3.connect(state)) as connection:
        (pages,), (page,) = (connection.execute(f"PRAGMA {each}").fetchone() for each in ("page_count", "page_size"))
        return int(pages) * int(page)


def _sweep(reader: Reader, port: int) -> dict[str, float]:
    """One walk down to the floor, in one poll: every run on it is known."""
    ledger = reader.target.ledger
    ledger.listings["routine-0"] = ledger.listings["routine-0"]._replace(last_sweep=NOW - 60 * DAY)
    control(port)
    spent = cost(reader.poll)
    told = control(port)
    return {**spent._asdict(), "requests": told["requests"], "bytes": told["sent"]}


def goals(found: Found) -> list[Goal]:
    """Flat in requests and processor time; a small state."""
    polls = list(found["polls"].values())
    requests = {each["requests"] for each in polls}
    spread = max(each["cpu"] for each in polls) / min(each["cpu"] for each in polls)
    largest = list(found["state"].values())[-1]
    return [
        Goal(
            "poll, requests", "the same for any history", ", ".join(map(digits, sorted(requests))), len(requests) == 1
        ),
        Goal("poll, processor time", "within 1.3×", times(spread), spread <= 1.3),
        Goal("state", "at most 60 B for each remembered run", f"{digits(largest)} B", largest <= 60),
    ]


def section(found: Found) -> str:
    """Polls by the length of the history, then sweeps."""
    polls = [
        (count(int(older)), digits(each["requests"]), size(each["bytes"]), seconds(each["cpu"]), seconds(each["wall"]),
         f"{digits(found['state'][older])} B")
        for older, each in found["polls"].items()
    ]  # fmt: skip
    sweeps = [
        (count(int(older)), count(each["requests"]), size(each["bytes"]), seconds(each["cpu"]),
         f"{digits(each['cpu'] / (int(older) + RECENT) * 1e6)} µs")
        for older, each in found["sweeps"].items()
    ]  # fmt: skip
    return f"""\
One Foundry routine with {RECENT} runs of the last minutes and many older ones, all of them remembered, in pages of 100.
A poll between two sweeps reads the recent pages again; its cost is the median of {POLLS} polls, commit and rendering
included. State is what the file grew by for each remembered run.

{table(("older runs", "requests", "bytes", "processor time", "by the clock", "state for each"), polls)}

A sweep, once an hour at the most and spread over several polls, reads down to all that is remembered:

{table(("older runs", "requests", "bytes", "processor time", "for each run"), sweeps)}"""
