"""``--web.config.file``: TLS, users, headers and a rate limit, in the format that Prometheus' own exporters share.

model.py       what a file can say, as the server uses it
hashes.py      bcrypt hashes: what one looks like, whether a password fits
ciphers.py     Go's names of cipher suites and curves
values.py      the values of single keys, and what is wrong with them
reading.py     a file to settings: every mistake at once with its line, and warnings
tls.py         certificates and keys to a TLS context
peers.py       which client certificates are let in by name
current.py     the settings in force: read again when a file changes
"""

from __future__ import annotations

from exporter.web.configuration.current import WebConfiguration
from exporter.web.configuration.model import RateLimit, WebSettings
from exporter.web.configuration.reading import Reading, read

__all__ = ["RateLimit", "Reading", "WebConfiguration", "WebSettings", "read"]
