"""bcrypt hashes of passwords.

A hash is ``$2y$10$``, 22 characters of salt and 31 of digest: the variant, the cost (the logarithm of the work) and
both in bcrypt's own base64. ``2a``, ``2b``, ``2x`` and ``2y`` name bugs of programs of the past; for passwords of
bytes all four mean the same computation, as they do to Prometheus.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from exporter.platforms.wrong import wrong

_FORM: Final = re.compile(r"\$2[abxy]\$([0-9]{2})\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})")
_LONGEST: Final = 72
"""Bytes of a password that bcrypt looks at."""


class Hash:
    """A hash, which shows itself to nobody. Equal to one of the same text."""

    __slots__ = ("_text", "cost")

    def __init__(self, text: str) -> None:
        """Take a hash; raises a validation error that says what is wrong with it and never shows it."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise wrong(
                "is not a bcrypt hash (60 characters that begin with $2y$)", "write what `htpasswd -nBC 10 NAME` prints"
            )
        self.cost: Final = int(match[1])
        if not 4 <= self.cost <= 31:
            raise wrong(f"has the cost {self.cost}", "make one with a cost from 4 to 31, such as 10")
        self._text: Final = f"$2b${match[1]}${match[2]}{match[3]}".encode("ascii")

    def fits(self, password: bytes) -> bool:
        """Whether this is the password's hash. Takes long, without the interpreter lock: 50 ms and more at cost 10."""
        import bcrypt  # noqa: PLC0415 - a service without users does without

        salt = len(self._text) - 31
        computed = bcrypt.hashpw(password[:_LONGEST], self._text[:salt])
        return hmac.compare_digest(computed[salt:], self._text[salt:])

    def digest(self, key: bytes) -> bytes:
        """Return what tells this hash from others to those who have the key, and nothing to anybody else."""
        return hashlib.blake2b(self._text, key=key, digest_size=16).digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hash) and hmac.compare_digest(self._text, other._text)

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"Hash(cost={self.cost})"
