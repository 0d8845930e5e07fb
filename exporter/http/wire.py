"""One request on the wire: sent, answered and read whole within its deadline, or one of our errors."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Collection, Iterable
from typing import cast

import httpx

from exporter.errors import ConfigError, ConnectFailed, TimedOut, TlsFailed, UpstreamError
from exporter.http import body
from exporter.http.failure import FAILURES, from_exception
from exporter.http.network import Network
from exporter.http.proxy import Proxy, proxy_for
from exporter.http.settings import Settings
from exporter.http.tls import ssl_context
from exporter.http.transport import PoolTransport

ERROR_BODY = 64 * 1024
"""Bytes read of an answer that is no success: enough for an error code."""


class Wire:
    """The transport of one client, and the switch that stops it. No cookies, no redirects, no retries.

    Without ``transport`` it opens sockets; an injected one is not closed, and its deadline is checked only
    between chunks. ``clock`` is monotonic seconds.
    """

    def __init__(
        self, base: httpx.URL, settings: Settings, *, transport: httpx.BaseTransport | None, clock: Callable[[], float]
    ) -> None:
        self.stopped = threading.Event()
        self._settings = settings
        self._clock = clock
        self._proxy: Proxy | None = None
        self._network: Network | None = None
        self._pool: PoolTransport | None = None
        self._context: ssl.SSLContext | None = None
        self._distrust = ""
        """Why ``ca_file`` cannot be used now."""
        if transport is None:
            self._network = Network()
            proxy = self._proxy = proxy_for(base, settings.proxy)
            secure = base.scheme == "https" or (proxy is not None and proxy.secure)
            if secure or settings.ca_file:  # the trust store takes 2 MB and 40 ms; a CA file is looked at in any case
                self._context = ssl_context(settings.verify, settings.ca_file)
            transport = self._pool = PoolTransport(self._network, self._context, proxy)
        self._transport = transport

    def renew(self) -> None:
        """Trust whom ``ca_file`` names now: connections that were opened with another one are closed.

        While it cannot be used every request fails with TlsFailed. No request may be under way.
        """
        if self._network is None or self._settings.ca_file is None:
            return
        try:
            context = ssl_context(self._settings.verify, self._settings.ca_file)
        except ConfigError as error:
            self._distrust = str(error)
            return
        self._distrust = ""
        if context is not self._context:
            old, self._context = self._pool, context
            self._transport = self._pool = PoolTransport(self._network, context, self._proxy)
            if old is not None:
                old.close()

    def exchange(
        self, request: httpx.Request, where: str, seconds: float, wanted: Collection[int]
    ) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and decoded body. Raises UpstreamError when there is no complete answer in ``seconds``.

        The body is complete for 2xx and the statuses in ``wanted``; of others it may be missing or cut.
        """
        if self._distrust:
            raise TlsFailed(f"{where}: {self._distrust}")
        ends_at = self._clock() + seconds

        def check() -> None:
            self.check(where)
            if self._clock() > ends_at:
                raise TimedOut("no complete answer in time")

        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        deadline = contextlib.nullcontext() if self._network is None else self._network.deadline.within(seconds)
        try:
            with deadline, contextlib.closing(self._transport.handle_request(request)) as response:
                content = self._read(response, wanted, check)
        except FAILURES as error:
            self.check(where)
            raise self._failure(error, where) from None
        except UpstreamError as error:
            self.check(where)
            raise type(error)(f"{where}: {error}") from None
        self.check(where)
        return response.status_code, response.headers, content

    def check(self, where: str) -> None:
        """Raises ConnectFailed when we were told to stop."""
        if self.stopped.is_set():
            raise ConnectFailed(f"{where}: stopped, the program is ending")

    def abort(self) -> None:
        """Stop now: what is on the wire fails at once, in whatever thread it is."""
        self.stopped.set()
        if self._network is not None:
            self._network.shutdown()

    def close(self) -> None:
        """Stop, and give the connections back."""
        self.abort()
        if self._pool is not None:
            self._pool.close()

    def _failure(self, error: Exception, where: str) -> UpstreamError:
        if self._network is None:
            return from_exception(error, where)
        deadline = self._network.deadline
        if deadline.connecting and self._proxy is not None:
            where = f"{where}: proxy {self._proxy.place}"
        return from_exception(error, where, peer_closed=deadline.peer_closed)

    def _read(self, response: httpx.Response, wanted: Collection[int], check: Callable[[], None]) -> bytes:
        chunks = cast("Iterable[bytes]", response.stream)
        if response.is_success or response.status_code in wanted:
            return body.read(chunks, response.headers, self._settings.max_response_bytes, check)
        try:
            return body.read(chunks, response.headers, ERROR_BODY, check)
        except UpstreamError:
            return b""  # the status says enough
        except FAILURES:
            return b""
