"""Lines with places for numbers, kept small: as plain bytes they would take as much memory as what is rendered."""

from __future__ import annotations

from typing import Any, Final

try:
    from isal import isal_zlib as zlib
except ImportError:
    import zlib  # type: ignore[no-redef]

_LEVEL: Final = 1


class Template:
    """A ``%`` template of bytes. It is unpacked for each filling in, which adds about a quarter to what that takes."""

    __slots__ = ("_packed",)

    def __init__(self, lines: bytes) -> None:
        self._packed: bytes = zlib.compress(lines, _LEVEL)

    def __mod__(self, numbers: tuple[Any, ...]) -> bytes:
        """Return the lines with numbers filled in; TypeError when there are more or fewer than places."""
        lines: bytes = zlib.decompress(self._packed)
        return lines % numbers
