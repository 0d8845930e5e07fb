"""Rendered lines, kept small: plain until they are deflated, and only deflated from then on.

Most lines of a publication are those of the one before. Deflated they take a fifteenth of their plain bytes, and that
is what a gzip body is joined from. Plain bodies take what did not change from the body before (``buffers``).
"""

from __future__ import annotations

from typing import Final, NamedTuple

try:
    from isal import isal_zlib as zlib
except ImportError:
    import zlib  # type: ignore[no-redef]

ALONE: Final = 64
"""So many lines are deflated by themselves; fewer are so together with their neighbours, and stay plain."""

LAST_BLOCK: Final = b"\x03\x00"
"""Ends a deflate stream."""

_LEVEL: Final = 1
_RAW: Final = -zlib.MAX_WBITS


class Deflated(NamedTuple):
    """Some lines as they stand in a gzip body, and the checksum and the length of what they say.

    They refer to nothing before them, begin and end at a byte, and do not end the stream.
    """

    data: bytes
    checksum: int
    size: int


def deflated(plain: bytes) -> Deflated:
    """Compress some lines by themselves."""
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    data = deflate.compress(plain) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return Deflated(data, zlib.crc32(plain), len(plain))


class Lines:
    """Some lines of one format; ``size`` is in bytes, ``count`` about how many lines. May be used by many threads."""

    __slots__ = ("_kept", "count", "size")

    def __init__(self, plain: bytes, count: int) -> None:
        self.count = count
        self.size = len(plain)
        self._kept: bytes | Deflated = plain

    @property
    def alone(self) -> bool:
        """Whether they are many enough to be deflated by themselves."""
        return self.count >= ALONE

    @property
    def plain(self) -> bytes:
        """The lines; once they are deflated this takes some time, as long as filling in a dozen numbers."""
        kept = self._kept
        if isinstance(kept, bytes):
            return kept
        inflated: bytes = zlib.decompress(kept.data + LAST_BLOCK, _RAW, kept.size)
        return inflated

    def deflate(self) -> Deflated:
        """Return them deflated; from now on that is how they are kept."""
        kept = self._kept
        if isinstance(kept, bytes):
            kept = self._kept = deflated(kept)
        return kept
