"""What the system has taken to send and the peer does not take.

Closing a connection leaves such bytes with the system, megabytes of them, which offers them to a peer that does not
read for as long as that one answers. Only a reset drops them.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import Final

_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""Closing waits for nothing and resets."""

_ENDED: Final = (OSError, ValueError, AttributeError)
"""What a socket says whose connection has ended by itself: its descriptor is -1, or it is there no more."""


def any_unsent(transport: asyncio.Transport) -> bool:
    """Whether the system has bytes that the peer has not taken; False where it does not say."""
    found = transport.get_extra_info("socket")
    with suppress(*_ENDED):
        return int.from_bytes(ioctl(found.fileno(), TIOCOUTQ, bytes(4)), sys.byteorder) > 0
    return False


def reset(transport: asyncio.Transport) -> None:
    """End a connection at once, and drop what is unsent."""
    found = transport.get_extra_info("socket")
    with suppress(*_ENDED):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
