"""``docs/performance.md``, written whole from the results that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bench.kit import results
from bench.kit.results import Result
from bench.kit.script import Goal, Script, scripts
from bench.kit.tables import table

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PATH: Final = ROOT / "docs" / "performance.md"

_WHY: Final[Mapping[str, str]] = {
    "Scrape": "0015-what-a-refresh-costs.md",
    "Scrape under load": "0015-what-a-refresh-costs.md",
    "Refresh": "0015-what-a-refresh-costs.md",
    "Ingest": "0014-what-is-done-once-a-page.md",
    "Footprint": "0016-many-targets-in-one-small-process.md",
}
"""The record that shows the limit where a part does not reach what was asked."""

_INTRODUCTION: Final = """\
<!-- written by ./run bench --write from bench/results/; do not edit -->
# Performance

How fast the exporter is, beside what else one could use, measured by [bench/](../bench/). `./run bench` repeats it on
your machine and writes this page; `./run bench NAME` repeats one part of it.

Contestants take turns in interleaved rounds on one machine, over loopback, and a figure is the median of the rounds.
Trust the ratios: absolute times are those of this machine. Nothing here is a timed test in CI."""


def page(folder: Path = results.FOLDER) -> str:
    """The whole text."""
    known = scripts()
    kept = {name: result for name in known if (result := results.load(name, folder)) is not None}
    parts = [_INTRODUCTION]
    if kept:
        parts += ["## What was asked, and what was reached", _summary(known, kept)]
    parts += [part for name, result in kept.items() for part in _section(known[name], result)]
    parts += [f"Not measured yet: {name}." for name in known if name not in kept]
    return "\n\n".join(parts) + "\n"


def _summary(known: Mapping[str, Script], kept: Mapping[str, Result]) -> str:
    rows: list[tuple[str, ...]] = []
    for name, script in known.items():
        if name in kept:
            rows += [_row(script.TITLE, goal) for goal in script.goals(kept[name].found)]
    return table(("part", "what", "asked", "measured", "reached"), rows)


def _row(title: str, goal: Goal) -> tuple[str, ...]:
    anchor = title.lower().replace(" ", "-")
    no = f"**no**, [why](decisions/{_WHY[title]})" if title in _WHY else "**no**"
    return f"[{title}](#{anchor})", goal.what, goal.asked, goal.measured, "yes" if goal.reached else no


def _section(script: Script, result: Result) -> Iterator[str]:
    yield f"## {script.TITLE}"
    yield script.section(result.found)
    for sentence in result.skipped:
        yield f"Left out: {sentence}."
    machine = result.machine
    on = f"{machine['processor']}; {machine['memory']}; {machine['system']}; {machine['python']}"
    noise = f" Other work ran beside it: {result.busy}." if result.busy else ""
    yield f"*`./run bench {result.script}`, {result.measured}. {on}.{noise}*"
