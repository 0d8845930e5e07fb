"""The real transport: a pool of connections to one origin, direct or through a proxy."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from typing import cast

import httpcore
import httpx

from exporter.http.network import Network
from exporter.http.proxy import Proxy

CONNECTIONS = 16
"""More than a target's requests at a time, so that nobody ever waits for a connection."""


class PoolTransport(httpx.BaseTransport):
    """httpcore's pool behind httpx's seam, on our sockets. Its errors are httpcore's (see ``failure``).

    Without a context nothing on the way may need TLS.
    """

    def __init__(self, network: Network, context: ssl.SSLContext | None, proxy: Proxy | None = None) -> None:
        if proxy is None:
            self._pool = httpcore.ConnectionPool(
                ssl_context=context, max_connections=CONNECTIONS, keepalive_expiry=5.0, network_backend=network
            )
        else:
            url = httpx.URL(proxy.shown)
            self._pool = httpcore.HTTPProxy(
                proxy_url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"),
                proxy_auth=proxy.raw_auth,
                ssl_context=context,
                proxy_ssl_context=context if proxy.secure else None,
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
