"""Clients of a server with a web configuration: over TLS, with certificates and passwords."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exporter.web.server import Server
from tests.web.configuration.files import PASSWORD
from tests.web.serving import Answer, connected, read_answer

TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
VERIFIED = TLS + "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"


def client_context(folder: Path, certificate: str | None = None) -> ssl.SSLContext:
    """Trust the folder's authority; show the certificate of this name there."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    if certificate is not None:
        context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
    return context


@contextmanager
def encrypted(server: Server, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """Connect to a server over TLS."""
    with connected(server) as client, context.wrap_socket(client, server_hostname="localhost") as wrapped:
        yield wrapped


def basic(user: str, password: str = PASSWORD) -> str:
    """Return the value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def ask(client: socket.socket, path: str = "/metrics", method: str = "GET", **headers: str) -> Answer:
    """Make a request on a connection and leave it open."""
    lines = [f"{method} {path} HTTP/1.1", "Host: exporter.test", *(f"{key}: {text}" for key, text in headers.items())]
    client.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    with client.makefile("rb") as stream:
        return read_answer(stream, method)
