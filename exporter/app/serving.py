"""The service as a process: runs until a signal ends it, reads the configuration anew when one asks for it."""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import FrameType

from exporter.app.options import Options
from exporter.app.service import Service
from exporter.config import Settings
from exporter.errors import ConfigError

log = logging.getLogger(__name__)


def serve(settings: Settings, options: Options) -> int:
    """Run until SIGTERM or SIGINT; return the exit code. SIGHUP reads the configuration anew."""
    service = Service(settings, options)
    ask = _Asked()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask)
    service.start()
    while not ask.wait():
        try:
            service.reload()
        except ConfigError:
            log.info("the configuration read before stays in use")
    log.info("stopping")
    if not service.stop():
        logging.shutdown()
        os._exit(0)  # a thread that hangs in the system must not hold the exit: everything is committed
    return 0


class _Asked:
    """What signals asked for."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._stop = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._stop = self._stop or number != signal.SIGHUP
        self._event.set()

    def wait(self) -> bool:
        """Wait for a signal; return True to stop, False to reload."""
        self._event.wait()
        self._event.clear()
        return self._stop
