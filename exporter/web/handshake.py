"""Tells a peer why TLS was not agreed on.

When a handshake fails OpenSSL has an alert ready, such as "certificate required". Event loops close the connection
without it, and the peer is left to guess. Here the alert is sent as soon as there is one.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

connecting: ContextVar[socket.socket | None] = ContextVar("connecting", default=None)
"""The socket whose handshake is under way, in the context of the task that waits for it."""


class Telling(ssl.SSLObject):
    """One end of a connection, whose alerts reach the other."""

    _outgoing: ssl.MemoryBIO
    _socket: socket.socket | None

    def do_handshake(self) -> None:
        """Go on with the handshake."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.send(self._outgoing.read())
            raise


def begin(context: ssl.SSLContext, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, **named: Any) -> ssl.SSLObject:
    """Return what ``context.wrap_bio`` does, telling."""
    context.sslobject_class = Telling
    found = context.wrap_bio(incoming, outgoing, **named)
    assert isinstance(found, Telling)  # noqa: S101 - for the type checker
    found._outgoing = outgoing
    found._socket = connecting.get()
    return found
