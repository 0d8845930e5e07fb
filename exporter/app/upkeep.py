"""The ``state`` commands: what they do to a state file, and what they print."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final, TextIO

from exporter.platforms.fields import format_size
from exporter.store.connection import SCHEMA_VERSION
from exporter.store.upkeep import StateFacts, back_up, describe, forget, rename_target, verify
from exporter.times import Micros, to_datetime

_HEADINGS: Final = ("target", "last used", "baseline", "fresh to", "runs", "open", "workloads", "series", "ids", "of")


def run(chosen: argparse.Namespace, now: Micros, out: TextIO) -> bool:
    """Do what was chosen on the command line; return whether anything is wrong. Raises StateError."""
    problems: list[str] = []
    match chosen.command:
        case "state info":
            out.write(described(describe(chosen.file)))
            return False
        case "state verify":
            problems = verify(chosen.file)
            done = str(chosen.file)
        case "state backup":
            back_up(chosen.file, chosen.to)
            done = f"{chosen.file} was copied to {chosen.to}"
        case "state rename-target":
            rename_target(chosen.file, chosen.old, chosen.new, now)
            done = f"{chosen.old} is {chosen.new} now; rename it in the configuration too"
        case "state forget":
            forget(chosen.file, chosen.names, now)
            done = f"{', '.join(chosen.names)} forgotten; configured again, counting begins anew with the first poll"
        case command:
            raise ValueError(command)
    out.write("".join(f"{line}\n" for line in problems or [f"ok: {done}"]))
    return bool(problems)


def described(facts: StateFacts) -> str:
    """Return what a state is and holds, as lines for people."""
    lines = [
        f"state    {facts.path}",
        f"size     {_size(facts.size)}{f' and {_size(facts.journal)} in its journal (-wal)' if facts.journal else ''}",
        f"schema   {facts.schema} (this version's is {SCHEMA_VERSION})",
        f"begun    {_time(facts.created_at)}",
        *(f"copy     {copy}" for copy in facts.copies),
        "",
    ]
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for target in facts.targets:
        times = (_time(target.used_at), _time(target.baseline_at), _time(target.data_at))
        numbers = (target.runs, target.open_runs, target.workloads, target.series, target.ids)
        rows.append((target.name, *times, *map(str, numbers), target.identity))
    return "\n".join([*lines, *aligned(rows)]) + "\n"


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows of a table with their columns below each other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _size(size: int) -> str:
    return format_size(size) if size < 1024 else format_size(size - size % (1024 if size < 10 * 1024**2 else 1024**2))


def _time(moment: Micros | None) -> str:
    return "-" if moment is None else to_datetime(moment).isoformat(timespec="seconds").replace("+00:00", "Z")
