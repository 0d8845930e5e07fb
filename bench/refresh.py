"""Refresh: from totals that a poll changed to bytes that are ready, beside one scrape of prometheus_client."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from itertools import product
from random import Random
from typing import Final

from prometheus_client import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from bench.kit import rivals
from bench.kit.population import (
    BORN,
    SERIES_OF_RUN,
    Population,
    everything_moves,
    exemplars_everywhere,
    population,
    runs_ended,
)
from bench.kit.rounds import Cost, cost, interleaved, median_cost
from bench.kit.script import Bench, Found, Goal
from bench.kit.state import in_memory
from bench.kit.tables import count, seconds, size, table, times
from bench.kit.tools import Tool
from exporter.exposition import Format, Snapshot
from exporter.exposition import lines as kept_lines
from exporter.garbage import collect_less
from exporter.publisher import Publisher
from exporter.selfmetrics import SelfMetrics
from exporter.target import Target
from exporter.times import DAY, SystemClock

TITLE: Final = "Refresh"
ORDER: Final = 30
TOOLS: Final[tuple[Tool, ...]] = ()

ROUNDS: Final = 9
FORMATS: Final[tuple[Format, ...]] = ("text", "openmetrics")
CLIENT: Final = "prometheus_client, one scrape of a custom collector"
CLIENT_GZIP: Final = "the same, with its gzip"
POLL, POLLS, ONE = "a poll of one target of ten", "polls of all ten", "a poll, all series in one target"
CHANGED: Final = "1 % changed, "
ALL: Final = "everything changed, "
FOUR: Final = "; all four forms"
EXEMPLARS: Final = "; an exemplar in every bucket"


class _Published:
    """A population with its snapshot, as the service keeps it."""

    def __init__(self, members: Population, bench: Bench, *, every_form: bool = False, exemplars: bool = False) -> None:
        """With ``every_form`` all four are asked for all the time, else what Prometheus asks for.

        With ``exemplars`` there are as many as there can be, else those of the runs that end.
        """
        folder = bench.folder / f"{members.targets}-targets{'-all' * every_form}{'-exemplars' * exemplars}"
        folder.mkdir()
        self._members = members
        self._random = Random(1)
        self._snapshot = Snapshot()
        self._publisher = Publisher(self._snapshot, SelfMetrics(), SystemClock())
        self._forms: list[tuple[Format, bool]] = list(product(FORMATS, (False, True))) if every_form else []
        self.targets = in_memory(members, folder)
        if exemplars:
            for target in self.targets:
                target.ledger.apply(exemplars_everywhere(target.ledger.series))
        self.refresh()

    def refresh(self) -> None:
        """Render what changed, and publish it."""
        for target in self.targets:
            if target.ledger.dirty or not target.rendered:
                self._publisher.refresh(target)
        self._publisher.publish(force=True)
        current = self._snapshot.current
        for form, compressed in self._forms:
            if current is not None:
                current.ready(form, gzip=compressed)  # the next publication makes it

    def runs_end(self, targets: list[Target]) -> None:
        """Runs end in these targets, so many that 1 % of all series change."""
        each = max(1, round(self._members.series / 100 / SERIES_OF_RUN / len(targets)))
        for target in targets:
            names = self._members.names()
            chosen = self._random.sample(names, min(len(names), each))
            at = BORN + self._random.randrange(30 * DAY)
            target.ledger.apply(runs_ended(target.ledger.series, chosen, self._random, at))

    def everything_moves(self) -> None:
        """Every series rises, and no run has been seen yet, as after a start."""
        for target in self.targets:
            target.ledger.exemplars.clear()
            target.ledger.apply(everything_moves(target.ledger.series, target.ledger.marks))

    def some_target(self) -> list[Target]:
        """One of them."""
        return [self._random.choice(self.targets)]

    def measured(self, change: Callable[[], object]) -> Callable[[], Cost]:
        """What a refresh costs after ``change``, which costs nothing here."""

        def once() -> Cost:
            change()
            return cost(self.refresh)

        return once

    def facts(self) -> Found:
        """How large the bodies are; strict parsers read them whole first."""
        current = self._snapshot.current
        if current is None:
            raise RuntimeError("nothing was published")
        lines, again = (
            [len(family.samples) for family in parse(body.decode())]
            for parse, body in ((parse_text, current.text), (parse_openmetrics, current.openmetrics))
        )
        if lines != again or gzip.decompress(current.text_gzip) != current.text:
            raise RuntimeError("the bodies of one publication differ")
        return {"lines": sum(lines), "text": len(current.text), "text_gzip": len(current.text_gzip)}


def measure(bench: Bench) -> Found:
    """Refreshes of three shapes, and the library's scrapes, in turn."""
    series = 2_000 if bench.quick else 100_000
    many = _Published(population(series, targets=10), bench)
    single = _Published(population(series, targets=1), bench)
    four = _Published(population(series, targets=10), bench, every_form=True)
    marked = _Published(population(series, targets=10), bench, exemplars=True)
    registry = rivals.custom_collector(rivals.tables(many.targets))
    collect_less()  # as the service does once it has loaded everything
    contestants: dict[str, Callable[[], Cost]] = {
        CLIENT: lambda: cost(lambda: generate_latest(registry)),
        CLIENT_GZIP: lambda: cost(lambda: gzip.compress(generate_latest(registry))),
        CHANGED + POLL: many.measured(lambda: many.runs_end(many.some_target())),
        CHANGED + POLLS: many.measured(lambda: many.runs_end(many.targets)),
        CHANGED + ONE: single.measured(lambda: single.runs_end(single.targets)),
        CHANGED + POLL + FOUR: four.measured(lambda: four.runs_end(four.some_target())),
        CHANGED + POLLS + FOUR: four.measured(lambda: four.runs_end(four.targets)),
        CHANGED + POLL + EXEMPLARS: marked.measured(lambda: marked.runs_end(marked.some_target())),
        CHANGED + POLLS + EXEMPLARS: marked.measured(lambda: marked.runs_end(marked.targets)),
        ALL + POLLS: many.measured(many.everything_moves),
        ALL + ONE: single.measured(single.everything_moves),
        ALL + POLLS + FOUR: four.measured(four.everything_moves),
    }
    answers = interleaved(2 if bench.quick else ROUNDS, contestants)
    costs = {name: median_cost(each)._asdict() for name, each in answers.items()}
    return {"costs": costs, "bodies": many.facts(), "series": series, "library": library()}


