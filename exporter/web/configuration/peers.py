"""``client_allowed_sans``: whether a certificate names one of those who may connect."""

from __future__ import annotations

import ipaddress
from typing import Any

from exporter.web.configuration.model import TlsSettings


def admitted(tls: TlsSettings, certificate: dict[str, Any] | None) -> bool:
    """Whether the peer with this certificate, in the form of ``ssl.SSLSocket.getpeercert``, may connect.

    Names must be the same, letter for letter: a DNS name, an e-mail or IP address, or a URI.
    """
    if tls.allowed_sans is None:
        return True
    names = (certificate or {}).get("subjectAltName", ())
    allowed = {_plain(name) for name in tls.allowed_sans}
    return any(_plain(name) in allowed for kind, name in names if kind in ("DNS", "email", "IP Address", "URI"))


def _plain(name: str) -> str:
    """Return an IP address in its one usual spelling, anything else as it is."""
    try:
        return str(ipaddress.ip_address(name.strip()))
    except ValueError:
        return name
