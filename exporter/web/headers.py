"""The headers that every answer carries."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

NO_CONTENT_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For answers that load nothing at all."""


def style_policy(style: str) -> str:
    """Return the policy of a page whose only resource is the text of its one ``<style>`` element."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return f"{NO_CONTENT_POLICY}; style-src 'sha256-{digest}'"


class SecureHeaders:
    """ASGI middleware: adds the headers that every answer carries, and a policy where the answer has none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ``app`` does, with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *SECURITY_HEADERS, (b"cache-control", b"no-store")]
                if not any(name == b"content-security-policy" for name, _ in headers):
                    headers.append((b"content-security-policy", NO_CONTENT_POLICY.encode("ascii")))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_headers)
