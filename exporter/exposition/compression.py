"""gzip of a body of which most was compressed before.

A gzip file (RFC 1952) holds one deflate stream (RFC 1951), and a deflate stream may be cut at byte boundaries
into parts that do not refer to each other. So neighbouring lines are compressed by themselves once, and a new
body is joined from the parts. Its checksum follows from theirs where the library can do that, so that nothing of what
did not change is read again. Some readers know only files of one member, therefore the parts are not members.

With the extra ``fast``, ISA-L does both several times faster than zlib.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

try:
    from isal import isal_zlib as zlib
except ImportError:
    import zlib  # type: ignore[no-redef]

Parts = tuple[bytes, ...]

_Combine = Callable[[int, int, int], int]
"""The checksum of two texts, from that of each and the length of the second."""


class _Part(NamedTuple):
    """Some lines: as they stand in the body, and the checksum and the length of what they say."""

    deflated: bytes
    checksum: int
    size: int


PART_LINES: Final = 128
"""Small pieces are compressed together up to about as many lines."""

_LEVEL: Final = 1
_RAW: Final = -zlib.MAX_WBITS
_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""No name, no time, fastest algorithm, unknown system."""
_LAST_BLOCK: Final = b"\x03\x00"


class Compressor:
    """Remembers the compressed parts of the bodies of one publication for the next."""

    def __init__(self) -> None:
        self._known: dict[Parts, _Part] = {}
        self._next: dict[Parts, _Part] = {}

    def compress(self, pieces: Iterable[tuple[bytes, int]]) -> bytes:
        """Return a body as gzip; ``pieces`` are what it is joined from, each with its number of lines."""
        checksum = size = 0
        deflated = [_HEADER]
        combine: _Combine | None = getattr(zlib, "crc32_combine", None)  # zlib has it only inside
        for parts in _grouped(pieces):
            part = self._part(parts)
            deflated.append(part.deflated)
            size += part.size
            if combine is not None:
                checksum = combine(checksum, part.checksum, part.size)
            else:
                for each in parts:
                    checksum = zlib.crc32(each, checksum)
        trailer = checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
        return b"".join((*deflated, _LAST_BLOCK, trailer))

    def forget_unused(self) -> None:
        """Keep only what was used since the last call."""
        self._known, self._next = self._next, {}

    def _part(self, parts: Parts) -> _Part:
        # bytes remember their hash, and equal parts are mostly the same objects: a look-up costs next to nothing.
        found = self._next.get(parts)
        if found is None:
            found = self._known.get(parts)
            if found is None:
                deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
                whole = b"".join(parts)
                found = _Part(deflate.compress(whole) + deflate.flush(zlib.Z_SYNC_FLUSH), zlib.crc32(whole), len(whole))
            self._next[parts] = found
        return found


def _grouped(pieces: Iterable[tuple[bytes, int]]) -> Iterator[Parts]:
    """Gather small neighbours; a piece that is large enough stands alone, so that groups after it stay the same."""
    group: list[bytes] = []
    size = 0
    for piece, lines in pieces:
        if not piece:
            continue
        if group and size + lines > PART_LINES:
            yield tuple(group)
            group, size = [], 0
        group.append(piece)
        size += lines
    if group:
        yield tuple(group)
