"""Scrape: what one answer of ``/metrics`` costs, beside nginx with the same bytes and what else one could use."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from statistics import median
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from bench.kit import client, contestants
from bench.kit.contestants import (
    BARE,
    COLLECTOR,
    EXPORTER,
    FAST,
    NGINX_NAME,
    PUSHGATEWAY_NAME,
    WITHOUT_OPENMETRICS,
    Contestant,
)
from bench.kit.rounds import interleaved
from bench.kit.script import Bench, Found, Goal
from bench.kit.tables import NOTHING, count, seconds, size, table, times

TITLE: Final = "Scrape"
ORDER: Final = 10
TOOLS: Final = contestants.TOOLS

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
MIDDLE: Final = 100_000
"""The size at which goals are set, and the largest at which those that render take part."""
MANY: Final = 50
QUICK_SIZE: Final = 1_000

WITHIN: Final = 0.3
"""Seconds of one turn of those that are fast."""
PATIENCE: Final = 10.0
"""Seconds that a scrape among many may take: Prometheus' own ``scrape_timeout`` unless told otherwise."""


class Cell(NamedTuple):
    """What is asked for, and by how many at a time."""

    form: str
    compressed: bool
    scrapers: int


CELLS: Final = tuple(
    Cell(form, compressed, scrapers)
    for scrapers in (1, MANY)
    for form in ("text", "openmetrics")
    for compressed in (False, True)
)

PUBLICATIONS: Final = 12.0
"""Seconds in which the exporter publishes what it says about itself twice."""
CUT_OFF_WITHIN: Final = 60.0
QUICK_PAUSE: Final = 3.0
"""Seconds in place of both for a quick try, whose bodies are too small to hold anything up."""


def measure(bench: Bench) -> Found:
    """All sizes, one after the other; at the middle one memory and stalled readers too."""
    for tool in TOOLS:
        bench.has(tool)
    sizes = {str(each): _size(bench, each) for each in ((QUICK_SIZE,) if bench.quick else SIZES)}
    return {"sizes": sizes, "middle": str(QUICK_SIZE if bench.quick else MIDDLE)}


def _size(bench: Bench, series: int) -> Found:
    found = contestants.start_all(bench, series, slow=series <= MIDDLE)
    bench.say(f"{count(series)} series: {len(found)} contestants are ready")
    bodies = {
        each.name: {
            f"{form} {compressed}": vars(client.check(each.urls[form], form, compressed=compressed))
            for form in ("text", "openmetrics")
            for compressed in (False, True)
        }
        for each in (found if series <= MIDDLE else found[:1])
    }
    cells = []
    for cell in CELLS:
        cells.append({**cell._asdict(), "contestants": _cell(bench, found, series, cell)})
        bench.say(f"{count(series)} series, {_form(cell._asdict())}, {cell.scrapers} at a time: done")
    plain = bodies[EXPORTER]["text False"]["body"]
    memory = _memory(bench, found[0], plain) if series == MIDDLE or bench.quick else None
    crowd = next(cell for cell in cells if Cell(cell["form"], cell["compressed"], cell["scrapers"]) == CROWD)
    for each in [each for each in found if each.name not in FAST]:
        crowd["contestants"][each.name] = _median([_turn(each, CROWD)()])
        each.process.end()  # it may go on to render for those that gave up
        bench.say(f"{count(series)} series, {MANY} at a time, {each.name}: done")
    contestants.stop_all(found, bench.folder / str(series))
    return {"cells": cells, "bodies": bodies, "memory": memory}


CROWD: Final = Cell("text", True, MANY)
"""What many ask of those that render, once and at the very end."""


def _cell(bench: Bench, found: list[Contestant], series: int, cell: Cell) -> dict[str, dict[str, Any]]:
    fast = {each.name: _turn(each, cell) for each in found if each.name in FAST}
    slow = {each.name: _turn(each, cell) for each in found if each.name not in FAST}
    answers = interleaved(_rounds(bench, series, cell), fast)
    if cell.scrapers == 1:
        if cell.form == "openmetrics":
            slow = {name: turn for name, turn in slow.items() if name not in WITHOUT_OPENMETRICS}
        answers |= interleaved(1 if bench.quick else 3, slow)
    return {name: _median(turns) for name, turns in answers.items()}


def _rounds(bench: Bench, series: int, cell: Cell) -> int:
    if bench.quick or (series > MIDDLE and cell.scrapers > 1):
        return 1
    return 5 if series == MIDDLE and cell.scrapers == 1 else 3


