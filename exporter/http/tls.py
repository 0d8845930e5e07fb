"""TLS settings, shared: building a context from the trust store costs some 50 ms, so equal settings share one."""

from __future__ import annotations

import os
import ssl
import threading

import httpx

from exporter.errors import ConfigError

_lock = threading.Lock()
_contexts: dict[tuple[bool, str | None, int, int], ssl.SSLContext] = {}


def ssl_context(verify: bool = True, ca_file: str | os.PathLike[str] | None = None) -> ssl.SSLContext:
    """The context for a target; the same object for the same settings and the same content of ``ca_file``.

    ``ca_file`` (PEM) replaces the usual trust store, which is ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, else
    certifi's. ``verify=False`` accepts any certificate: only by a target's explicit option.
    Raises ConfigError when the file cannot be used.
    """
    path = None if ca_file is None else os.fspath(ca_file)
    try:
        written = os.stat(path) if path is not None else None
        key = (verify, path, written.st_mtime_ns if written else 0, written.st_size if written else 0)
        with _lock:
            if key not in _contexts:
                _contexts[key] = _build(verify, path)
            return _contexts[key]
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
