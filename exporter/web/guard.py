"""What stands before every endpoint when there is a web configuration: rate limit, headers, authentication.

In this order, as in the exporter toolkit. What is refused is answered with a short page and all the headers.
"""

from __future__ import annotations

import asyncio
import math
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.web.authentication import Busy, Login, Logins, login_of
from exporter.web.configuration import WebConfiguration, WebSettings
from exporter.web.headers import SECURITY_HEADERS
from exporter.web.rate import Bucket

_CHALLENGE = (b"www-authenticate", b'Basic realm="automation-exporter", charset="UTF-8"')
_TRY_AGAIN = "5"
"""Seconds after which somebody whose password could not be checked may try again."""


class Guard:
    """ASGI middleware: lets pass to ``app`` what the configuration allows, as it is at each request."""

    def __init__(self, app: ASGIApp, configuration: WebConfiguration) -> None:
        self._app = app
        self._configuration = configuration
        self._logins = Logins()
        self._bucket: Bucket | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ``app`` does, or refuse."""
        self._configuration.refresh()
        settings = self._configuration.settings
        if settings.headers:
            send = _with_headers(send, settings.headers)
        if not self._in_time(settings):
            wait = math.ceil(settings.rate_limit.interval) if settings.rate_limit else 1
            await _refuse(send, HTTPStatus.TOO_MANY_REQUESTS, (b"retry-after", b"%d" % wait))
            return
        if settings.users:
            try:
                allowed = await self._allowed(settings, scope)
            except Busy:
                await _refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, (b"retry-after", _TRY_AGAIN.encode("ascii")))
                return
            if not allowed:
                await _refuse(send, HTTPStatus.UNAUTHORIZED, _CHALLENGE)
                return
        await self._app(scope, receive, send)

    def _in_time(self, settings: WebSettings) -> bool:
        limit = settings.rate_limit
        if limit is None:
            self._bucket = None
            return True
        now = asyncio.get_running_loop().time()
        if self._bucket is None or self._bucket.limit != limit:
            self._bucket = Bucket(limit, now)
        return self._bucket.take(now)

    async def _allowed(self, settings: WebSettings, scope: Scope) -> bool:
        login = login_of(next((value for name, value in scope["headers"] if name == b"authorization"), None))
        if login is None:
            return False
        known = self._logins.known(settings.users, login)
        return await self._check(settings, scope, login) if known is None else known

    async def _check(self, settings: WebSettings, scope: Scope, login: Login) -> bool:
        peer = scope["client"]
        return await self._logins.check(settings.users, login, peer[0] if peer else "")


def _with_headers(send: Send, headers: tuple[tuple[bytes, bytes], ...]) -> Send:
    """Return a ``send`` that adds headers; they take the place of ours of the same name."""
    names = {name for name, _ in headers}

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [header for header in message["headers"] if header[0] not in names]
            message = {**message, "headers": [*kept, *headers]}
        await send(message)

    return send_with_headers


async def _refuse(send: Send, status: HTTPStatus, header: tuple[bytes, bytes]) -> None:
    body = f"{status.phrase}.\n".encode("ascii")
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *SECURITY_HEADERS,
        header,
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
