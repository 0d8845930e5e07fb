"""The command: ``python -m tools.chaos --lives 20 --kills 50 --parallel 2 --seed 1``, or ``./run chaos``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tools.chaos.life import live
from tools.chaos.plan import plan
from tools.chaos.processes import kill_all
from tools.chaos.report import GOOD, Result, table
from tools.chaos.worlds import PLATFORMS

SHOWN: Final = 12


def main(arguments: Sequence[str]) -> int:
    """Live all lives; 1 when something was lost, doubled or wrong, or a life was not lived to its end."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--lives", type=int, default=2, help="how many; default: 2")
    parser.add_argument("--kills", type=int, default=10, help="of each life; default: 10")
    parser.add_argument("--parallel", type=int, default=2, help="lives at a time; default: 2")
    parser.add_argument("--seed", type=int, default=1, help="decides everything; default: 1")
    parser.add_argument("--first", type=int, default=0, help="number of the first life, to repeat one; default: 0")
    parser.add_argument("--platforms", default=",".join(PLATFORMS), help=f"default: {','.join(PLATFORMS)}")
    parser.add_argument("--folder", type=Path, help="where lives with mistakes leave their logs and states")
    chosen = parser.parse_args(arguments)
    platforms = tuple(chosen.platforms.split(","))
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    began = time.monotonic()

    def one(number: int) -> Result:
        result = live(plan(chosen.seed, number, chosen.kills, platforms), platforms, folder / f"life-{number}")
        _tell(result, folder)
        return result

    with ThreadPoolExecutor(chosen.parallel) as pool:
        results = list(pool.map(one, range(chosen.first, chosen.first + chosen.lives)))
    print(table(chosen.seed, results))
    print(f"\n{time.monotonic() - began:.0f} s")
    if all(result.verdict == GOOD for result in results):
        if chosen.folder is None:
            folder.rmdir()
        return 0
    return 1


def _tell(result: Result, folder: Path) -> None:
    told = f"{result.verdict}, {result.kills.total()} kills, {result.runs} runs"
    print(f"life {result.life.number}: {told}", file=sys.stderr, flush=True)
    for line in [*result.errors, *result.unfinished, *map(str, result.differences[:SHOWN])]:
        print(f"  {line}", file=sys.stderr)
    if len(result.differences) > SHOWN:
        print(f"  and {len(result.differences) - SHOWN} more", file=sys.stderr)
    if result.verdict != GOOD:
        print(f"  see {folder}/life-{result.life.number}", file=sys.stderr)


def _stop(number: int, frame: object) -> None:
    """On Ctrl-C or SIGTERM nothing is left behind but the folder."""
    del frame
    kill_all()
    os._exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main(sys.argv[1:]))
