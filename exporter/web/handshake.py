"""Tells a peer why TLS was not agreed on.

When a handshake fails OpenSSL has an alert ready, such as "certificate required". Event loops close the connection
without it, and the peer is left to guess. Here the alert is sent as soon as there is one.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, NamedTuple


class Connecting(NamedTuple):
    """A handshake that is under way: its socket, and what is to be called when the peer has said something."""

    socket: socket.socket
    heard: Callable[[], None]


connecting: ContextVar[Connecting | None] = ContextVar("connecting", default=None)
"""The handshake that the task of this context waits for."""


class Telling(ssl.SSLObject):
    """One end of a connection, whose alerts reach the other."""

    _incoming: ssl.MemoryBIO
    _outgoing: ssl.MemoryBIO
    _connecting: Connecting | None

    def do_handshake(self) -> None:
        """Go on with the handshake."""
        if self._connecting is not None and self._incoming.pending:
            self._connecting.heard()
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            if self._connecting is not None:
                with suppress(OSError):
                    self._connecting.socket.send(self._outgoing.read())
            raise


def begin(context: ssl.SSLContext, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, **named: Any) -> ssl.SSLObject:
    """Return what ``context.wrap_bio`` does, telling."""
    context.sslobject_class = Telling
    found = context.wrap_bio(incoming, outgoing, **named)
    assert isinstance(found, Telling)  # noqa: S101 - for the type checker
    found._incoming, found._outgoing = incoming, outgoing
    found._connecting = connecting.get()
    return found