def library() -> str:
    """Name what compresses."""
    name: str = vars(kept_lines)["zlib"].__name__
    return name


def goals(found: Found) -> list[Goal]:
    """How many times cheaper than a scrape of the library."""
    made = []
    for name in found["costs"]:
        if name not in (CLIENT, CLIENT_GZIP):
            asked = 60 if name.startswith(CHANGED) else 20
            ratio = _ratio(found, name)
            said = f"at least {asked}× cheaper than a scrape of prometheus_client's custom collector"
            made.append(Goal(f"refresh, {name}", said, times(ratio), ratio >= asked))
    return made


def section(found: Found) -> str:
    """The table."""
    bodies = found["bodies"]
    rows = [
        (name, seconds(each["cpu"]), seconds(each["wall"]), times(_ratio(found, name)))
        for name, each in found["costs"].items()
    ]
    return f"""\
From committed totals to ready bytes of {count(bodies["lines"])} series ({size(bodies["text"])} of text,
{size(bodies["text_gzip"])} as gzip by `{found["library"]}`). Forms that nobody scrapes are not made: the first rows are
with one Prometheus, which asks for OpenMetrics as gzip, those with *all four forms* with scrapers of text and
OpenMetrics, plain and gzip. The library's scrape makes one plain form. Runs end in some workloads, so that 1 % of all
series change: where one ends, three histograms, three counters and two times move. Processor time is what the ratio is
made of.

{table(("work", "processor time", "by the clock", "cheaper than the scrape"), rows)}"""


def _ratio(found: Found, name: str) -> float:
    costs = found["costs"]
    ratio: float = costs[CLIENT]["cpu"] / costs[name]["cpu"]
    return ratio
