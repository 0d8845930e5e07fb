"""The one mapping: complete for httpx and httpcore, right for each status, silent about content."""

from __future__ import annotations

import inspect
import socket
import ssl

import httpcore
import httpx
import pytest

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
from exporter.http.failure import MAPPING, MISUSE, from_exception, from_status, retryable, vendor_code

WHERE = "GET https://api.example.com:443/v1/x"


def exceptions_of(package: object) -> set[type[Exception]]:
    return {
        value
        for name, value in vars(package).items()
        if inspect.isclass(value) and issubclass(value, Exception) and not name.startswith("_")
    }


@pytest.mark.parametrize("package", [httpx, httpcore])
def test_every_exception_of_the_libraries_has_its_place(package: object) -> None:
    """A new class in httpx or httpcore must be mapped, or be named as a mistake of ours."""
    found = exceptions_of(package)
    assert len(found) > 10
    assert found <= set(MAPPING) | MISUSE


def test_no_exception_is_mapped_and_named_as_misuse() -> None:
    """One or the other."""
    assert not set(MAPPING) & MISUSE


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


REFUSED = ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (httpcore.ConnectTimeout(), TimedOut, "no connection in time"),
        (httpx.ConnectTimeout(""), TimedOut, "no connection in time"),
        (httpcore.ReadTimeout(), TimedOut, "no complete answer in time"),
        (httpcore.PoolTimeout(), TimedOut, "no complete answer in time"),
        (caused(httpcore.ConnectError(), REFUSED), ConnectFailed, "connection refused"),
        (caused(httpcore.ConnectError(), socket.gaierror(-2, "x")), ConnectFailed, "the host name was not resolved"),
        (httpcore.ReadError(), ConnectFailed, "the connection broke"),
        (httpcore.ProxyError("hidden-value"), ConnectFailed, "the proxy refused the connection"),
        (
            httpcore.RemoteProtocolError("hidden-value"),
            InvalidResponse,
            "found no valid HTTP, expected an HTTP/1.1 answer",
        ),
        (httpx.InvalidURL("hidden-value"), InvalidResponse, "found no valid HTTP, expected an HTTP/1.1 answer"),
        (
            caused(httpcore.ConnectError(), ssl.SSLError(1, "x")),
            TlsFailed,
            "TLS failed (broken), expected a certificate that is trusted here",
        ),
    ],
)
def test_exceptions(error: Exception, kind: type[UpstreamError], words: str) -> None:
    """Kind and words; what the library says is not repeated."""
    found = from_exception(error, WHERE)
    assert type(found) is kind
    assert str(found) == f"{WHERE}: {words}"


def test_a_connection_closed_too_early_is_no_bad_http() -> None:
    """h11 reports both alike; the socket knows better."""
    found = from_exception(httpcore.RemoteProtocolError("x"), WHERE, peer_closed=True)
    assert type(found) is ConnectFailed
    assert str(found) == f"{WHERE}: the connection was closed before the answer was complete"


def test_a_circle_of_causes_ends() -> None:
    """Python allows it, so we survive it."""
    first, second = httpcore.ReadError(), OSError()
    first.__cause__, second.__cause__ = second, first
    assert type(from_exception(first, WHERE)) is ConnectFailed


@pytest.mark.parametrize(
    ("status", "kind", "again"),
    [
        (304, InvalidResponse, False),
        (400, InvalidResponse, False),
        (401, Unauthorized, False),
        (403, Forbidden, False),
        (404, NotFound, False),
        (407, ConnectFailed, False),
        (408, TimedOut, True),
        (410, NotFound, False),
        (413, TooLarge, False),
        (418, InvalidResponse, False),
        (422, InvalidResponse, False),
        (429, RateLimited, True),
        (500, ServerFailed, True),
        (501, ServerFailed, False),
        (502, ServerFailed, True),
        (503, ServerFailed, True),
        (504, ServerFailed, True),
        (505, ServerFailed, False),
        (507, TooLarge, False),
        (599, ServerFailed, False),
        (999, InvalidResponse, False),
    ],
)
def test_statuses(status: int, kind: type[UpstreamError], again: bool) -> None:
    """What each means, and whether another try may mend it."""
    error = from_status(status, WHERE)
    assert type(error) is kind
    assert error.status == status
    assert f"found HTTP {status}" in str(error)
    assert retryable(error) is again


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (TimedOut("x"), True),
        (ConnectFailed("x"), True),
        (TlsFailed("x"), False),
        (InvalidResponse("x"), False),
        (TooLarge("x"), False),
        (RateLimited("x"), False),
        (Unauthorized("x", status=503), False),
    ],
)
def test_failures_without_status(error: UpstreamError, again: bool) -> None:
    """A broken connection may be tried again; our own budget's refusal may not."""
    assert retryable(error) is again


def test_messages_of_statuses() -> None:
    """What was found, where, what would be right."""
    assert str(from_status(401, WHERE, code="expired")) == (
        f"{WHERE}: found HTTP 401 (code expired), expected valid credentials: check the token or key"
    )
    assert str(from_status(500, WHERE)) == f"{WHERE}: found HTTP 500, expected HTTP 200"
    assert type(from_status(403, WHERE, kind=Unauthorized)) is Unauthorized


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://login.example/path?token=hidden-value", "login.example"),
        ("/elsewhere?token=hidden-value", "the same host"),
        (None, "the same host"),
        ("https://[::1", "something that is no URL"),
        ("https://a\nb/", "something that is no URL"),
        ("https://" + "a" * 300 + ".example/", "a" * 100),
    ],
)
def test_a_redirect_names_its_host_only(location: str | None, shown: str) -> None:
    """Redirects are not followed: the credentials would go along."""
    error = from_status(302, WHERE, location=location)
    assert str(error) == f"{WHERE}: found HTTP 302, a redirect to {shown}; redirects are not followed"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error": {"code": "TooManyRequests", "message": "hidden"}}', "TooManyRequests"),
        (
            b'{"error": {"error_code": "RobotoInvalidRequestException", "message": "x"}}',
            "RobotoInvalidRequestException",
        ),
        (b'{"error": "unauthorized", "message": "x", "code": 401}', "unauthorized"),
        (b'{"error": {"code": null, "message": "x"}}', None),
        (b'{"message": "User is not authorized"}', None),
        (b'{"error": {"code": "two words"}}', None),
        (b'{"error": {"code": "' + b"a" * 65 + b'"}}', None),
        (b'{"error": {"code": "line\\nbreak"}}', None),
        (b'{"error": {"code": "example-token"}}', None),
        (b'{"error": {"code": {"a": 1}}, "code": "E7"}', "E7"),
        (b"[]", None),
        (b"<html>", None),
        (b"", None),
        (b"[" * 100_000, None),
        (b"\xff\xfe", None),
    ],
)
def test_vendor_codes(body: bytes, code: str | None) -> None:
    """Only a short token counts, and never one that is part of the credentials."""
    assert vendor_code(body, ("Bearer example-token",)) == code
