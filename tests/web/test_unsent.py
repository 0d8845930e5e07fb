"""Connections that ended by themselves a moment before somebody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest
import uvloop

from exporter.web.unsent import any_unsent, reset


@pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def test_one_that_has_ended_has_nothing_unsent_and_is_reset_in_vain(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """One that raised there would end whoever ends all of them: the server, with an answer under way."""

    async def ended() -> tuple[bool, bool]:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            assert await reader.read() == b""
            transport = cast("asyncio.Transport", writer.transport)
            before = any_unsent(transport)
            transport.abort()
            await writer.wait_closed()
            reset(transport)
            return before, any_unsent(transport)

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(ended()) == (False, False)
