"""uvicorn on a thread of its own, with its own event loop: uvloop where it is installed, else asyncio's.

The loop only copies bytes and answers health checks, so a poll that keeps the interpreter busy delays a scrape
by the interpreter's switch interval at most.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from exporter.web.address import Address, bind
from exporter.web.protocol import LimitedProtocol, Limits

new_event_loop: Callable[[], asyncio.AbstractEventLoop]
try:
    from uvloop import new_event_loop
except ImportError:  # there is no uvloop for some platforms
    from asyncio import new_event_loop

_STOP_MARGIN: Final = 3.0
"""Seconds beyond the grace after which a loop that does not end is left to the end of the process."""


class Server:
    """An ASGI application served over HTTP."""

    def __init__(self, application: ASGIApp, address: Address, limits: Limits | None = None) -> None:
        """Take what to serve and where; nothing is bound yet."""
        self._application = application
        self._asked = address
        self._limits = limits or Limits()
        self._address: Address | None = None
        self._uvicorn: _Uvicorn | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> Address:
        """Where it listens; the port is the real one when any was asked for."""
        if self._address is None:
            raise RuntimeError("the server was not started")
        return self._address

    def is_alive(self) -> bool:
        """Whether it is serving."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Bind and serve; returns when connections are taken. Raises ``ConfigError`` when it cannot bind."""
        listener = bind(self._asked)
        self._address = Address(self._asked.host, listener.getsockname()[1])
        self._uvicorn = _Uvicorn(_settings(self._application, self._limits))
        self._thread = threading.Thread(target=self._serve, args=(self._uvicorn, listener), name="web", daemon=True)
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

    @staticmethod
    def _serve(server: _Uvicorn, listener: socket.socket) -> None:
        try:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(server.serve(sockets=[listener]))
        finally:
            listener.close()
            server.serving.set()  # nobody waits for a server that failed to start


class _Uvicorn(uvicorn.Server):
    """uvicorn's server with a start that can be waited for and a stop that is bounded.

    It runs outside the main thread, where it installs no signal handlers.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = threading.Event()
        self.grace = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.serving.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        connections: set[Any] = self.server_state.connections
        for connection in list(connections):
            connection.shutdown()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.grace
        while connections and loop.time() < deadline:
            await asyncio.sleep(0.01)
        for connection in list(connections):
            connection.transport.abort()
        while connections:  # an aborted transport tells its protocol in the next turn of the loop
            await asyncio.sleep(0)


def _settings(application: ASGIApp, limits: Limits) -> uvicorn.Config:
    class Protocol(LimitedProtocol):
        pass

    Protocol.limits = limits
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
