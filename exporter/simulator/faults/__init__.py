"""Awkward upstreams by name: each shape in which an answer can be wrong, late, huge or missing.

A fault is a function with a docstring, registered under its own name. It bends the request before the face
sees it, or answers in its place (``before``), or bends the answer (``after``). Faults are switched on a
``FaultBoard``:

    simulator.faults.on("unavailable", platform="foundry", times=3)
    simulator.faults.on("rate_limited", probability=0.1, wait=5)
    with simulator.faults.active("truncated_json", path="/runs"): ...

``catalogue()`` lists all of them with what they do.
"""

from __future__ import annotations

from exporter.simulator.faults import bodies, connections, paging, statuses, times, values, windows
from exporter.simulator.faults.board import FaultBoard, Switch
from exporter.simulator.faults.registry import Exchange, Fault, catalogue

__all__ = [
    "Exchange",
    "Fault",
    "FaultBoard",
    "Switch",
    "bodies",
    "catalogue",
    "connections",
    "paging",
    "statuses",
    "times",
    "values",
    "windows",
]
