"""The values of flags: what each may be, and the sentence when it is not.

What the settings say of a value is said here too; they load pydantic, and wait for a command that has such a value.
"""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from exporter.errors import ConfigError
from exporter.web.address import Address, parse_address

if TYPE_CHECKING:
    from exporter.config import Shard

T = TypeVar("T")

_DIGITS: Final = 20
"""More than a number has that is meant; Python refuses to read one of thousands."""


def file(text: str) -> Path:
    """Read the path of a file."""
    if not text:
        raise ArgumentTypeError("is empty; write the path of a file")
    return Path(text)


def state(text: str) -> Path:
    """Read the path of a state."""
    from exporter.config import parse_state  # noqa: PLC0415

    return _checked(parse_state, text)


def target_name(text: str) -> str:
    """Read the name of a target."""
    from exporter.platforms.settings import check_name  # noqa: PLC0415

    return _checked(check_name, text)


def _checked(check: Callable[[str], T], text: str) -> T:
    from pydantic_core import PydanticCustomError  # noqa: PLC0415

    try:
        return check(text)
    except PydanticCustomError as error:
        raise ArgumentTypeError(error.message()) from None


def shard(text: str) -> Shard:
    """Read ``1/3`` or ``auto/3``."""
    from exporter.config import parse_shard  # noqa: PLC0415

    try:
        return parse_shard(text)
    except ConfigError as error:
        raise ArgumentTypeError(str(error)) from None


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from ``least`` to ``most``."""

    def read(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or len(text) > _DIGITS or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def pace(text: str) -> float:
    """Read seconds between two runs of a workload."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.1 <= seconds <= 86_400:
        raise ArgumentTypeError(f"{text!r} is not a number from 0.1 to 86400")
    return seconds


def address(text: str) -> Address:
    """Read ``host:port``."""
    try:
        return parse_address(text)
    except ConfigError as error:
        raise ArgumentTypeError(str(error)) from None
