"""The one place where what went wrong below becomes an error of our tree.

Nothing that came from outside goes into a message, except short tokens: a status, a vendor's error code, the
operating system's and OpenSSL's own words for a failure.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import httpcore
import httpx

from exporter.errors import (
    ConnectFailed,
    Forbidden,
    InvalidResponse,
    NotFound,
    RateLimited,
    ServerFailed,
    TimedOut,
    TlsFailed,
    TooLarge,
    Unauthorized,
    UpstreamError,
)

RETRIED = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses that another try may mend."""

MAPPING: Mapping[type[Exception], type[UpstreamError]] = MappingProxyType(
    {
        httpcore.TimeoutException: TimedOut,
        httpcore.ConnectTimeout: TimedOut,
        httpcore.ReadTimeout: TimedOut,
        httpcore.WriteTimeout: TimedOut,
        httpcore.PoolTimeout: TimedOut,
        httpcore.NetworkError: ConnectFailed,
        httpcore.ConnectError: ConnectFailed,
        httpcore.ReadError: ConnectFailed,
        httpcore.WriteError: ConnectFailed,
        httpcore.ProxyError: ConnectFailed,
        httpcore.ConnectionNotAvailable: ConnectFailed,
        httpcore.ProtocolError: InvalidResponse,
        httpcore.RemoteProtocolError: InvalidResponse,
        httpcore.LocalProtocolError: InvalidResponse,
        httpcore.UnsupportedProtocol: InvalidResponse,
        httpx.HTTPError: ConnectFailed,
        httpx.RequestError: ConnectFailed,
        httpx.TransportError: ConnectFailed,
        httpx.TimeoutException: TimedOut,
        httpx.ConnectTimeout: TimedOut,
        httpx.ReadTimeout: TimedOut,
        httpx.WriteTimeout: TimedOut,
        httpx.PoolTimeout: TimedOut,
        httpx.NetworkError: ConnectFailed,
        httpx.ConnectError: ConnectFailed,
        httpx.ReadError: ConnectFailed,
        httpx.WriteError: ConnectFailed,
        httpx.CloseError: ConnectFailed,
        httpx.ProxyError: ConnectFailed,
        httpx.ProtocolError: InvalidResponse,
        httpx.RemoteProtocolError: InvalidResponse,
        httpx.LocalProtocolError: InvalidResponse,
        httpx.UnsupportedProtocol: InvalidResponse,
        httpx.DecodingError: InvalidResponse,
        httpx.TooManyRedirects: InvalidResponse,
        httpx.HTTPStatusError: InvalidResponse,
        httpx.InvalidURL: InvalidResponse,
    }
)
"""Every failure of a request that httpx and httpcore know. Complete: a test compares it with both packages."""

MISUSE: frozenset[type[Exception]] = frozenset(
    {
        httpx.StreamError,
        httpx.StreamConsumed,
        httpx.StreamClosed,
        httpx.ResponseNotRead,
        httpx.RequestNotRead,
        httpx.CookieConflict,
    }
)
"""What only a mistake of ours can raise: not caught, so that it counts as "internal"."""

FAILURES: tuple[type[Exception], ...] = tuple(MAPPING)

_STATUSES: Mapping[int, type[UpstreamError]] = MappingProxyType(
    {
        401: Unauthorized,
        403: Forbidden,
        404: NotFound,
        407: ConnectFailed,
        408: TimedOut,
        410: NotFound,
        413: TooLarge,
        429: RateLimited,
        507: TooLarge,
    }
)
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_HOST = re.compile(r"[^A-Za-z0-9.:\[\]-]")
_ADVICE: Mapping[type[UpstreamError], str] = MappingProxyType(
    {
        Unauthorized: "expected valid credentials: check the token or key",
        Forbidden: "expected credentials that may read this: check roles and organisation",
        NotFound: "expected it to exist: check the endpoint and the ids",
        RateLimited: "expected fewer requests: raise the interval or lower requests_per_minute",
        TooLarge: "expected less data: the upstream says the answer is too large",
    }
)


