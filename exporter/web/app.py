"""The endpoints, as one ASGI application.

    GET  /metrics      the snapshot in the form asked for; 503 until there is one
                       with target=, platform= or process=true a part of it; 404 for a name that there is not,
                       400 for another parameter
    GET  /             the status page
    GET  /api/v1/targets   what it shows, as JSON
    GET  /api/v1/runs      failed, late and open runs with their ids, as JSON; 400 for an outcome there is not,
                       and for another parameter
    GET  /-/healthy    200 while the program works, 503 with a sentence else
    GET  /-/ready      200 once there is something to scrape, 503 with a sentence else
    POST /-/reload     read the configuration anew; 403 unless that is enabled, 500 with the reason if it is bad

HEAD works wherever GET does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.errors import ConfigError
from exporter.exposition import Rendered, Slices
from exporter.web import api
from exporter.web.headers import SecureHeaders
from exporter.web.metrics import Metrics
from exporter.web.pages import status_page, wanted
from exporter.web.selection import RUN_PARAMETERS, BadQueryError, RunFilter, Targets, refuse_others, run_filter
from exporter.web.style import STYLE_POLICY
from exporter.web.views import RunsView, StatusView

_METRICS_PATH: Final = "/metrics"
_READ: Final = ("GET", "HEAD")

_Endpoint = Callable[[Request], Awaitable[Response]]


class Verdict(NamedTuple):
    """An answer to a health check; ``reason`` is a sentence, also when all is well."""

    ok: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the answers come from.

    ``snapshot``, ``targets`` (names of all that are configured), ``healthy`` and ``ready`` are called on the event
    loop: they return at once and take no lock that is held for long. ``snapshot`` is None as long as there is none.
    ``status``, ``runs`` and ``reload`` are called on a worker thread; ``reload`` never twice at a time. It raises
    ``ConfigError``, and is None when reloading over HTTP is not enabled.
    """

    snapshot: Callable[[], Rendered | None]
    slices: Slices
    targets: Callable[[], Targets]
    healthy: Callable[[], Verdict]
    ready: Callable[[], Verdict]
    status: Callable[[], StatusView]
    runs: Callable[[RunFilter], RunsView]
    reload: Callable[[], None] | None = None


def application(sources: Sources) -> ASGIApp:
    """Return the ASGI application that serves ``sources``."""
    metrics = Metrics(sources.snapshot, sources.slices, sources.targets)
    pages = Starlette(
        routes=[
            Route("/", _status(sources)),
            Route("/api/v1/targets", _targets(sources)),
            Route("/api/v1/runs", _runs(sources)),
            Route(_METRICS_PATH, metrics, methods=_READ),
            Route("/-/healthy", _check(sources.healthy)),
            Route("/-/ready", _check(sources.ready)),
            Route("/-/reload", _reload(sources.reload), methods=["POST"]),
        ],
        exception_handlers={404: _not_found, 405: _method_not_allowed},
    )
    pages.router.redirect_slashes = False  # a redirect would repeat whatever Host the request names
    return _Front(metrics, _unless_cancelled(SecureHeaders(pages)))


def health_application(sources: Sources) -> ASGIApp:
    """Return the ASGI application that says how things are, and nothing else."""
    pages = Starlette(
        routes=[Route("/-/healthy", _check(sources.healthy)), Route("/-/ready", _check(sources.ready))],
        exception_handlers={404: _not_here, 405: _method_not_allowed},
    )
    pages.router.redirect_slashes = False
    return SecureHeaders(pages)


class _Front:
    """Serves scrapes before any routing, so that one costs what a static file costs."""

    def __init__(self, metrics: Metrics, pages: ASGIApp) -> None:
        self._metrics = metrics
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scrape = scope["path"] == _METRICS_PATH and scope["method"] in _READ
        await (self._metrics if scrape else self._pages)(scope, receive, send)


def _unless_cancelled(application: ASGIApp) -> ASGIApp:
    """Serve, and say nothing of an answer that was not ready when the loop ended: its connection is cut off already."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(asyncio.CancelledError):
            await application(scope, receive, send)

    return serve


def _status(sources: Sources) -> _Endpoint:
    async def answer(request: Request) -> Response:
        query = request.query_params
        try:
            chosen = run_filter(query)
        except BadQueryError as error:
            return _bad(error)
        asked = wanted(query.get("sort", ""), query.get("runs", ""), query.get("open", ""), chosen)
        page = await run_in_threadpool(lambda: status_page(sources.status(), sources.runs(chosen), asked))
        return HTMLResponse(page, headers={"content-security-policy": STYLE_POLICY})

    return answer


def _targets(sources: Sources) -> _Endpoint:
    async def answer(request: Request) -> Response:
        try:
            refuse_others(request.query_params, ())
        except BadQueryError as error:
            return _bad(error)
        return await run_in_threadpool(lambda: JSONResponse(api.targets(sources.status())))

    return answer


def _runs(sources: Sources) -> _Endpoint:
    async def answer(request: Request) -> Response:
        try:
            refuse_others(request.query_params, RUN_PARAMETERS)
            chosen = run_filter(request.query_params)
        except BadQueryError as error:
            return _bad(error)
        return await run_in_threadpool(lambda: JSONResponse(api.runs(sources.runs(chosen))))

    return answer


def _bad(error: BadQueryError) -> Response:
    return PlainTextResponse(f"{error}\n", status_code=400)


def _check(check: Callable[[], Verdict]) -> _Endpoint:
    async def answer(_request: Request) -> Response:
        verdict = check()
        return PlainTextResponse(f"{verdict.reason}\n", status_code=200 if verdict.ok else 503)

    return answer


def _reload(reload: Callable[[], None] | None) -> _Endpoint:
    one_at_a_time = asyncio.Lock()

    async def answer(_request: Request) -> Response:
        if reload is None:
            return PlainTextResponse(
                "Reloading over HTTP is not enabled: start with --web.enable-lifecycle, or send SIGHUP.\n",
                status_code=403,
            )
        try:
            async with one_at_a_time:
                await run_in_threadpool(reload)
        except ConfigError as error:
            return PlainTextResponse(
                f"The configuration was not taken, or not all of it; what was in use goes on.\n{error}\n",
                status_code=500,
            )
        return PlainTextResponse("The configuration was read and taken.\n")

    return answer


async def _not_found(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("There is no such page. The start page is /.\n", status_code=404)


async def _not_here(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("Only /-/healthy and /-/ready are here.\n", status_code=404)


async def _method_not_allowed(request: Request, error: Exception) -> Response:
    headers = error.headers if isinstance(error, HTTPException) else None
    allowed = ", ".join(sorted((headers or {}).get("Allow", "").split(", ")))
    return PlainTextResponse(f"{request.url.path} takes {allowed} only.\n", status_code=405, headers={"allow": allowed})
