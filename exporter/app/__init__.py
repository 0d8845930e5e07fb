"""The composition root: from settings to a running service, or to one poll of everything.

targets.py     settings -> targets: platform, client, budget, ledger
service.py     the service: store, schedule, web, start and stop
fleet.py       its targets: put in, polled, taken out
configured.py  the configuration in use, and reading it anew; reload.py: what that changes
serving.py     the service as a process: signals
once.py        ``once``: one poll of every target, and what it saw
status.py      what the status page shows; runs.py: of runs
probe.py       ``check-config --probe``
watch.py       sees that the configuration file changed
upkeep.py      what the state commands print
"""

from __future__ import annotations

from exporter.app.once import once
from exporter.app.options import Once, Options
from exporter.app.service import Service
from exporter.app.serving import serve

__all__ = ["Once", "Options", "Service", "once", "serve"]
