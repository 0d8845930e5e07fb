"""Foundry's two questions: which routines there are, and what runs a routine had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx

from exporter.errors import Forbidden, InvalidResponse
from exporter.http import Client, Reply, segment
from exporter.observations import Roster, Skipped
from exporter.platforms.foundry.records import Attempt, Routine, RoutineRun
from exporter.platforms.foundry.settings import FoundrySettings
from exporter.platforms.labels import clean
from exporter.platforms.parsing import answer, kind_of
from exporter.platforms.trail import Row, Trail
from exporter.platforms.walk import RawPage
from exporter.times import Clock, Micros

PAGE_SIZE: Final = 100
"""The most that Foundry's lists give at once."""
API_VERSION: Final = "v1"
PREVIEW_REQUIRED: Final = "preview_feature_required"
"""The error code of an answer to a request that lacks the header ``Foundry-Features``."""

M = TypeVar("M")


class Api:
    """The requests of one poll, with their parameters, headers and envelopes."""

    def __init__(self, settings: FoundrySettings, client: Client, clock: Clock) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock
        self._headers = {"Foundry-Features": settings.features} if settings.features else {}

    def roster(self) -> Roster[Routine]:
        """Read the list of routines whole. Raises UpstreamError."""
        routines: dict[str, Routine] = {}
        skipped: list[Skipped] = []
        trail = Trail()
        link: str | None = None
        date: Micros | None = None
        while True:
            reply = self._get("/routines", link, {})
            date = reply.date if date is None else date
            items, bad, following = self._page("/routines", reply, Routine)
            skipped.extend(bad)
            for routine in items:
                routines.setdefault(routine.name, routine)
            if following is None:
                break
            circle = trail.circle([routine.name for routine in items], link, following)
            if circle is not None:
                raise InvalidResponse(f"/routines: {circle}")
            link = following
        chosen = tuple(routine for routine in routines.values() if self._settings.selects(routine.name))
        return Roster(chosen, date, tuple(skipped))

    def runs(self, routine: str, trigger: str | None, link: str | None) -> RawPage[Attempt]:
        """Read one page of a routine's runs, newest first. Raises UpstreamError."""
        path = f"/routines/{segment(routine)}/runs"
        reply = self._get(path, link, {"order": "desc"})
        items, skipped, following = self._page(path, reply, RoutineRun)
        return RawPage(
            items=tuple(Attempt(run, trigger) for run in items),
            rows=tuple(Row(run.id, run.times) for run in items),
            next_link=following,
            upstream_now=self._clock.now().world if reply.date is None else reply.date,
            skipped=skipped,
        )

    def _get(self, path: str, link: str | None, params: dict[str, str]) -> Reply:
        try:
            return self._ask(path, link, params)
        except Forbidden as error:
            if PREVIEW_REQUIRED not in str(error):
                raise
            raise Forbidden(f"{path}: {PREVIEW_REQUIRED}; set features to what Foundry asks for", status=403) from None

    def _ask(self, path: str, link: str | None, params: dict[str, str]) -> Reply:
        if link is None:
            wanted = {"limit": str(PAGE_SIZE), **params, "api-version": API_VERSION}
            return self._client.get(path, params=wanted, headers=self._headers)
        versioned = "api-version" in dict(parse_qsl(urlsplit(link).query))
        return self._client.get(link, params=None if versioned else {"api-version": API_VERSION}, headers=self._headers)

    def _page(self, where: str, reply: Reply, model: type[M]) -> tuple[tuple[M, ...], tuple[Skipped, ...], str | None]:
        head, items, skipped = answer(where, reply, model, "data", "value")
        link = head.get("next_link") or head.get("nextLink") or _link_of_token(reply, head)
        if not link:
            return items, skipped, None
        if not isinstance(link, str):
            raise InvalidResponse(f"{where}: found {kind_of(link)} as next_link, expected text or null")
        return items, skipped, self._client.link(reply, clean(link))


def _link_of_token(reply: Reply, head: Mapping[str, object]) -> str | None:
    """Return the link that a bare token of the early previews stands for.

    They came without a documented parameter. If it is not ``after``, the same page comes again, which a walk
    takes for a circle: an error, and never a short listing taken for a whole one.
    """
    token = head.get("nextPageToken") or head.get("continuationToken")
    return str(httpx.URL(reply.url).copy_set_param("after", token)) if isinstance(token, str) else None
