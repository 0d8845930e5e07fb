"""uvicorn on a thread of its own, with its own event loop: uvloop where it is installed, else asyncio's.

The loop only copies bytes and answers health checks, so a poll that keeps the interpreter busy delays a scrape
by the interpreter's switch interval at most.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import uvicorn
from starlette.types import ASGIApp

from exporter.errors import ExporterError
from exporter.web.address import HEALTH_FLAG, Address, bind
from exporter.web.connections import MOST, Connections, Listener, allow_connections
from exporter.web.pieces import InPieces
from exporter.web.protocol import LimitedProtocol, Limits

if TYPE_CHECKING:
    from exporter.web.configuration import WebConfiguration

new_event_loop: Callable[[], asyncio.AbstractEventLoop]
try:
    from uvloop import new_event_loop
except ImportError:  # there is no uvloop for some platforms
    from asyncio import new_event_loop

_MOST_FOR_HEALTH: Final = 32
"""Connections at the health address."""

_STOP_MARGIN: Final = 3.0
"""Seconds beyond the grace after which a loop that does not end is left to the end of the process."""


class Health(NamedTuple):
    """Where to say how things are, without TLS and authentication, and what says it."""

    address: Address
    application: ASGIApp


class Server:
    """An ASGI application served over HTTP, or over HTTPS by a web configuration that asks for it."""

    def __init__(
        self,
        application: ASGIApp,
        address: Address,
        limits: Limits | None = None,
        *,
        configuration: WebConfiguration | None = None,
        connections: int = MOST,
        health: Health | None = None,
    ) -> None:
        """Take what to serve and where; nothing is bound yet. At most ``connections`` are open at a time.

        What ``health`` names is served beside it, by the same event loop and to everybody.
        """
        if configuration is not None:
            from exporter.web.guard import Guard  # noqa: PLC0415 - most have no web configuration

            application = Guard(application, configuration)
        self._application = application
        self._asked = address
        self._limits = limits or Limits()
        self._configuration = configuration
        self._most = connections
        self._health = health
        self._address: Address | None = None
        self._health_address: Address | None = None
        self._uvicorn: _Uvicorn | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> Address:
        """Where it listens; the port is the real one when any was asked for."""
        if self._address is None:
            raise RuntimeError("the server was not started")
        return self._address

    @property
    def health_address(self) -> Address | None:
        """Where ``health`` is served, likewise; None without it, and before the start."""
        return self._health_address

    def is_alive(self) -> bool:
        """Whether it is serving."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Bind and serve; returns when connections are taken. Raises as ``bind`` does."""
        listener = bind(self._asked)
        self._address = Address(self._asked.host, listener.getsockname()[1])
        fronts = [self._front(listener, allow_connections(self._most))]
        if self._health is not None:
            try:
                front = _health_front(self._health, self._limits)
            except ExporterError:
                listener.close()
                raise
            self._health_address = Address(self._health.address.host, front.listener.getsockname()[1])
            fronts.append(front)
        self._uvicorn = _Uvicorn(fronts)
        self._thread = threading.Thread(target=self._serve, args=(self._uvicorn,), name="web", daemon=True)
        self._thread.start()
        self._uvicorn.serving.wait()
        if not self._uvicorn.started:
            raise RuntimeError("the web server ended before it served; its log says why")

    def stop(self, grace: float = 2.0) -> bool:
        """Take no more connections, give answers under way ``grace`` seconds, cut the rest off.

        Returns whether it has ended. May be called again, and without a start.
        """
        if self._uvicorn is None or self._thread is None:
            return True
        self._uvicorn.grace = grace
        self._uvicorn.should_exit = True
        self._thread.join(grace + _STOP_MARGIN)
        return not self._thread.is_alive()

    def _front(self, listener: socket.socket, most: int) -> _Front:
        configuration = self._configuration
        if configuration is None or configuration.context is None:
            return _Front(listener, _settings(self._application, self._limits, most))

        from exporter.web.configuration.peers import admitted  # noqa: PLC0415 - most have no web configuration

        def admits(transport: asyncio.Transport) -> bool:
            tls = configuration.settings.tls
            return tls is not None and admitted(tls, transport.get_extra_info("peercert"))

        settings = _settings(InPieces(self._application), self._limits, most, admits)
        return _Front(listener, settings, configuration.context)

    @staticmethod
    def _serve(server: _Uvicorn) -> None:
        try:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(server.serve())
        finally:
            server.serving.set()  # nobody waits for a server that failed to start


class _Front(NamedTuple):
    """A listening socket, how what comes there is served, and how encrypted."""

    listener: socket.socket
    config: uvicorn.Config
    context: ssl.SSLContext | None = None


def _health_front(health: Health, limits: Limits) -> _Front:
    return _Front(bind(health.address, HEALTH_FLAG), _settings(health.application, limits, _MOST_FOR_HEALTH))


class _Uvicorn(uvicorn.Server):
    """uvicorn's server with listeners of ours, a start that can be waited for and a stop that is bounded.

    It runs outside the main thread, where it installs no signal handlers.
    """

    def __init__(self, fronts: Sequence[_Front]) -> None:
        super().__init__(fronts[0].config)
        self.serving = threading.Event()
        self.grace = 0.0
        self._fronts = fronts
        self._listeners: list[Listener] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        del sockets
        for front in self._fronts:
            if not front.config.loaded:
                front.config.load()
            protocol: type[LimitedProtocol] = front.config.http  # type: ignore[assignment]
            make = partial(protocol, front.config, self.server_state, {})
            self._listeners.append(
                Listener(front.listener, make, protocol.siblings, front.context, protocol.limits.receive_timeout)
            )
        for listener in self._listeners:
            listener.start()
        self.started = True
        self.serving.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        del sockets
        for listener in self._listeners:
            listener.close()
        connections: set[Any] = self.server_state.connections
        for connection in list(connections):
            connection.shutdown()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.grace
        while connections and loop.time() < deadline:
            await asyncio.sleep(0.01)
        for connection in list(connections):
            connection.cut_off()
        while connections:  # an aborted transport tells its protocol in the next turn of the loop
            await asyncio.sleep(0)


def _settings(
    application: ASGIApp,
    limits: Limits,
    most: int,
    admits: Callable[[asyncio.Transport], bool] | None = None,
) -> uvicorn.Config:
    class Protocol(LimitedProtocol):
        pass

    Protocol.limits = limits
    Protocol.siblings = Connections(most)
    if admits is not None:
        Protocol.admits = admits
    return uvicorn.Config(
        application,
        http=Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
    )
