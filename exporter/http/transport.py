"""The real transport: a pool of connections to one origin, direct or through the proxy of the environment."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable, Iterator
from typing import cast
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import httpcore
import httpx

from exporter.errors import ConfigError
from exporter.http.network import Network
from exporter.http.urls import is_host

CONNECTIONS = 16
"""More than a target's requests at a time, so that nobody ever waits for a connection."""


class PoolTransport(httpx.BaseTransport):
    """httpcore's pool behind httpx's seam, on our sockets. Its errors are httpcore's (see ``failure``)."""

    def __init__(self, network: Network, context: ssl.SSLContext, proxy: httpx.Proxy | None = None) -> None:
        if proxy is None:
            self._pool = httpcore.ConnectionPool(
                ssl_context=context, max_connections=CONNECTIONS, keepalive_expiry=5.0, network_backend=network
            )
        else:
            url = proxy.url
            self._pool = httpcore.HTTPProxy(
                proxy_url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"),
                proxy_auth=proxy.raw_auth,
                ssl_context=context,
                proxy_ssl_context=context if url.scheme == "https" else None,
                max_connections=CONNECTIONS,
                keepalive_expiry=5.0,
                network_backend=network,
            )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=cast("Iterable[bytes]", request.stream),
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Stream(response))

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


def is_loopback(host: str) -> bool:
    """localhost and the loopback addresses of both families."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def environment_proxy(url: httpx.URL) -> httpx.Proxy | None:
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
        proxy = httpx.Proxy(found if "://" in found else f"http://{found}")
    except (httpx.InvalidURL, ValueError):
        raise ConfigError(["the proxy of the environment is no URL, expected one with http:// or https://"]) from None
    if proxy.url.scheme not in ("http", "https") or not is_host(proxy.url):
        raise ConfigError(
            [f"the proxy of the environment is of kind {proxy.url.scheme!r}, expected http:// or https:// and a host"]
        )
    return proxy