def from_exception(error: Exception, where: str, *, peer_closed: bool = False) -> UpstreamError:
    """The error of our tree for one of ``FAILURES``. ``peer_closed``: the other side closed the connection."""
    kind = next(MAPPING[each] for each in type(error).__mro__ if each in MAPPING)
    causes = list(_causes(error))
    tls = next((each for each in causes if isinstance(each, ssl.SSLError)), None)
    if kind is ConnectFailed and tls is not None:
        return TlsFailed(f"{where}: TLS failed ({_tls_words(tls)}), expected a certificate that is trusted here")
    if kind is TimedOut:
        connecting = isinstance(error, (httpcore.ConnectTimeout, httpx.ConnectTimeout))
        return TimedOut(f"{where}: {'no connection' if connecting else 'no complete answer'} in time")
    if kind is InvalidResponse:
        if peer_closed:
            return ConnectFailed(f"{where}: the connection was closed before the answer was complete")
        return InvalidResponse(f"{where}: found no valid HTTP, expected an HTTP/1.1 answer")
    if isinstance(error, (httpcore.ProxyError, httpx.ProxyError)):
        return ConnectFailed(f"{where}: the proxy refused the connection")
    system = next((each for each in causes if isinstance(each, OSError)), None)
    return ConnectFailed(f"{where}: {_system_words(system)}")


def from_status(
    status: int,
    where: str,
    *,
    location: str | None = None,
    code: str | None = None,
    kind: type[UpstreamError] | None = None,
    retry_after: float | None = None,
) -> UpstreamError:
    """The error for a status that is no success. ``kind``: what the platform took it for, which wins."""
    found = f"HTTP {status}" + (f" (code {code})" if code else "")
    if kind is None and 300 <= status < 400:
        return InvalidResponse(
            f"{where}: found {found}, a redirect to {_redirect_host(location)}; redirects are not followed",
            status=status,
        )
    if kind is None:
        kind = _STATUSES.get(status, ServerFailed if 500 <= status < 600 else InvalidResponse)
    advice = _ADVICE.get(kind, "expected HTTP 200")
    return kind(f"{where}: found {found}, {advice}", status=status, retry_after=retry_after)


def retryable(error: UpstreamError) -> bool:
    """May another try mend it? Wrong credentials, bad answers and TLS failures stay as they are."""
    if error.status is not None:
        return error.status in RETRIED and isinstance(error, (TimedOut, ConnectFailed, RateLimited, ServerFailed))
    return isinstance(error, (TimedOut, ConnectFailed))


def vendor_code(body: bytes, secrets: tuple[str, ...] = ()) -> str | None:
    """The error code in an error body, when it is a short token and no part of the credentials that were sent.

    The envelopes met: ``{"error": {"code": ..}}``, ``{"error": {"error_code": ..}}``, ``{"error": "..", "code": ..}``.
    """
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    error = document.get("error")
    held = [error.get("error_code"), error.get("code")] if isinstance(error, dict) else [error]
    for found in (*held, document.get("error_code"), document.get("code")):
        if isinstance(found, str) and _CODE.fullmatch(found) and not any(found in secret for secret in secrets):
            return found
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The chain of causes, without end in a circle."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)[:120]
    return str(getattr(error, "reason", None) or "broken").lower().replace("_", " ")[:120]


def _system_words(error: OSError | None) -> str:
    if error is None:
        return "the connection broke"
    if isinstance(error, socket.gaierror):
        return "the host name was not resolved"
    return (error.strerror or "the connection broke").lower()[:120]


def _redirect_host(location: str | None) -> str:
    try:
        host = httpx.URL(location or "").host
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return "something that is no URL"
    return _HOST.sub("?", host)[:100] if host else "the same host"
