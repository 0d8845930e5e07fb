"""The simulator as a real HTTP/1.1 server on loopback, one thread a connection.

Built on http.server and not on an ASGI server on purpose: faults need the socket itself, to send half a header,
to reset a connection in the middle of a body, to say nothing at all. Its ``Date`` is the world's.
"""

from __future__ import annotations

import http.client
import logging
import select
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from exporter.simulator.messages import Request, Response

log = logging.getLogger(__name__)

Handle = Callable[[Request], Response]
DRIP = 16
"""Bytes of a body that are sent at a time when it drips."""


class Server:
    """A listening simulator. ``base_url`` is its address; ``pause`` and ``resume`` close and open the port."""

    def __init__(self, handle: Handle, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._handle = handle
        self._host = host
        self.port = port
        self._tls = tls
        self._listener: _Listener | None = None

    @property
    def base_url(self) -> str:
        """Scheme, host and port, as a client on this machine writes them."""
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104
        bracketed = f"[{host}]" if ":" in host else host
        return f"{'https' if self._tls else 'http'}://{bracketed}:{self.port}"

    def start(self) -> None:
        """Listen, and answer in threads of their own. OSError when the port is taken."""
        self._listener = _Listener((self._host, self.port), self._handle, self._tls)
        self.port = self._listener.server_address[1]
        threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, name="simulator", daemon=True
        ).start()

    def stop(self) -> None:
        """Close the port and every connection."""
        if self._listener is not None:
            self._listener.close_all()
            self._listener = None

    pause = stop
    resume = start


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handle: Handle, tls: ssl.SSLContext | None) -> None:
        self.handle_message = handle
        self.tls = tls
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def keep(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def drop(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def close_all(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._connections:
                _shut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  inherited
        error = sys.exception()
        if isinstance(error, OSError):  # the client went away, or TLS failed: its business
            return
        log.error("the simulator failed to answer", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener
    request: socket.socket

    def setup(self) -> None:
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.server.keep(self.request)
        super().setup()

    def finish(self) -> None:
        self.server.drop(self.request)
        super().finish()
        _shut(self.request)
        self.request.close()

    def log_message(self, format: str, *args: Any) -> None:
        """The access log is the simulator's own."""

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            self.send_error(400, "Content-Length must be a number")
            return
        body = self.rfile.read(int(length))
        scheme = "http" if self.server.tls is None else "https"
        base = f"{scheme}://{headers.get('host', '127.0.0.1')}"
        self._send(self.server.handle_message(Request(self.command, path, query, headers, body, base)))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  names that http.server looks for

    def _send(self, response: Response) -> None:
        content = response.content()
        headers = {
            "Content-Type": "application/json",
            **response.headers,
            "Content-Length": str(len(content)),
        }
        reason = http.client.responses.get(response.status, "")
        lines = [f"HTTP/1.1 {response.status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        match response.delivery:
            case "whole":
                self.wfile.write(head + content)
            case "refuse":
                self._reset()
            case "reset":
                self.wfile.write(head + content[: len(content) // 2])
                self._reset()
            case "hang" | "swallow":
                self._wait(response.delay)
                self.close_connection = True
            case "drip_headers":
                self._drip(head, 1, response.delay)
                self.wfile.write(content)
            case "drip_body":
                self.wfile.write(head)
                self._drip(content, DRIP, response.delay)

    def _drip(self, content: bytes, size: int, delay: float) -> None:
        for start in range(0, len(content), size):
            if self._wait(delay):
                self.close_connection = True
                return
            self.wfile.write(content[start : start + size])

    def _wait(self, seconds: float) -> bool:
        """Wait, but not longer than the client or the server lives; whether the wait was cut short."""
        waited = 0.0
        while waited < seconds:
            step = min(0.1, seconds - waited)
            if self.server.stopping.is_set() or select.select([self.request], [], [], step)[0]:
                return True
            waited += step
        return False

    def _reset(self) -> None:
        """Close with RST instead of FIN."""
        self.close_connection = True
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.drop(self.request)
        self.request.close()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # already gone
        return
