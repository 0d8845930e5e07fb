"""``tls_server_config``: its keys, and how they fit together."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from exporter.web.configuration.ciphers import CIPHERS, CURVES
from exporter.web.configuration.model import ClientCertificates, Pem, TlsSettings
from exporter.web.configuration.values import Values

TLS: Final = "tls_server_config"

_ANY: Final = "RequireAnyClientCert"
_POLICIES: Final[Mapping[str, ClientCertificates]] = {
    "": "ignored",
    "NoClientCert": "ignored",
    "RequestClientCert": "ignored",
    "RequireClientCert": "required",  # the toolkit's first name for RequireAnyClientCert
    _ANY: "required",
    "VerifyClientCertIfGiven": "verified if given",
    "RequireAndVerifyClientCert": "required",
}
_VERSIONS: Final[Mapping[str, ssl.TLSVersion]] = {
    "TLS10": ssl.TLSVersion.TLSv1_2,
    "TLS11": ssl.TLSVersion.TLSv1_2,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
"""By name the nearest version that is served."""

_ENABLING: Final = ("cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file", "client_auth_type")
_KEYS: Final = (
    *_ENABLING,
    "client_allowed_sans",
    "cipher_suites",
    "curve_preferences",
    "max_version",
    "min_version",
    "prefer_server_cipher_suites",
)


def tls_settings(values: Values, folder: Path) -> TlsSettings | None:
    """Return how to speak TLS; None when the section is absent or says nothing that asks for TLS, or is wrong."""
    values.keys((TLS,), _KEYS)
    pems = {name: _pem(values, name, folder) for name in ("cert", "key", "client_ca")}
    policy = values.choice((TLS, "client_auth_type"), tuple(_POLICIES), "")
    sans = _sans(values)
    oldest, newest = _versions(values)
    ciphers = _ciphers(values)
    if ciphers == ():  # only suites of TLS 1.3 are named, so nothing else can be spoken
        oldest = ssl.TLSVersion.TLSv1_3
    server_chooses = values.flag((TLS, "prefer_server_cipher_suites"), default=True)
    if values.texts((TLS, "curve_preferences"), CURVES):
        values.warn((TLS, "curve_preferences"), "is not followed: OpenSSL chooses the curve, X25519 first")
    enabled = any(values.text((TLS, key)) for key in _ENABLING)
    if not enabled and values.keys((TLS,)):
        values.warn((TLS,), "names no certificate, so TLS is off")
    if not enabled or not values.sound((TLS,)):
        return None
    for name in ("cert", "key"):
        if pems[name] is None:
            values.wrong((TLS,), f"has neither {name}_file nor {name}", f"write {name}_file: PATH", hidden=True)
    _check_policy(values, policy, pems["client_ca"], sans)
    if oldest > newest:
        values.wrong(
            (TLS, "max_version"), "leaves no version of TLS to speak", "write TLS13, or leave the key out", hidden=True
        )
    certificate, private_key = pems["cert"], pems["key"]
    if certificate is None or private_key is None or not values.sound((TLS,)):
        return None
    return TlsSettings(
        certificate, private_key, pems["client_ca"], _POLICIES[policy], sans, oldest, newest, ciphers, server_chooses
    )


def _pem(values: Values, name: str, folder: Path) -> Pem | None:
    file, text = values.text((TLS, f"{name}_file")), values.text((TLS, name))
    if file:
        if text:
            values.warn((TLS, name), f"is not looked at: {name}_file counts")
        return Pem(f"{name}_file", Path(folder, file))
    return Pem(name, text=text) if text else None


def _versions(values: Values) -> tuple[ssl.TLSVersion, ssl.TLSVersion]:
    found = []
    for key, default in (("min_version", "TLS12"), ("max_version", "TLS13")):
        name = values.choice((TLS, key), tuple(_VERSIONS), default)
        if name in ("TLS10", "TLS11"):
            values.warn((TLS, key), f"{name} is not spoken: it is not safe any more; TLS 1.2 is")
        found.append(_VERSIONS[name])
    return found[0], found[1]


def _ciphers(values: Values) -> tuple[str, ...] | None:
    names = values.texts((TLS, "cipher_suites"), tuple(CIPHERS))
    return tuple(name for name in map(CIPHERS.get, names) if name is not None) if names else None


def _sans(values: Values) -> frozenset[str] | None:
    path = (TLS, "client_allowed_sans")
    if not values.has(path):
        return None
    sans = values.texts(path)
    if not sans and values.sound(path):
        values.wrong(path, "is empty, so that nobody could connect", "write names, or leave the key out", hidden=True)
    return frozenset(sans)


def _check_policy(values: Values, policy: str, client_ca: Pem | None, sans: frozenset[str] | None) -> None:
    path = (TLS, "client_auth_type")
    verified = "write client_auth_type: RequireAndVerifyClientCert"
    certificates = _POLICIES[policy]
    if sans is not None and certificates != "required":
        values.wrong((TLS, "client_allowed_sans"), "needs a client certificate, and none is required", verified)
    if client_ca is not None and policy in ("", "NoClientCert"):
        values.wrong((TLS, client_ca.key), "is given, but client certificates are not asked for", verified, hidden=True)
    if policy == "RequestClientCert":
        values.warn(path, "certificates are not asked for, since nothing would be done with them")
    if certificates == "ignored":
        return
    if policy in (_ANY, "RequireClientCert"):
        if client_ca is None:
            values.wrong(path, "would take certificates that nobody signed, which this server cannot", verified)
        else:
            values.warn(path, f"certificates are also verified, by {client_ca.key}")
    elif client_ca is None:
        values.warn(path, "without client_ca_file a certificate of any authority that this machine trusts is good")
