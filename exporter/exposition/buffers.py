"""Room for plain bodies, used again once no reader has what was in it.

A body of megabytes is memory that the system gives page by page, at several times the cost of filling it, and takes
back when the body goes. And ``bytes.join`` holds the interpreter until all is copied, so that a scrape waits for it;
here others may come in between two pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_SPARE: Final = 16
"""A sixteenth more room than a body needs: the next ones may be a little longer."""


class Buffers:
    """What the bodies of one form are joined in. Used by one thread at a time; readers may be anywhere."""

    def __init__(self) -> None:
        self._kept: list[bytearray] = []

    def join(self, parts: Sequence[bytes]) -> memoryview:
        """Return a body; it stays as it is as long as anybody has it, or a part of it."""
        size = sum(map(len, parts))
        view = memoryview(self._room(size))
        start = 0
        for part in parts:
            end = start + len(part)
            view[start:end] = part
            start = end
        return view[:size].toreadonly()

    def forget(self) -> None:
        """Keep nothing that nobody reads."""
        self._kept = [each for each in self._kept if not _is_free(each)]

    def _room(self, size: int) -> bytearray:
        """Return a buffer that nobody reads; of others that nobody reads none is kept."""
        free = [each for each in self._kept if _is_free(each) and size <= len(each) <= size + 2 * (size // _SPARE) + 1]
        room = free[0] if free else bytearray(size + size // _SPARE + 1)
        self.forget()
        self._kept.append(room)
        return room


def _is_free(buffer: bytearray) -> bool:
    """Whether nothing looks at it: a bytearray refuses to change its length as long as anything does."""
    try:
        buffer.pop()
    except BufferError:
        return False
    buffer.append(0)  # in this order nothing is allocated
    return True
