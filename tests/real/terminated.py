"""The program, which SIGTERM meets at a named point: ``python -m tests.real.terminated POINT COUNT ARGUMENTS``."""

from __future__ import annotations

import os
import signal
import sys

from exporter import cli, killpoints


def main(aim: str, count: int, arguments: list[str]) -> int:
    """Run the program; the signal comes when the point is reached for the ``count``-th time, and only then."""
    left = count

    def reached(point: killpoints.Point) -> None:
        nonlocal left
        left -= point == aim
        if point == aim and left == 0:
            os.kill(os.getpid(), signal.SIGTERM)

    killpoints.reached = reached
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