def _median(turns: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "p50": median([turn["p50"] for turn in turns]),
        "cpu": median([turn["cpu"] for turn in turns]),
        "scrapes": sum(turn["scrapes"] for turn in turns),
        "failures": sum(turn["failures"] for turn in turns),
        "why": next((turn["why"] for turn in turns if turn["why"]), ""),
    }


def _turn(each: Contestant, cell: Cell) -> Callable[[], dict[str, Any]]:
    within = WITHIN if each.name in FAST else 0.0
    patience = PATIENCE if cell.scrapers > 1 else client.TIMEOUT

    def turn() -> dict[str, Any]:
        before = each.process.cpu()
        seen = client.scrape(
            each.urls[cell.form],
            cell.form,
            compressed=cell.compressed,
            scrapers=cell.scrapers,
            within=within,
            timeout=patience,
        )
        good = len(seen.seconds)
        return {
            "p50": median(seen.seconds) if good else float("inf"),
            "cpu": (each.process.cpu() - before) / max(1, good),
            "scrapes": good,
            "failures": len(seen.failures),
            "why": next(iter(seen.failures), ""),
        }

    return turn


def _memory(bench: Bench, exporter: Contestant, body: int) -> Found:
    """How much more memory many readers cost, and how long one is kept that does not read."""
    process, url = exporter.process, exporter.urls["text"]
    publications, cut_off_within = (QUICK_PAUSE, QUICK_PAUSE) if bench.quick else (PUBLICATIONS, CUT_OFF_WITHIN)

    def peak_of(work: Callable[[], object]) -> int:
        process.forget_peak()
        work()
        return process.peak()

    idle = peak_of(lambda: time.sleep(publications))
    reading = peak_of(lambda: client.scrape(url, scrapers=MANY, within=publications))
    bench.say(f"{MANY} readers that do not read")
    began = time.monotonic()
    with ExitStack() as stack:
        stalled = [stack.enter_context(closing(_asked(url))) for _ in range(MANY)]
        held = peak_of(lambda: time.sleep(publications))
        cut = _cut_off(stalled, began, cut_off_within)
    return {"idle": idle, "reading": reading, "stalled": held, "body": body, "cut": cut, "readers": MANY}


