"""Faults of the status: refusals, failures of the server, redirects."""

from __future__ import annotations

from typing import Literal

from exporter.simulator.clock import SECOND, http_date
from exporter.simulator.faults.registry import Exchange, fault
from exporter.simulator.messages import Response

HTML_ERROR = b"<html><head><title>Error</title></head><body><h1>Bad gateway</h1></body></html>"


@fault("before")
def wrong_token(exchange: Exchange) -> None:
    """The credentials are refused, in the vendor's words (Roboto's gateway says 403)."""
    exchange.short(exchange.face.error(401))


@fault("before")
def unauthorized(exchange: Exchange) -> None:
    """401 in the vendor's envelope."""
    exchange.short(exchange.face.error(401, "The credentials are not valid"))


@fault("before")
def forbidden(exchange: Exchange) -> None:
    """403 in the vendor's envelope: known, but not permitted."""
    exchange.short(exchange.face.error(403))


@fault("before")
def gateway_deny(exchange: Exchange) -> None:
    """403 from an API gateway, which is how a bad or expired token can surface."""
    message = "User is not authorized to access this resource with an explicit deny"
    exchange.short(Response(403, {"Message": message}))


@fault("before")
def not_found(exchange: Exchange) -> None:
    """404 in the vendor's envelope."""
    exchange.short(exchange.face.error(404))


@fault("before")
def rate_limited(
    exchange: Exchange,
    form: Literal["seconds", "date", "retry-after-ms", "x-ms-retry-after-ms", "none"] = "seconds",
    wait: float = 1,
) -> None:
    """429; ``form`` says how ``wait`` (seconds) is announced."""
    response = exchange.face.error(429)
    match form:
        case "seconds":
            response.headers["Retry-After"] = f"{wait:g}"
        case "date":
            response.headers["Retry-After"] = http_date(exchange.now + round(wait * SECOND))
        case "none":
            pass
        case name:
            response.headers[name] = str(round(wait * 1000))
    exchange.short(response)


@fault("before")
def server_error(exchange: Exchange) -> None:
    """500 in the vendor's envelope."""
    exchange.short(exchange.face.error(500))


@fault("before")
def bad_gateway(exchange: Exchange) -> None:
    """502 with HTML from a proxy."""
    exchange.short(Response(502, body=HTML_ERROR, headers={"Content-Type": "text/html"}))


@fault("before")
def unavailable(exchange: Exchange, wait: float | None = None) -> None:
    """503 in the vendor's envelope, with ``Retry-After`` if ``wait`` (seconds) is given."""
    response = exchange.face.error(503)
    if wait is not None:
        response.headers["Retry-After"] = f"{wait:g}"
    exchange.short(response)


@fault("before")
def gateway_timeout(exchange: Exchange) -> None:
    """504 with an empty body."""
    exchange.short(Response(504, body=b""))


@fault("before")
def response_too_large(exchange: Exchange) -> None:
    """507: the window has to be split (Roboto)."""
    exchange.short(exchange.face.error(507))


@fault("before")
def redirect(exchange: Exchange, location: str = "https://other.invalid/elsewhere") -> None:
    """302 to another origin."""
    exchange.short(Response(302, body=b"", headers={"Location": location}))
