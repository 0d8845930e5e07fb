"""TLS settings, shared: building a context from the trust store costs some 50 ms, so equal settings share one."""

from __future__ import annotations

import os
import ssl
import threading

import httpx

from exporter.errors import ConfigError

_lock = threading.Lock()
_contexts: dict[tuple[bool, str | None], tuple[tuple[int, int], ssl.SSLContext]] = {}
"""By settings: what the file looked like (time of its last change in nanoseconds, size), and what was made of it."""


def ssl_context(verify: bool = True, ca_file: str | os.PathLike[str] | None = None) -> ssl.SSLContext:
    """The context for a target; the same object for the same settings and the same content of ``ca_file``.

    ``ca_file`` (PEM) replaces the usual trust store, which is ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, else
    certifi's. ``verify=False`` accepts any certificate: only by a target's explicit option.
    Raises ConfigError when the file cannot be used.
    """
    path = None if ca_file is None else os.fspath(ca_file)
    try:
        written = os.stat(path) if path is not None else None
        looks = (written.st_mtime_ns, written.st_size) if written else (0, 0)
        with _lock:
            known = _contexts.get((verify, path))
            if known is None or known[0] != looks:
                known = _contexts[verify, path] = looks, _build(verify, path)
            return known[1]
    except ssl.SSLError:
        raise ConfigError([f"{_key(path)} holds no certificate that can be read, expected PEM"]) from None
    except OSError as error:
        raise ConfigError([f"{_key(path)} cannot be read ({error.strerror})"]) from None


def _key(path: str | None) -> str:
    return "the trust store of SSL_CERT_FILE or SSL_CERT_DIR" if path is None else f"ca_file: {path}"


def _build(verify: bool, path: str | None) -> ssl.SSLContext:
    if not verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif path is not None:
        context = ssl.create_default_context(cafile=path)
    else:
        context = httpx.create_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
