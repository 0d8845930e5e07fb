"""The exporter as a process: ``python -m tools.chaos.service --clock START:ORIGIN:SPEED --config FILE --port N``.

What ``automation-exporter run`` starts, with one difference: the world's clock is the one given. Settings, store,
schedule, HTTP client and web server are those of the service.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from exporter import app, logs
from exporter.config import load
from exporter.signals import of_a_service
from exporter.times import ScaledClock
from exporter.web.address import Address
from tools.chaos.clock import SharedClock


def main(arguments: Sequence[str]) -> int:
    """Run the service until a signal ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clock", type=SharedClock.parse, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args(arguments)
    logs.configure("info", "logfmt")
    settings = load(chosen.config, os.environ)
    options = app.Options(
        listen=Address("127.0.0.1", chosen.port), state=settings.state, clock=ScaledClock(chosen.clock)
    )
    with of_a_service() as signals:
        return app.serve(settings, options, signals)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
