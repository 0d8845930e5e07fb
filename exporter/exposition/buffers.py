"""Room for plain bodies, used again once no reader has what was in it.

A body of megabytes is memory that the system gives page by page, at several times the cost of filling it, and takes
back when the body goes. And ``bytes.join`` holds the interpreter until all is copied, so that a scrape waits for it;
here others may come in between two pieces. Lines that stood in the body before are taken from there: in memory of their
own they are kept deflated. Each buffer is mapped by itself, so that it goes back to the system whole and leaves no hole
among other objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from typing import Final

from exporter.exposition.lines import Lines

_NEAR: Final = 64
"""A buffer is used for a body that is a 64th longer or shorter than it: it can grow by that where it is."""


class Buffers:
    """What the bodies of one form are joined in. Used by one thread at a time; readers may be anywhere."""

    def __init__(self) -> None:
        self._kept: list[mmap] = []
        self._most = 2
        """Rooms that are taken beforehand: the newest body's and the next one's. A third once a client had to wait."""
        self._refused = False
        self._last = memoryview(b"")
        self._places: dict[Lines, int] = {}
        """Where in the last body those lines begin that are not kept plain."""

    def join(self, pieces: Sequence[Lines]) -> memoryview:
        """Return a body; it stays as it is as long as anybody has it, or a part of it."""
        if self._refused:
            self._most, self._refused = 3, False
        size = sum([lines.size for lines in pieces])
        room = self._free_room(size)
        if room is None:
            room = mmap(-1, max(1, size), MAP_PRIVATE | MAP_ANONYMOUS)
            self._kept.append(room)
        elif len(room) < size:
            room.resize(size)
        _fill(room, self._plain(pieces))
        self._last = memoryview(room)[:size].toreadonly()
        self._places = _places(pieces)
        return self._last

    def has_room(self, pieces: Iterable[Lines]) -> bool:
        """Whether a body can be made beforehand: not while a reader keeps one, until a client asks all the same."""
        size = sum([lines.size for lines in pieces])
        self._refused = self._free_room(size) is None and len(self._kept) >= self._most
        if self._refused:
            self._last, self._places = memoryview(b""), {}  # it may be that nobody has it but us
            self._refused = self._free_room(size) is None
        return not self._refused

    def _plain(self, pieces: Iterable[Lines]) -> Iterator[bytes | memoryview]:
        for lines in pieces:
            place = self._places.get(lines)
            yield lines.plain if place is None else self._last[place : place + lines.size]

    def forget(self) -> None:
        """Keep nothing that nobody reads."""
        self._most, self._refused = 2, False
        self._last, self._places = memoryview(b""), {}
        self._forget_free(but=0)

    def _forget_free(self, *, but: int) -> None:
        free = [each for each in self._kept if _is_free(each)]
        dropped = {id(each) for each in free[but:]}
        self._kept = [each for each in self._kept if id(each) not in dropped]

    def _free_room(self, size: int) -> mmap | None:
        """Return a buffer that nobody reads. One more is kept, for a time when a reader is slow; others are not."""
        free = [each for each in self._kept if _is_free(each)]
        fit = [each for each in free if abs(size - len(each)) <= size // _NEAR]
        self._kept = [each for each in self._kept if not any(each is other for other in free)] + fit
        self._forget_free(but=2)
        return fit[0] if fit else None


def _places(pieces: Iterable[Lines]) -> dict[Lines, int]:
    places, start = {}, 0
    for lines in pieces:
        if lines.alone:
            places[lines] = start
        start += lines.size
    return places


def _fill(buffer: mmap, parts: Iterable[bytes | memoryview]) -> None:
    view = memoryview(buffer)
    start = 0
    for part in parts:
        end = start + len(part)
        view[start:end] = part
        start = end


def _is_free(buffer: mmap) -> bool:
    """Whether nothing looks at it: its length cannot be set as long as anything does."""
    try:
        buffer.resize(len(buffer))
    except BufferError:
        return False
    except SystemError:
        return True  # a system on which no length can be set says so last
    return True
