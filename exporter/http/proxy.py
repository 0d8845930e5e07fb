"""The proxy on the way to an upstream: a target's own, the environment's, or none. Its credentials are secret."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Final, Literal
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import httpx

from exporter.errors import ConfigError
from exporter.redaction import remember

DIRECT: Final = "off"
"""In place of a proxy: none, whatever the environment says."""

_PORTS: Final = {"http": 80, "https": 443}


class Proxy:
    """The address of a proxy, and its credentials, which nothing shows but ``url`` and ``raw_auth``."""

    __slots__ = ("_password", "_user", "place", "shown")

    def __init__(self, text: str) -> None:
        """Read ``http://user:password@host:port``. Raises ValueError with words that repeat nothing of ``text``."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise ValueError("is no URL") from None
        if parts.scheme not in _PORTS:
            raise ValueError("is no http or https URL")
        if port == 0:
            raise ValueError("names port 0, which nobody listens at")
        # Before anything else can fail: from now on every text blanks them.
        self._user = unquote(parts.username or "")
        self._password = None if parts.password is None else unquote(parts.password)
        remember(self._user if self._password is None else self._password)
        host = parts.hostname or ""
        if not _is_host(host):
            raise ValueError("names no host")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("has more than scheme, credentials, host and port")
        self.place: Final = f"{f'[{host}]' if ':' in host else host}:{port or _PORTS[parts.scheme]}"
        self.shown: Final = f"{parts.scheme}://{self.place}"

    @property
    def secure(self) -> bool:
        """Whether the way to the proxy itself is TLS."""
        return self.shown.startswith("https:")

    @property
    def url(self) -> str:
        """The whole address, credentials included."""
        if self.raw_auth is None:
            return self.shown
        scheme, _, rest = self.shown.partition("://")
        password = "" if self._password is None else f":{quote(self._password, safe='')}"
        return f"{scheme}://{quote(self._user, safe='')}{password}@{rest}"

    @property
    def raw_auth(self) -> tuple[bytes, bytes] | None:
        """User and password, None when there are none."""
        if not self._user and self._password is None:
            return None
        return self._user.encode(), (self._password or "").encode()

    def __repr__(self) -> str:
        return f"Proxy({self.shown!r})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Proxy) and hmac.compare_digest(self.url.encode(), other.url.encode())

    def __hash__(self) -> int:
        return hash(self.shown)


Choice = Proxy | Literal["off"] | None
"""A target's proxy; ``off`` for none; None for what the environment says."""


def proxy_for(url: httpx.URL, choice: Choice) -> Proxy | None:
    """Return the proxy on the way to ``url``. Raises ConfigError for one of the environment that cannot be used."""
    if choice is None:
        return environment_proxy(url)
    return choice if isinstance(choice, Proxy) else None


def environment_proxy(url: httpx.URL) -> Proxy | None:
    """The proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name for ``url``; never one for loopback.

    Raises ConfigError for a proxy that cannot be used. Its user and password are never in the message.
    """
    if is_loopback(url.host):
        return None
    proxies = getproxies_environment()
    found = proxies.get(url.scheme) or proxies.get("all")
    if not found or proxy_bypass_environment(url.host, proxies):
        return None
    try:
        return Proxy(found if "://" in found else f"http://{found}")
    except ValueError as error:
        raise ConfigError([f"the proxy of the environment {error}, expected http://host:port or https://"]) from None


def is_loopback(host: str) -> bool:
    """localhost and the loopback addresses of both families."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_host(name: str) -> bool:
    return bool(name) and name.isascii() and all(each.isalnum() or each in "._:-" for each in name)
