"""What one connection may cost: uvicorn's HTTP protocol with limits.

uvicorn by itself takes headers of any size, waits for ever for the rest of a request, parses as many pipelined
requests as a client cares to send, and keeps a reader that does not read, with the whole response, until the
peer goes away. A connection here is always in one of these states, each with its own end:

    receiving    the request is not whole                  ``receive_timeout``: 408, or closed if nothing came
    responding   the reader does not take all at once      ``write_timeout``: reset, which frees the bytes
    idle         answered, waiting for another request     ``keep_alive``: closed; reset if the answer was not read

All but the second, and a reader that stalls, count as quiet: see ``connections``.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from exporter.web.connections import Connections
from exporter.web.headers import SECURITY_HEADERS
from exporter.web.unsent import any_unsent, reset

_PIECE: Final = 1024
"""The parser is fed so many bytes at a time: what one piece may hold bounds how far it can run ahead."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one connection; times in seconds.

    ``request_bytes`` bounds a whole request: no endpoint takes a body, so what is allowed is for the headers.
    ``receive_timeout`` runs from the first byte of a request (of a new connection, from its start) to the last.
    ``write_timeout`` is how long a reader may take for what the transport could not send at once.
    ``keep_alive`` is longer than the usual scrape interval, so that Prometheus finds its connection open.
    ``linger`` is how long the peer may take to read why it was refused.
    """

    request_bytes: int = 65_536
    receive_timeout: float = 10.0
    write_timeout: float = 30.0
    keep_alive: float = 75.0
    linger: float = 1.0


class LimitedProtocol(HttpToolsProtocol):
    """One connection, which counts among ``siblings``; a subclass sets them and other ``limits``.

    ``admits`` says of a transport, once TLS has been agreed on, whether its peer may ask at all.
    """

    limits: ClassVar[Limits] = Limits()
    siblings: ClassVar[Connections] = Connections()
    admits: ClassVar[Callable[[asyncio.Transport], bool] | None] = None

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.timeout_keep_alive = self.limits.keep_alive  # type: ignore[assignment]  # a loop takes any number
        self.waiting: socket.socket | None = None
        self._unparsed = bytearray()
        self._received = 0  # bytes of the request under way
        self._receiving = False  # a request has begun and is not whole
        self._head_whole = False  # and its headers are
        self._refused = False  # no more requests on this connection
        self._receive_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    # From the transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time in which a first request must come."""
        super().connection_made(transport)
        admits = type(self).admits
        if admits is not None and not admits(transport):
            self._refused = True
            transport.abort()
            return
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self.siblings.leave(self)
        self._unset_keepalive_if_required()
        self._cancel_receive_timer()
        self._cancel_write_timer()
        self._unparsed.clear()
        self._refused = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, as far as it may run ahead of the responses."""
        if not self._refused:
            self._unparsed += data
            self._parse()

    def pause_writing(self) -> None:
        """Give the reader its time; called when the transport has more unsent bytes than it likes."""
        super().pause_writing()
        self.siblings.quiet(self)
        self._bound_writing(self.limits.write_timeout)

    def resume_writing(self) -> None:
        """The reader has read; its time ends with the answer, not with a part of it."""
        super().resume_writing()
        self.siblings.busy(self)
        if self.cycle is None or self.cycle.response_complete:
            self.siblings.quiet(self)
            if not self.transport.is_closing():
                self._cancel_write_timer()

    # From the parser

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        super().on_message_begin()
        self._received = 0
        self._receiving = True
        self._head_whole = False
        self.siblings.heard(self)
        self._unset_keepalive_if_required()
        self._expect_request()

    def on_headers_complete(self) -> None:
        """Start the response, or queue it behind those under way."""
        super().on_headers_complete()
        self._head_whole = True
        self.siblings.busy(self)

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        super().on_message_complete()
        self._receiving = False
        self._cancel_receive_timer()

    # From the response

    def on_response_complete(self) -> None:
        """Go on with what the peer sent meanwhile."""
        super().on_response_complete()
        if not self.pipeline:
            self.siblings.quiet(self)
        if self.transport.is_closing():
            self._bound_writing(self.limits.write_timeout)
            return
        if not self.flow.write_paused:
            self._cancel_write_timer()
        if self._receiving:  # not idle: the receive timer is running
            self._unset_keepalive_if_required()
        self._parse()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection."""
        if any_unsent(self.transport):
            reset(self.transport)
        else:
            self._close()

    # Our own

    def cut_off(self) -> None:
        """End at once, and free what was not sent."""
        if self.waiting is not None:
            with suppress(OSError):
                self.waiting.shutdown(socket.SHUT_RDWR)
        else:
            reset(self.transport)

    def _parse(self) -> None:
        while self._unparsed and not self.pipeline and not self._refused:
            piece = bytes(self._unparsed[:_PIECE])
            del self._unparsed[:_PIECE]
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade:
                # No other protocol is spoken here: the request is answered as what it is, and is the last.
                self._refuse(HTTPStatus.NOT_IMPLEMENTED)
            except httptools.HttpParserError:
                self._refuse(HTTPStatus.BAD_REQUEST)
            else:
                self._received += len(piece)
                if self._receiving and self._received > self.limits.request_bytes:
                    self._refuse(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                        if self._head_whole
                        else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
                    )
        if self._unparsed:
            self.flow.pause_reading()

    def _refuse(self, status: HTTPStatus) -> None:
        """Take no more requests: answer with ``status`` if it is this request's turn and it has no answer yet."""
        self._refused = True
        self._unparsed.clear()
        self._cancel_receive_timer()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False  # the last answer under way closes
        elif self._head_whole:
            self._close()
        else:
            self._say(status)

    def _say(self, status: HTTPStatus) -> None:
        body = f"{status.phrase}.\n".encode("ascii")
        head = [STATUS_LINE[status]]
        for name, value in (
            *self.server_state.default_headers,
            *SECURITY_HEADERS,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ):
            head += [name, b": ", value, b"\r\n"]
        self.transport.write(b"".join([*head, b"\r\n", body]))
        if self.transport.can_write_eof():
            # To close with bytes unread would reset the connection and lose the answer on its way: what the
            # peer still sends is read and dropped until it closes.
            self.transport.write_eof()
            self._bound_writing(self.limits.linger, self.transport.abort)
        else:
            self._close()

    def _close(self) -> None:
        """Close after what is unsent, for which the reader has its time."""
        if not self.transport.is_closing():
            self.transport.close()
        self._bound_writing(self.limits.write_timeout)

    def _expect_request(self) -> None:
        if self._receive_timer is None:
            self._receive_timer = self.loop.call_later(self.limits.receive_timeout, self._on_receive_timeout)

    def _on_receive_timeout(self) -> None:
        self._receive_timer = None
        if self._unparsed or self.flow.read_paused:
            self._expect_request()  # it was us who did not read
        elif self._receiving:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._close()

    def _bound_writing(self, seconds: float, end: Callable[[], object] | None = None) -> None:
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(seconds, end or partial(reset, self.transport))

    def _cancel_receive_timer(self) -> None:
        if self._receive_timer is not None:
            self._receive_timer.cancel()
            self._receive_timer = None

    def _cancel_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
