"""Faults of windowed statistics: servers that read the bounds of a window in their own way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

from exporter.simulator.clock import DAY, MICROSECOND, SECOND, iso, micros
from exporter.simulator.faults.registry import Exchange, fault
from exporter.simulator.messages import parse_json

STARTS = ("start_time", "start_date")
ENDS = ("end_time", "end_date")


@fault("before")
def rounded_windows(exchange: Exchange) -> None:
    """Windows are widened to whole days (UTC)."""
    rebound(exchange, lambda start: start // DAY * DAY, lambda end: -(-end // DAY) * DAY)


@fault("before")
def inclusive_windows(exchange: Exchange, seconds: float = 0) -> None:
    """The end of a window belongs to it, so that two windows side by side share an instant; or, on a server that knows
    no less than so many seconds, all of them."""
    unit = max(MICROSECOND, round(seconds * SECOND))
    rebound(exchange, lambda start: start // unit * unit, lambda end: end // unit * unit + unit)


def rebound(exchange: Exchange, start: Callable[[int], int], end: Callable[[int], int]) -> None:
    """Have the face answer about another window, wherever the request names its bounds (microseconds)."""
    parameters, body = exchange.request.parameters, parse_json(exchange.request.body)
    for named in (parameters, body if isinstance(body, dict) else {}):
        for names, change in ((STARTS, start), (ENDS, end)):
            for name in names:
                if isinstance(named.get(name), str):
                    named[name] = iso(change(micros(named[name])))
    content = exchange.request.body if body is None else json.dumps(body).encode()
    exchange.request = replace(exchange.request, query=urlencode(parameters), body=content)
