"""Connections whose every blocking call is cut to what is left of the request's deadline."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpcore

_TLS_RECORD = 16 * 1024 + 512


class Deadline(threading.local):
    """What is left of the calling thread's request; a request runs from start to end on one thread."""

    _ends_at: float | None = None
    peer_closed: bool = False
    """True when a read of the thread's last request met the end of the stream."""
    connecting: bool = False
    """True when the thread's last request has, or failed for, no connection to the first host on the way."""

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Everything this thread does in the block has to be over in ``seconds`` (real, monotonic)."""
        self._ends_at = time.monotonic() + seconds
        self.peer_closed = self.connecting = False
        try:
            yield
        finally:
            self._ends_at = None

    def left(self, timeout: float | None, late: type[Exception]) -> float | None:
        """The timeout of the next blocking call in seconds; raises ``late`` when the deadline has passed."""
        if self._ends_at is None:
            return timeout
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise late("the deadline of the request has passed")
        return left if timeout is None else min(timeout, left)


class SocketStream(httpcore.NetworkStream):
    """A TCP connection; ``closed`` is told when it is closed."""

    def __init__(self, connection: socket.socket, deadline: Deadline, closed: Callable[[socket.socket], None]) -> None:
        self._connection = connection
        self._deadline = deadline
        self._closed = closed

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._connection.settimeout(self._deadline.left(timeout, httpcore.ReadTimeout))
            data = self._connection.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout("nothing came in time") from error
        except OSError as error:
            raise httpcore.ReadError("the connection broke") from error
        if not data:
            self._deadline.peer_closed = True
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            try:
                self._connection.settimeout(self._deadline.left(timeout, httpcore.WriteTimeout))
                rest = rest[self._connection.send(rest) :]
            except TimeoutError as error:
                raise httpcore.WriteTimeout("nothing was taken in time") from error
            except OSError as error:
                raise httpcore.WriteError("the connection broke") from error

    def close(self) -> None:
        self._closed(self._connection)
        self._connection.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return TlsStream(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        if info == "socket":
            return self._connection
        if info == "is_readable":
            return _readable(self._connection)
        return None


class TlsStream(httpcore.NetworkStream):
    """TLS over any stream: over a socket, or over the TLS of a proxy."""

    def __init__(
        self,
        stream: httpcore.NetworkStream,
        context: ssl.SSLContext,
        server_hostname: str | None,
        timeout: float | None,
    ) -> None:
        self._stream = stream
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
        try:
            while True:
                try:
                    self._tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    self._exchange(timeout)
            self._flush(timeout)
        except (ssl.SSLError, httpcore.NetworkError) as error:
            self._stream.close()
            raise httpcore.ConnectError("the TLS handshake failed") from error
        except httpcore.TimeoutException as error:
            self._stream.close()
            raise httpcore.ConnectTimeout("the TLS handshake took too long") from error

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            try:
                data = self._tls.read(max_bytes)
            except ssl.SSLWantReadError:
                self._exchange(timeout)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise httpcore.ReadError("the TLS connection broke") from error
            else:
                self._flush(timeout)
                return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            try:
                rest = rest[self._tls.write(rest) :]
            except ssl.SSLWantReadError:
                self._exchange(timeout)
            except ssl.SSLError as error:
                raise httpcore.WriteError("the TLS connection broke") from error
            self._flush(timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return TlsStream(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else self._stream.get_extra_info(info)

    def _exchange(self, timeout: float | None) -> None:
        self._flush(timeout)
        data = self._stream.read(_TLS_RECORD, timeout)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self, timeout: float | None) -> None:
        if self._outgoing.pending:
            self._stream.write(self._outgoing.read(), timeout)


def _readable(connection: socket.socket) -> bool:
    """True when an idle connection has something to read, which can only be its end."""
    if connection.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
