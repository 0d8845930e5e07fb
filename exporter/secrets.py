"""A secret from the configuration: a literal, or a file that is read again when it changed."""

from __future__ import annotations

import hmac
import logging
import stat
from pathlib import Path
from typing import Final, NoReturn

from exporter.errors import Unauthorized
from exporter.redaction import remember

log = logging.getLogger(__name__)

_READABLE_BY_OTHERS: Final = stat.S_IROTH

_Signature = tuple[int, int, int]
"""What tells one version of a file from the next: inode, size, time of the last change in nanoseconds."""


class Secret:
    """A token, key or password that shows itself only to ``read``.

    It has no way into a text: not by ``str``, ``repr``, a format, JSON, a copy or a pickle. Every value is
    remembered for redaction before anybody can get it.
    """

    __slots__ = ("_cached", "_literal", "_warned", "path")

    def __init__(self, literal: str | None = None, *, path: Path | None = None) -> None:
        if (literal is None) == (path is None):
            raise ValueError("a secret is either a literal or a file")
        if literal is not None:
            remember(literal)
        self._literal = literal
        self.path: Final = path
        self._cached: tuple[_Signature, str] | None = None
        self._warned = False

    def read(self, *, warn: bool = True) -> str:
        """Return the value as it is now; ``warn`` once of a file that everybody can read.

        Raises Unauthorized when the file cannot be read or holds nothing that could be sent in a header; the
        message names the file, never its content.
        """
        if self._literal is not None:
            return self._literal
        try:
            status = self._file.stat()
            signature = (status.st_ino, status.st_size, status.st_mtime_ns)
            cached = self._cached
            if cached is not None and cached[0] == signature:
                return cached[1]
            value = self._file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise Unauthorized(f"the secret file {self._file} cannot be read: {reason}") from None
        remember(value)
        flaw = flaw_of(value)
        if flaw:
            raise Unauthorized(f"the secret file {self._file} {flaw}")
        if warn:
            self._warn_of_mode(status.st_mode)
        self._cached = (signature, value)
        return value

    def readable_by_others(self) -> bool:
        """Whether every user of the machine may read the file. False for a literal, or when it is not there."""
        try:
            return self.path is not None and bool(self.path.stat().st_mode & _READABLE_BY_OTHERS)
        except OSError:
            return False

    @property
    def _file(self) -> Path:
        if self.path is None:
            raise TypeError("this secret has no file")
        return self.path

    def _warn_of_mode(self, mode: int) -> None:
        if mode & _READABLE_BY_OTHERS and not self._warned:
            self._warned = True
            log.warning(
                "secret file is readable by every user", extra={"path": str(self.path), "mode": oct(mode & 0o777)}
            )

    def __repr__(self) -> str:
        return f"Secret(path={str(self.path)!r})" if self.path is not None else "Secret(literal)"

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        if self._literal is None or other._literal is None:
            return self.path == other.path and self._literal is other._literal
        # In constant time: how long a comparison took must not tell how much of a guess was right.
        return hmac.compare_digest(self._literal.encode(), other._literal.encode())

    def __hash__(self) -> int:
        return hash(self.path)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memory: dict[int, object]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")


def flaw_of(value: str) -> str | None:
    """Say why ``value`` cannot be a secret that travels in a header, as the end of a sentence; None if it can."""
    if not value.strip():
        return "is empty"
    if value != value.strip():
        return "has spaces around its value"
    if not value.isascii() or not value.isprintable():
        return "holds line breaks or characters that cannot be sent in a header"
    return None
