"""Certificates for tests: one authority, a server's certificate, clients', all in a folder beside a configuration."""

from __future__ import annotations

from pathlib import Path

import bcrypt
import trustme

PASSWORD = "correct-horse-battery"
"""Of every user; its hash is of the lowest cost there is."""


def hashed(password: str = PASSWORD, cost: int = 4) -> str:
    """Return a hash in the form that htpasswd writes."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode().replace("$2b$", "$2y$")


class Certificates:
    """An authority and what it signed."""

    def __init__(self, folder: Path) -> None:
        """Write server.pem, server.key and ca.pem."""
        self.folder = folder
        self.authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(self.ca)
        self.issue("server", "localhost", "127.0.0.1", "::1")

    def issue(self, name: str, *names: str) -> Path:
        """Sign a certificate for ``names``: NAME.pem and NAME.key, replaced whole. Returns the first."""
        leaf = self.authority.issue_cert(*names)
        chain = b"".join(part.bytes() for part in leaf.cert_chain_pems)
        for suffix, text in (("pem", chain), ("key", leaf.private_key_pem.bytes())):
            written = self.folder / f"{name}.new"
            written.write_bytes(text)
            written.chmod(0o600)
            written.replace(self.folder / f"{name}.{suffix}")
        return self.folder / f"{name}.pem"


def write(path: Path, text: str) -> Path:
    """Write a file by replacing it, as editors and mounted secrets do."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)
    return path
