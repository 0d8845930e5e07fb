"""Faults of the connection: it is refused, silent, slow or cut."""

from __future__ import annotations

from exporter.simulator.faults.registry import Exchange, fault
from exporter.simulator.messages import Response


@fault("before")
def connection_refused(exchange: Exchange) -> None:
    """Nobody is there. (The server cannot refuse for one platform: it takes the request and resets.)"""
    exchange.short(Response(delivery="refuse"))


@fault("before")
def connect_timeout(exchange: Exchange, seconds: float = 3600) -> None:
    """Nobody answers the handshake. (The server cannot do that for one platform: it takes the request, in silence.)"""
    exchange.short(Response(delivery="swallow", delay=seconds))


@fault("after")
def read_timeout(exchange: Exchange, seconds: float = 3600) -> None:
    """The request is taken, and no answer comes for that long."""
    exchange.response.delivery = "hang"
    exchange.response.delay = seconds


@fault("after")
def dripped_headers(exchange: Exchange, seconds: float = 0.5) -> None:
    """The header comes a byte at a time, so that no single read ever times out."""
    exchange.response.delivery = "drip_headers"
    exchange.response.delay = seconds


@fault("after")
def slow_body(exchange: Exchange, seconds: float = 0.5) -> None:
    """The header comes at once, the body a few bytes at a time."""
    exchange.response.delivery = "drip_body"
    exchange.response.delay = seconds


@fault("after")
def connection_reset(exchange: Exchange) -> None:
    """The connection is reset in the middle of the body."""
    exchange.response.delivery = "reset"
