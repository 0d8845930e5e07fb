"""uvicorn with uvloop and httptools sends files that it read before: ``python -m bench.kit.bare FOLDER PORT``.

What the exporter's server costs at the least: the application below is all that stands between it and the bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


def application(folder: Path) -> ASGIApp:
    """Answer with a file of this folder; as gzip, if the client takes it, with the one beside it."""
    bodies = {each.name: each.read_bytes() for each in folder.iterdir()}

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        compressed = (b"accept-encoding", b"gzip") in scope["headers"]
        body = bodies[scope["path"].removeprefix("/") + (".gz" if compressed else "")]
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
        if compressed:
            headers.append((b"content-encoding", b"gzip"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def main(arguments: Sequence[str]) -> int:
    """Serve until the end."""
    folder, port = arguments
    uvicorn.run(
        application(Path(folder)),
        port=int(port),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_level="warning",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
