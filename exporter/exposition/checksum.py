"""The checksum of two texts, one after the other, from those of each: nothing is read again.

A CRC is what is left of a polynomial after division; more bytes behind it multiply it by a power of x. ISA-L can do
this, zlib keeps it to itself. Python takes as long as reading a hundred lines would, which need not be unpacked for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

try:
    from isal import isal_zlib as zlib
except ImportError:
    import zlib  # type: ignore[no-redef]

_DIVISOR: Final = 0xEDB88320
"""That of CRC-32, its highest power in the lowest bit, as everywhere here."""
_ONE: Final = 1 << 31
_BYTE: Final = 1 << 23
"""x to the eighth: one more byte."""


def in_python(first: int, second: int, length: int) -> int:
    """Return the CRC-32 of two texts from that of each and the length of the second in bytes."""
    return _product(_bytes(length), first) ^ second


combine: Final[Callable[[int, int, int], int]] = getattr(zlib, "crc32_combine", in_python)


@lru_cache(maxsize=4096)
def _bytes(length: int) -> int:
    """Return the factor that so many bytes behind a text are."""
    factor, power = _ONE, _BYTE
    while length:
        if length & 1:
            factor = _product(factor, power)
        power = _product(power, power)
        length >>= 1
    return factor


def _product(left: int, right: int) -> int:
    product = 0
    while left:
        if left & _ONE:
            product ^= right
        left = (left << 1) & 0xFFFFFFFF
        right = (right >> 1) ^ (_DIVISOR if right & 1 else 0)
    return product
