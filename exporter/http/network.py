"""Sockets that cannot hold a thread: each blocking call is cut to what is left of the request's deadline.

httpx and httpcore know a timeout per operation only, so an upstream that sends one byte a second is never late, and
closing a client does not wake a thread that waits in a read. Here every operation (look-up, connect, handshake,
send, receive) asks how much time its request has left, and ``shutdown`` ends all of them at once from any thread.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore

from exporter.http.streams import Deadline, SocketStream
from exporter.threads import DaemonThread

_Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]
_Option = tuple[int, int, int | bytes | bytearray] | tuple[int, int, None, int]

LOOK = 0.05
"""Seconds between two looks at the switch, where nothing can wake a thread: while resolving and connecting."""


class Network(httpcore.NetworkBackend):
    """The sockets of one client. Errors are httpcore's, as its interface asks. Times are real monotonic seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._stopped = threading.Event()
        self.deadline = Deadline()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_Option] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; those not tried yet share the time that is left."""
        del local_address, socket_options  # never set by our pools
        self.deadline.connecting = True
        ends_at = None if timeout is None else time.monotonic() + timeout
        addresses = self._addresses(host, port, self.deadline.left(timeout, httpcore.ConnectTimeout))
        failure: Exception = httpcore.ConnectError("the host has no address")
        for position, address in enumerate(addresses):
            left = self.deadline.left(None if ends_at is None else ends_at - time.monotonic(), httpcore.ConnectTimeout)
            if left is not None and left <= 0:
                break
            try:
                stream = self._connect(address, None if left is None else left / (len(addresses) - position))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                self.deadline.connecting = False
                return stream
        raise failure

    def shutdown(self) -> None:
        """End every socket and refuse new ones: each call that waits in one returns with an error."""
        self._stopped.set()
        with self._lock:
            waiting = list(self._sockets)
        for each in waiting:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _forget(self, each: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(each)

    def _connect(self, address: _Address, timeout: float | None) -> httpcore.NetworkStream:
        family, kind, protocol, _, where = address
        try:
            connection = socket.socket(family, kind, protocol)
        except OSError as error:  # a family that this machine does not have, or no descriptor left
            raise httpcore.ConnectError("no socket") from error
        with self._lock:
            self._sockets.add(connection)
        try:
            connection.setblocking(False)
            self._finish(connection, connection.connect_ex(where), timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except TimeoutError as error:
            self._close(connection)
            raise httpcore.ConnectTimeout("no connection in time") from error
        except OSError as error:
            self._close(connection)
            raise httpcore.ConnectError("no connection") from error
        return SocketStream(connection, self.deadline, self._forget)

    def _finish(self, connection: socket.socket, code: int, timeout: float | None) -> None:
        """Wait until the connection stands; raises OSError when it does not.

        A socket that is not connected yet cannot be shut down for sure, so the switch is looked at here, and once
        more at the end: a ``shutdown`` after that finds the socket connected.
        """
        ends_at = math.inf if timeout is None else time.monotonic() + timeout
        poll = select.poll()
        poll.register(connection, select.POLLOUT)
        while code == errno.EINPROGRESS and not self._stopped.is_set():
            left = ends_at - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if poll.poll(min(left, LOOK) * 1000):
                code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if self._stopped.is_set():
            code = errno.ECANCELED
        if code:
            raise OSError(code, os.strerror(code))

    def _close(self, connection: socket.socket) -> None:
        self._forget(connection)
        connection.close()

    def _addresses(self, host: str, port: int, timeout: float | None) -> Sequence[_Address]:
        """Look the host up. A resolver cannot be interrupted, so it works on a thread that nobody waits for."""
        with contextlib.suppress(socket.gaierror, UnicodeError):
            return _lookup(host, port, socket.AI_NUMERICHOST)
        done = threading.Event()
        answer: list[Sequence[_Address] | OSError] = []

        def ask() -> None:
            try:
                answer.append(_lookup(host, port, 0))
            except OSError as error:
                answer.append(error)
            except UnicodeError:  # a label that no host name may have
                answer.append(socket.gaierror(socket.EAI_NONAME, "no host name"))
            done.set()

        try:
            DaemonThread(ask, "http-resolve").start()
        except RuntimeError:  # the system refuses one, and perhaps not the next
            answer.append(socket.gaierror(socket.EAI_AGAIN, "no thread to look it up"))
            done.set()
        ends_at = None if timeout is None else time.monotonic() + timeout
        while not done.wait(LOOK):
            if self._stopped.is_set():
                raise httpcore.ConnectError("stopped")
            if ends_at is not None and time.monotonic() >= ends_at:
                raise httpcore.ConnectTimeout("the host name was not resolved in time")
        found = answer[0]
        if not isinstance(found, OSError):
            return found
        try:
            raise found  # httpcore's pool drops causes but keeps contexts
        except OSError as error:
            raise httpcore.ConnectError("the host name was not resolved") from error


def _lookup(host: str, port: int, flags: int) -> Sequence[_Address]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
