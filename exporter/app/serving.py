"""The service as a process: runs until a signal ends it, reads the configuration anew when one asks for it."""

from __future__ import annotations

import logging
import os

from exporter.app.options import Options
from exporter.app.service import Service
from exporter.config import Settings
from exporter.errors import ConfigError
from exporter.runner import places
from exporter.signals import STOPPING, Signals

log = logging.getLogger(__name__)


def serve(settings: Settings, options: Options, signals: Signals) -> int:
    """Run until one of ``STOPPING`` comes; return the exit code. Any other signal reads the configuration anew."""
    service = Service(settings, options)
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
