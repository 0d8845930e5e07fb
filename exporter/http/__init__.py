"""HTTP to the upstreams: bounded in time, size and pace; every failure is one of ``exporter.errors``.

- ``client``     Client: the loop of budget, try, retry; what platforms and the poll use
- ``wire``       one request, sent and read whole within its deadline
- ``network``    sockets that can be shut down, and ``streams``, whose every blocking call is cut to the deadline
- ``transport``  the connection pool on them, direct or through a proxy
- ``proxy``      Proxy: a target's own, or the environment's
- ``budget``     Budget, Budgets: the pace, per origin and credential
- ``circuit``    Circuit: when a target fails again and again
- ``headers``    times, waits and quotas in response headers (pure)
- ``body``       decompression and JSON within limits (pure)
- ``urls``       the configured origin, and nothing else (pure)
- ``failure``    what went wrong below -> our error tree
"""

from __future__ import annotations

from exporter.http.auth import Auth, HeaderAuth, NoAuth
from exporter.http.budget import Budget, Budgets
from exporter.http.circuit import Circuit
from exporter.http.client import Classify, Client
from exporter.http.headers import Quota, http_date
from exporter.http.proxy import Choice, Proxy, is_loopback
from exporter.http.reply import Reply
from exporter.http.settings import Observer, Settings
from exporter.http.tls import ssl_context
from exporter.http.urls import Params, segment

__all__ = [
    "Auth",
    "Budget",
    "Budgets",
    "Choice",
    "Circuit",
    "Classify",
    "Client",
    "HeaderAuth",
    "NoAuth",
    "Observer",
    "Params",
    "Proxy",
    "Quota",
    "Reply",
    "Settings",
    "http_date",
    "is_loopback",
    "segment",
    "ssl_context",
]
