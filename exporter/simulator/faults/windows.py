"""Faults of windowed statistics: servers that read the bounds of a window in their own way."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from exporter.simulator.clock import DAY, MICROSECOND, iso, micros
from exporter.simulator.faults.registry import Exchange, fault


@fault("before")
def rounded_windows(exchange: Exchange) -> None:
    """Windows are widened to whole days (UTC)."""
    _rebound(exchange, DAY)


@fault("before")
def inclusive_windows(exchange: Exchange) -> None:
    """The end of a window belongs to it, so that two windows side by side share an instant."""
    parameters = exchange.request.parameters
    if "end_time" in parameters:
        parameters["end_time"] = iso(micros(parameters["end_time"]) + MICROSECOND)
        exchange.request = replace(exchange.request, query=urlencode(parameters))


def _rebound(exchange: Exchange, unit: int) -> None:
    parameters = exchange.request.parameters
    if "start_time" in parameters and "end_time" in parameters:
        parameters["start_time"] = iso(micros(parameters["start_time"]) // unit * unit)
        parameters["end_time"] = iso(-(-micros(parameters["end_time"]) // unit) * unit)
        exchange.request = replace(exchange.request, query=urlencode(parameters))
