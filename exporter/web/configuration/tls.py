"""Certificates and keys to a TLS context; what is wrong with them is told by the key that names them."""

from __future__ import annotations

import contextlib
import os
import ssl
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from exporter.web.configuration.model import Pem, TlsSettings

_VERIFY = {
    "ignored": ssl.CERT_NONE,
    "verified if given": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}


class TlsError(Exception):
    """What cannot be used: the key that names it, what is the matter, what would be right."""

    def __init__(self, key: str, problem: str, right: str) -> None:
        super().__init__(problem)
        self.key = key
        self.problem = problem
        self.right = right


def context_of(tls: TlsSettings) -> tuple[ssl.SSLContext, list[TlsError]]:
    """Return the context of a server, and what is wrong with what it was made of."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = tls.oldest
    context.maximum_version = tls.newest
    context.set_alpn_protocols(["http/1.1"])
    if not tls.server_chooses:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.verify_mode = _VERIFY[tls.client_certificates]
    wrong: list[TlsError] = []
    for load in (_look_at_certificate, _look_at_key, _load_client_ca, _set_ciphers, _load_certificate):
        try:
            if load is not _load_certificate or not wrong:
                load(context, tls)
        except TlsError as error:
            wrong.append(error)
    return context, wrong


def readable_by_others(pem: Pem) -> bool:
    """Whether every user of the machine may read the file. False for a text in the configuration."""
    try:
        return pem.path is not None and bool(pem.path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _look_at_certificate(_context: ssl.SSLContext, tls: TlsSettings) -> None:
    if b"-----BEGIN CERTIFICATE-----" not in _read(tls.certificate):
        raise TlsError(tls.certificate.key, "holds no certificate", "it must be PEM: -----BEGIN CERTIFICATE-----")


def _look_at_key(_context: ssl.SSLContext, tls: TlsSettings) -> None:
    key = tls.private_key
    text = _read(key)
    if b"PRIVATE KEY-----" not in text:
        raise TlsError(key.key, "holds no private key", "it must be PEM: -----BEGIN PRIVATE KEY-----")
    if b"ENCRYPTED" in text:
        raise TlsError(key.key, "holds an encrypted key", "decrypt it: nobody is there to be asked for its password")


def _load_certificate(context: ssl.SSLContext, tls: TlsSettings) -> None:
    chain, key = tls.certificate, tls.private_key
    try:
        with _as_file(chain) as chain_path, _as_file(key) as key_path:
            # A password is never asked for at a terminal.
            context.load_cert_chain(chain_path, key_path, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise TlsError(key.key, f"does not belong to {chain.key}", "write two that were made together") from None
        raise TlsError(chain.key, f"cannot be used ({_reason(error)})", f"check it and {key.key}") from None
    except OSError as error:  # one was replaced between the two looks
        raise TlsError(chain.key, f"cannot be read: {error.strerror}", "check the path and its permissions") from None


def _load_client_ca(context: ssl.SSLContext, tls: TlsSettings) -> None:
    if tls.client_certificates == "ignored":
        return
    if tls.client_ca is None:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        return
    text = _read(tls.client_ca).decode("ascii", errors="ignore")  # what is not ASCII is a comment
    try:
        context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise TlsError(
            tls.client_ca.key, "holds no certificates that can be read", "it must be PEM: -----BEGIN CERTIFICATE-----"
        ) from None


def _set_ciphers(context: ssl.SSLContext, tls: TlsSettings) -> None:
    if tls.ciphers:
        try:
            context.set_ciphers(":".join(tls.ciphers))
        except ssl.SSLError:  # a system may forbid some of them
            raise TlsError("cipher_suites", "names nothing that OpenSSL offers here", "leave the key out") from None


def _read(pem: Pem) -> bytes:
    try:
        return pem.read()
    except OSError as error:
        raise TlsError(pem.key, f"cannot be read: {error.strerror}", "check the path and its permissions") from None


@contextlib.contextmanager
def _as_file(pem: Pem) -> Iterator[Path]:
    """Python's TLS reads certificates from files only: a text gets one, in memory where the system can."""
    if pem.path is not None:
        yield pem.path
    elif hasattr(os, "memfd_create"):
        with open(os.memfd_create(pem.key), "wb", buffering=0) as file:
            file.write(pem.text.encode())
            yield Path(f"/proc/self/fd/{file.fileno()}")
    else:
        with tempfile.NamedTemporaryFile() as file:  # only its owner may read it
            file.write(pem.text.encode())
            file.flush()
            yield Path(file.name)


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "unknown reason").lower().replace("_", " ")
