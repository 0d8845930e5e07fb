"""Answers over TLS go out in pieces.

A transport keeps a reference to what it is given to send, but TLS makes an encrypted copy: of a whole snapshot for
each reader, and at once, so that nobody would notice that a reader does not read. In pieces no more is encrypted than
is on its way.
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PIECE: Final = 65_536


class InPieces:
    """ASGI middleware: sends what ``app`` sends, large bodies piece by piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ``app`` does. Sending waits whenever the reader has not taken the piece before."""

        async def send_in_pieces(message: Message) -> None:
            body = memoryview(message.get("body", b""))
            while len(body) > PIECE:
                await send({"type": "http.response.body", "body": body[:PIECE], "more_body": True})
                body = body[PIECE:]
            await send({**message, "body": body} if "body" in message else message)

        await self._app(scope, receive, send_in_pieces)
