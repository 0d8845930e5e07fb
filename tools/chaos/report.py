"""The table of a run: a line a life, and what the faults did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tools.chaos.plan import Life
from tools.chaos.truth import Difference

GOOD: Final = "good"
WRONG: Final = "wrong"
UNFINISHED: Final = "not finished"

MOST_WRITTEN_OFF: Final = 20
"""Runs of a strict life. Its upstream tells no number that is far from the truth, so that more than these few were
counted twice by the exporter and then taken back: the comparison alone would not see it."""

UNKNOWN: Final = "?"
"""In the cells of a life that was not lived to its end."""

HEADINGS = (
    "life", "end", "kind", "speed", "kills", "of them aimed", "faults met", "runs counted", "numbers compared",
    "anchors moved", "prunings", "lost", "doubled", "wrong gauges", "fell", "skipped as late", "expired",
    "written off", "log errors",
)  # fmt: skip

SUMMED_FROM: Final = HEADINGS.index("kills")


@dataclass
class Result:
    """How a life went."""

    life: Life
    kills: Counter[str] = field(default_factory=Counter)
    """By named point, or "random"."""
    faults: Counter[str] = field(default_factory=Counter)
    """By name, how many requests each met."""
    runs: int = 0
    compared: int = 0
    moves: int = 0
    """Anchors of windows that were seen moved after a kill."""
    prunings: int = 0
    """Kills after which ids were seen pruned."""
    lost: int = 0
    doubled: int = 0
    wrong_gauges: int = 0
    fell: int = 0
    """Samples of counters that were seen lower than before."""
    late: int = 0
    expired: int = 0
    written_off: int = 0
    stopped_in: float = 0.0
    """Seconds from SIGTERM to the end of the last exporter."""
    differences: list[Difference] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Tracebacks in the exporter's log, processes that ended by themselves."""
    unfinished: list[str] = field(default_factory=list)
    """Why the life was not lived to its end: what it counted by then proves nothing."""

    @property
    def verdict(self) -> str:
        """``GOOD``, ``WRONG``, or ``UNFINISHED`` when nothing is known."""
        if self.fell or self.errors:
            return WRONG
        if self.unfinished:
            return UNFINISHED
        taken_back = self.life.strict and self.written_off > MOST_WRITTEN_OFF
        return WRONG if taken_back or self.lost or self.doubled or self.wrong_gauges or self.differences else GOOD

    @property
    def row(self) -> tuple[str, ...]:
        """Its line."""
        cells = (
            self.life.number, self.verdict, self.life.kind, f"{self.life.speed:g}", self.kills.total(),
            self.kills.total() - self.kills["random"], self.faults.total(), self.runs, self.compared,
            self.moves, self.prunings, *self._compared, self.fell, self.late,
            self.expired, self.written_off, len(self.errors),
        )  # fmt: skip
        return tuple(map(str, cells))

    @property
    def _compared(self) -> tuple[int | str, ...]:
        known = (self.lost, self.doubled, self.wrong_gauges)
        return known if not self.unfinished else tuple(UNKNOWN for _ in known)


def table(seed: int, results: Sequence[Result]) -> str:
    """The lives, their sum, and the faults by kind, as Markdown."""
    rows = [result.row for result in results]
    ends = Counter(result.verdict for result in results)
    sums = (
        sum(int(row[column]) for row in rows if row[column] != UNKNOWN) for column in range(SUMMED_FROM, len(HEADINGS))
    )
    total = ["all", f"{ends[GOOD]} {GOOD}", "", "", *map(str, sums)]
    faults: Counter[str] = Counter()
    kills: Counter[str] = Counter()
    for result in results:
        faults += result.faults
        kills += result.kills
    return "\n".join(
        (
            f"Seed {seed}.",
            "",
            *_aligned([HEADINGS, *rows, tuple(total)]),
            "",
            f"Lives: {ends[GOOD]} {GOOD}, {ends[WRONG]} {WRONG}, {ends[UNFINISHED]} {UNFINISHED}.",
            "",
            "Kills: " + ", ".join(f"{name} {number}" for name, number in kills.most_common()) + ".",
            "",
            f"Longest end after SIGTERM: {max((result.stopped_in for result in results), default=0.0):.1f} s.",
            "",
            f"Requests met by each of {len(faults)} kinds of faults: "
            + ", ".join(f"{name} {number}" for name, number in sorted(faults.items()))
            + ".",
        )
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return [lines[0], "| " + " | ".join("-" * (width - 1) + ":" for width in widths) + " |", *lines[1:]]
