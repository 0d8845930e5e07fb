"""What all connections together may cost: at most so many at a time, and a new one always finds room.

When all places are taken, the connection that has done nothing for the longest is cut off: one whose request has not
come yet, one that is idle between two requests, or a reader that does not read. When those that never said a word hold
most places, it is the oldest of them: whoever floods the server with silent connections pushes out their own, and no
scraper that agrees on TLS or is idle.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, Protocol, cast

from exporter.web.handshake import Connecting, connecting

log = logging.getLogger(__name__)

MOST: Final = 512
"""Connections at a time, unless told otherwise: as many as Prometheus' own server takes."""

_OTHER_FILES: Final = 400
"""Descriptors for all else: 256 polls at once, the state, what libraries open."""

_SILENT_SHARE: Final = 0.75
"""Part of all places that those may take who never said a word."""

_AT_ONCE: Final = 64
"""Connections that are taken before the loop does something else."""

_PAUSE: Final = 0.5
"""Seconds until the next try when the system has no room for a connection."""

_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Connection(Protocol):
    """What is counted here. ``waiting`` is the socket as long as there is no transport: TLS is not agreed on."""

    waiting: socket.socket | None

    def cut_off(self) -> None:
        """End at once."""


class Connections:
    """Those that are open. Used on one event loop only."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._open: set[Connection] = set()
        self._quiet: dict[Connection, None] = {}
        """Those that do nothing, from the one that has been so for the longest."""
        self._silent: dict[Connection, None] = {}
        """Those of them that never said a word, in the same order."""

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, connection: Connection) -> bool:
        """Take a new connection, which has said nothing yet; return whether there is room."""
        if len(self._open) >= self._most and not self.cut_one_off():
            return False
        self._open.add(connection)
        self._quiet[connection] = self._silent[connection] = None
        return True

    def heard(self, connection: Connection) -> None:
        """Note that its peer speaks: something of TLS, or of a request."""
        self._silent.pop(connection, None)

    def quiet(self, connection: Connection) -> None:
        """Note that it does nothing now. One that did nothing before has done so since then."""
        if connection in self._open:
            self._quiet.setdefault(connection)

    def busy(self, connection: Connection) -> None:
        """Note that it does something."""
        self._silent.pop(connection, None)
        self._quiet.pop(connection, None)

    def leave(self, connection: Connection) -> None:
        """Forget one that has ended."""
        self._open.discard(connection)
        self.busy(connection)

    def cut_one_off(self) -> bool:
        """End a connection that does nothing; return whether there was one."""
        waiting = self._silent if len(self._silent) >= _SILENT_SHARE * self._most else self._quiet
        oldest = next(iter(waiting), None)
        if oldest is None:
            return False
        self.leave(oldest)
        oldest.cut_off()
        return True


class Listener:
    """Takes connections from a listening socket.

    An event loop's own server would not say what connections there are before TLS has been agreed on.
    """

    def __init__(
        self,
        listener: socket.socket,
        make: Callable[[], Connection],
        connections: Connections,
        context: ssl.SSLContext | None,
        patience: float,
    ) -> None:
        """Take what makes a connection's protocol, and the seconds in which TLS must be agreed on."""
        self._listener = listener
        self._make = make
        self._connections = connections
        self._context = context
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._connecting: dict[asyncio.Task[None], Connection] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Take connections from now on."""
        self._timer = None
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener.fileno(), self._take)

    def close(self) -> None:
        """Take no more, and close the socket."""
        if self._timer is not None:
            self._timer.cancel()
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
        for connection in self._connecting.values():
            connection.cut_off()

    def _take(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, _ = self._listener.accept()
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._pause(error)
                elif error.errno == errno.ECONNABORTED:
                    continue
                return
            connection = self._make()
            if not self._connections.enter(connection):
                client.close()
                continue
            connection.waiting = client
            task = self._loop.create_task(self._connect(client, connection))
            self._connecting[task] = connection
            task.add_done_callback(self._connecting.pop)

    def _pause(self, error: OSError) -> None:
        log.warning("no connection can be taken now: %s", error.strerror)
        self._loop.remove_reader(self._listener.fileno())
        self._timer = self._loop.call_later(_PAUSE, self.start)

    async def _connect(self, client: socket.socket, connection: Connection) -> None:
        made = False
        connecting.set(Connecting(client, partial(self._connections.heard, connection)))
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(
                lambda: cast(asyncio.Protocol, connection),
                client,
                ssl=self._context,
                ssl_handshake_timeout=None if self._context is None else self._patience,
            )
            made = True
        except (OSError, ssl.SSLError):
            pass  # it is the peer who broke off, is silent or speaks no TLS
        finally:
            connection.waiting = None
            if not made:
                client.close()
                self._connections.leave(connection)


def allow_connections(most: int) -> int:
    """Raise the process's limit of open files so far that ``most`` connections fit; return how many do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return most
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    fit = max(min(most, soft - _OTHER_FILES), most // 16, 1) if soft < wanted else most
    if fit < most:
        log.warning(
            "the limit of open files leaves room for fewer connections", extra={"connections": fit, "files": soft}
        )
    return fit
