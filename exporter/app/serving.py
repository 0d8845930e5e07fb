"""The service as a process: runs until a signal ends it, reads the configuration anew when one asks for it."""

from __future__ import annotations

import logging
import os
import signal
from typing import Final

from exporter.app.options import Options
from exporter.app.service import Service
from exporter.config import Settings
from exporter.errors import ConfigError
from exporter.runner import places
from exporter.signals import Signals

log = logging.getLogger(__name__)

STOPPING: Final = frozenset({signal.SIGTERM, signal.SIGINT})


def serve(settings: Settings, options: Options) -> int:
    """Run until SIGTERM or SIGINT; return the exit code. SIGHUP reads the configuration anew."""
    service = Service(settings, options)
    with Signals(*STOPPING, signal.SIGHUP) as signals:
        service.start()
        while STOPPING.isdisjoint(signals.wait()):
            try:
                service.reload()
            except ConfigError:
                pass  # what was in use goes on, and the log says what is wrong
            except Exception as error:  # noqa: BLE001  a bug of ours must not end the service
                kind = type(error).__name__
                log.error("reload failed unexpectedly: %s", kind, extra={"traceback": places(error)})  # noqa: TRY400
        log.info("stopping")
        if not service.stop():
            logging.shutdown()
            os._exit(0)  # a thread that hangs in the system must not hold the exit: everything is committed
    return 0
