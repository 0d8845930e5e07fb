"""The simulated platforms as a process: ``python -m tools.chaos.upstream --clock START:ORIGIN:SPEED --port N``.

The simulator with two further switches beside its own:

    POST /_chaos/wake    the quiet is over
    POST /_chaos/rest    no run is fired any more
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import get_args

from exporter.signals import Signals
from exporter.simulator import FaultBoard, Platform, Simulator
from exporter.simulator.messages import Request, Response
from exporter.simulator.moderately import Order
from tools.chaos import worlds
from tools.chaos.clock import SharedClock


class Upstream(Simulator):
    """A simulator whose world can be woken and laid to rest."""

    def __init__(self, seed: int, clock: SharedClock, gauges: Sequence[Platform], order: Order = "descending") -> None:
        world = worlds.build(seed, clock)
        super().__init__(world, clock=clock, faults=FaultBoard(seed))
        self.script = worlds.Script(world, clock, gauges=gauges)
        self.script.timeless = order != "none"
        self.moderately.order = order

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        match request.path:
            case "/_chaos/wake":
                self.script.wake()
            case "/_chaos/rest":
                self.script.rest()
            case _:
                self.script.go_on()
                return super().handle(request)
        return Response(payload={"now": self.clock()})


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clock", type=SharedClock.parse, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--keyed-by", choices=("creation", "completion"), default="creation")
    parser.add_argument("--order", choices=get_args(Order), default="descending")
    parser.add_argument("--page-size", type=int)
    parser.add_argument("--open-at-rest", action="append", default=[], help="platform with runs that never end")
    chosen = parser.parse_args(arguments)
    upstream = Upstream(chosen.seed, chosen.clock, chosen.open_at_rest, chosen.order)
    upstream.roboto.keyed_by = upstream.granite.keyed_by = chosen.keyed_by
    upstream.roboto.page_size = chosen.page_size
    with Signals(signal.SIGTERM) as signals, upstream.serve(port=chosen.port):
        signals.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
