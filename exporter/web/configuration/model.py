"""What a web configuration says, as the server uses it. Nothing here shows a hash, a key or a password in its repr."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from exporter.web.configuration.hashes import Hash

ClientCertificates = Literal["ignored", "verified if given", "required"]


@dataclass(frozen=True, slots=True)
class Pem:
    """Certificates or a key: a file, or the text itself. ``key`` is where the configuration says so."""

    key: str
    path: Path | None = None
    text: str = field(default="", repr=False)

    def read(self) -> bytes:
        """Return the text. Raises OSError for a file that cannot be read."""
        return self.text.encode() if self.path is None else self.path.read_bytes()


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How to speak TLS. ``ciphers`` are OpenSSL's names, for TLS 1.2; None for OpenSSL's own choice.

    Without ``client_ca`` client certificates are verified by the authorities that the system trusts.
    """

    certificate: Pem
    private_key: Pem
    client_ca: Pem | None = None
    client_certificates: ClientCertificates = "ignored"
    allowed_sans: frozenset[str] | None = None
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: tuple[str, ...] | None = None
    server_chooses: bool = True

    def pems(self) -> tuple[Pem, ...]:
        """Return all that is read to make a context."""
        return tuple(pem for pem in (self.certificate, self.private_key, self.client_ca) if pem is not None)


class RateLimit(NamedTuple):
    """One request each ``interval`` seconds, and ``burst`` at once after a rest."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True)
class WebSettings:
    """A whole web configuration. ``headers`` have lower-case names. Without ``users`` nobody is asked who they are."""

    tls: TlsSettings | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    users: Mapping[bytes, Hash] = field(default_factory=dict, repr=False)
    rate_limit: RateLimit | None = None

    def summary(self) -> str:
        """Return what is in force, for people."""
        parts = ["no TLS" if self.tls is None else _tls_summary(self.tls)]
        if self.users:
            parts.append(f"{len(self.users)} user{'s'[: len(self.users) > 1]}")
        if self.headers:
            parts.append(f"{len(self.headers)} header{'s'[: len(self.headers) > 1]}")
        if self.rate_limit is not None:
            limit = self.rate_limit
            parts.append(f"a request each {limit.interval:g} s, {limit.burst} at once")
        return ", ".join(parts)


def _tls_summary(tls: TlsSettings) -> str:
    versions = " and ".join(
        name
        for version, name in ((ssl.TLSVersion.TLSv1_2, "1.2"), (ssl.TLSVersion.TLSv1_3, "1.3"))
        if tls.oldest <= version <= tls.newest
    )
    return f"TLS {versions}, client certificates {tls.client_certificates}"