def _asked(url: str) -> socket.socket:
    """A connection that asked for a body and has next to no room for it."""
    address = urlsplit(url)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect((address.hostname or "", address.port or 80))
    reader.sendall(f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
    return reader


def _cut_off(stalled: list[socket.socket], began: float, within: float) -> list[float]:
    """Seconds until the server gave each of them up."""
    poll = select.poll()
    for each in stalled:
        poll.register(each, 0)  # a reset connection tells so unasked
    ended: list[float] = []
    while len(ended) < len(stalled) and time.monotonic() - began < within:
        for number, _ in poll.poll(1000):
            poll.unregister(number)
            ended.append(time.monotonic() - began)
    return ended


# What must be reached


def goals(found: Found) -> list[Goal]:
    """At 100,000 series."""
    whole = found["sizes"][found["middle"]]
    plain, compressed = _at(whole, Cell("text", False, 1)), _at(whole, Cell("text", True, 1))
    made = []
    if NGINX_NAME in plain:
        made += [
            _ratio_goal("one scrape, p50, plain", plain, "p50", NGINX_NAME, 1.3),
            _ratio_goal("one scrape, processor time, gzip", compressed, "cpu", NGINX_NAME, 2.0),
        ]
    for name, asked in ((PUSHGATEWAY_NAME, 80), (COLLECTOR, 350)):
        if name in plain:
            ratio = plain[name]["p50"] / plain[EXPORTER]["p50"]
            limit = f"; nginx {times(plain[name]['p50'] / plain[NGINX_NAME]['p50'])}" if NGINX_NAME in plain else ""
            made.append(Goal(f"one scrape, p50, plain, beside {name}", f"at least {asked}× faster",
                             f"{times(ratio)}{limit}", ratio >= asked))  # fmt: skip
    failures = sum(
        cell["contestants"][EXPORTER]["failures"]
        for each in found["sizes"].values()
        for cell in each["cells"]
        if cell["scrapers"] == MANY
    )
    made.append(Goal(f"{MANY} scrapers at a time, all sizes", "none fails", f"{failures} failed", not failures))
    memory = whole["memory"]
    for what, key in ((f"{MANY} scrapers at a time", "reading"), (f"{MANY} readers that do not read", "stalled")):
        growth = max(0, memory[key] - memory["idle"])
        reached = growth <= memory["body"]
        made.append(Goal(f"{what}, memory", f"at most one body more ({size(memory['body'])})", size(growth), reached))
    cut = memory["cut"]
    reached = len(cut) == memory["readers"]
    longest = f"all after {seconds(max(cut))}" if reached else f"{len(cut)} of {memory['readers']}"
    made.append(Goal(f"{MANY} readers that do not read", "all are cut off", longest, reached))
    return made


def _ratio_goal(what: str, cell: dict[str, Any], key: str, other: str, most: float) -> Goal:
    ratio = cell[EXPORTER][key] / cell[other][key]
    return Goal(what, f"at most {most:g}× nginx", times(ratio), ratio <= most)


def _at(whole: Found, wanted: Cell) -> dict[str, Any]:
    found: dict[str, Any] = next(
        cell["contestants"]
        for cell in whole["cells"]
        if all(cell[key] == each for key, each in wanted._asdict().items())
    )
    return found


def _form(cell: dict[str, Any]) -> str:
    return f"{cell['form']}{', gzip' if cell['compressed'] else ''}"


# The page


def section(found: Found) -> str:
    """A table for each size: time and processor time of one scrape, by format, encoding and scrapers."""
    return "\n\n".join(
        (
            "Every contestant has the same series: 60 % lines of histograms, 30 % counters, 10 % gauges, with the "
            "labels that Foundry's routines have; the exporter with a state file that holds them, nginx with the "
            "exporter's own bodies as files (`gzip_static`). The client reads raw sockets into one buffer and is the "
            "same for all. p50 of a scrape, then the server's processor time for it; × is against nginx's p50. "
            f"*{BARE}* shows what the exporter's web server can do at best: an application that does nothing but "
            f"send. {NOTHING} was not measured: Pushgateway and node_exporter have no OpenMetrics. Those that render "
            f"at each scrape answer {MANY} scrapers once, as gzip, and whoever waits longer than {PATIENCE:.0f} s "
            f"gives up, as Prometheus does by default; of {count(max(SIZES))} series they are not asked.",
            *(part for series, whole in found["sizes"].items() for part in _part(series, whole)),
            _memory_section(found["sizes"][found["middle"]]["memory"]),
        )
    )


def _part(series: str, whole: Found) -> Iterator[str]:
    bodies = whole["bodies"][EXPORTER]
    plain, compressed = (bodies[f"text {each}"] for each in (False, True))
    yield (
        f"### {count(int(series))} series\n\n{count(plain['lines'])} lines of samples, {size(plain['body'])} plain, "
        f"{size(compressed['body'])} gzip."
    )
    for scrapers in (1, MANY):
        cells = [cell for cell in whole["cells"] if cell["scrapers"] == scrapers]
        names = list(dict.fromkeys(name for cell in cells for name in cell["contestants"]))
        head = [f"{'one scraper' if scrapers == 1 else f'{scrapers} scrapers at a time'}"]
        head += [_form(cell) for cell in cells]
        yield table(head, ([name, *(_figures(cell["contestants"], name) for cell in cells)] for name in names))


def _figures(cell: dict[str, Any], name: str) -> str:
    if name not in cell:
        return NOTHING
    each = cell[name]
    if not each["scrapes"]:
        return f"failed: {each['why']}"
    ratio = f", {times(each['p50'] / cell[NGINX_NAME]['p50'])}" if NGINX_NAME in cell and name != NGINX_NAME else ""
    failed = f", {each['failures']} of {each['failures'] + each['scrapes']} failed" if each["failures"] else ""
    return f"{seconds(each['p50'])} ({seconds(each['cpu'])} CPU{ratio}{failed})"


def _memory_section(memory: Found) -> str:
    rows = [
        (what, size(memory[key]), size(memory[key] - memory["idle"]))
        for what, key in (
            ("nobody scrapes", "idle"),
            (f"{MANY} scrapers at a time", "reading"),
            (f"{MANY} readers that do not read", "stalled"),
        )
    ]
    return (
        f"### Memory\n\nThe most memory that the exporter held in {PUBLICATIONS:.0f} s, in which it published twice. A "
        f"plain body has {size(memory['body'])}; a reader that does not read is cut off after "
        f"{seconds(max(memory['cut'], default=None))}.\n\n" + table(("", "peak", "more than idle"), rows)
    )
