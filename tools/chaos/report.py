"""The table of a run: a line a life, and what the faults did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tools.chaos.plan import Life
from tools.chaos.truth import Difference

HEADINGS = (
    "life", "kind", "speed", "kills", "of them aimed", "faults met", "runs counted", "numbers compared",
    "anchors moved", "prunings", "lost", "doubled", "wrong gauges", "fell", "skipped as late", "expired",
    "written off", "log errors",
)  # fmt: skip


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
    """Tracebacks in the log, processes that ended by themselves, a life that was not lived to its end."""

    @property
    def wrong(self) -> bool:
        """Whether anything was not as it must be."""
        return bool(self.lost or self.doubled or self.wrong_gauges or self.fell or self.errors or self.differences)

    @property
    def row(self) -> tuple[str, ...]:
        """Its line."""
        cells = (
            self.life.number, self.life.kind, f"{self.life.speed:g}", self.kills.total(),
            self.kills.total() - self.kills["random"], self.faults.total(), self.runs, self.compared,
            self.moves, self.prunings, self.lost, self.doubled, self.wrong_gauges, self.fell, self.late,
            self.expired, self.written_off, len(self.errors),
        )  # fmt: skip
        return tuple(map(str, cells))


def table(seed: int, results: Sequence[Result]) -> str:
    """The lives, their sum, and the faults by kind, as Markdown."""
    rows = [result.row for result in results]
    total = ["all", "", "", *(str(sum(int(row[column]) for row in rows)) for column in range(3, len(HEADINGS)))]
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
