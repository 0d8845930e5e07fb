"""The command: ``python -m tools.soak --days 160 --seed 1 --picture docs/pictures/soak.svg``, or ``./run soak``."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools.soak.picture import draw
from tools.soak.running import Day, soak
from tools.soak.verdict import wrong
from tools.soak.worlds import Course


def main(arguments: Sequence[str]) -> int:
    """Run a soak; 1 when something grows or is wrong."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    usual = Course()
    parser.add_argument("--days", type=int, default=usual.days, help=f"simulated days; default: {usual.days}")
    parser.add_argument(
        "--forget-after", type=int, default=usual.forget_after, help=f"days; default: {usual.forget_after}"
    )
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--picture", type=Path, help="where the drawing goes")
    chosen = parser.parse_args(arguments)
    course = Course(days=chosen.days, forget_after=chosen.forget_after)
    logging.disable(logging.WARNING)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        for done in soak(chosen.seed, course, Path(folder) / "state.db", _tell):
            found = wrong(done)
            if chosen.picture is not None:
                chosen.picture.write_text(draw(done.days, course.forget_after), encoding="utf-8")
    for sentence in found:
        print(sentence)
    print(f"{course.days} days in {time.monotonic() - began:.0f} s: {'WRONG' if found else 'good'}")
    return 1 if found else 0


def _tell(day: Day) -> None:
    if day.day % 10 == 0:
        print(
            f"day {day.day:4}: {day.memory / (1 << 20):6.1f} MiB in memory, {day.state / (1 << 10):7.0f} KiB of state, "
            f"{day.series} series, {day.workloads} workloads",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
