"""Reading Roboto: one question a poll, the statistics of all actions over ``[anchor, now)``."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

from pydantic import ValidationError

from exporter.errors import Forbidden, InvalidResponse, TooLarge, UpstreamError
from exporter.http import Client, Reply
from exporter.observations import Move, Reading, Skipped, Source, Windows
from exporter.platforms.anchors import new_anchor
from exporter.platforms.base import View
from exporter.platforms.parsing import BAD_RECORD, NO_ID, bad_fields, envelope, kind_of, records
from exporter.platforms.roboto.records import COUNTS, ActionStats, Caller, Figures
from exporter.platforms.roboto.settings import RobotoSettings
from exporter.platforms.skew import UpstreamClock
from exporter.platforms.trail import Trail
from exporter.times import MINUTE, Clock, Micros, to_datetime

SOURCE: Final = "org-stats"
STATS: Final = "/v1/actions/invocations/org-stats"
CALLER: Final = "/v1/orgs/caller"

SHORTEST_WINDOW: Final = MINUTE
"""A window that is too large for an answer is split, but not below this."""


class _Shifted(Exception):
    """The same action came on two pages: the list changed while it was read."""


def fetch(
    settings: RobotoSettings, client: Client, view: View, clock: Clock
) -> Generator[Windows[Figures], None, None]:
    """Yield all readings of this poll as one batch.

    When the further readings of a move fail, the batch comes without the move, and then the error is raised.
    """
    reader = _Reader(settings, client, view.memory, clock)
    reader.find_org()
    limits = settings.limits()
    state = view.sources.get(SOURCE)
    now = reader.clock.now_after(0 if state is None else state.anchor)
    anchor = now - limits.settle if state is None else state.anchor
    if now <= anchor:
        raise InvalidResponse("the clock stands before the start of the window; expected it to be right (NTP)")
    known = reader.clock.skew
    whole = reader.reading(anchor, now)
    if reader.clock.was_wrong(known, first=state is None):  # a baseline is one of the upstream's clock (rule 9)
        reader.skipped.clear()
        now = reader.clock.now()
        anchor = now - limits.settle if state is None else anchor
        whole = reader.reading(anchor, now)
    upstream_now = reader.clock.date
    move: Move[Figures] | None = None
    failure: UpstreamError | None = None
    new = new_anchor(state, limits, now)
    if new is not None:
        try:
            move = reader.move(anchor, new, now)
        except UpstreamError as error:
            failure = error
    yield Windows((Source(SOURCE, whole, move),), upstream_now, skipped=tuple(reader.skipped))
    if failure is not None:
        raise failure


class _Reader:
    """The requests of one poll. ``memory`` keeps the organisation and the clocks' difference between polls."""

    def __init__(self, settings: RobotoSettings, client: Client, memory: dict[str, Any], clock: Clock) -> None:
        self.skipped: list[Skipped] = []
        self.clock = UpstreamClock(clock, memory)
        self._settings = settings
        self._client = client
        self._memory = memory
        self._org: str = ""

    def find_org(self) -> None:
        """Learn the target's own organisation: configured, remembered, or asked for."""
        org = self._settings.org_id or self._memory.get("org")
        if org is None:
            reply = self._get(CALLER, None)
            _, items = envelope(CALLER, reply.json(), "data")
            callers, _ = records(items, Caller)
            orgs = sorted({caller.org_id for caller in callers})
            if len(orgs) != 1:
                named = ", ".join(orgs) or "none"
                raise Forbidden(f"the token belongs to {len(orgs)} organisations ({named}): set org_id to one of them")
            org = self._memory["org"] = orgs[0]
        self._org = org

    def reading(self, start: Micros, end: Micros) -> Reading[Figures]:
        """Read one window; one that is too large in two halves."""
        return Reading(start, end, tuple(self._figures(start, end).values()))

    def move(self, anchor: Micros, new: Micros, now: Micros) -> Move[Figures]:
        """Make the further readings of a move of the anchor (rule 12)."""
        return Move(
            closed=self.reading(anchor, new),
            rest=self.reading(new, now),
            again=self.reading(anchor, now),
        )

    def _figures(self, start: Micros, end: Micros) -> dict[str, Figures]:
        try:
            return self._list(start, end)
        except TooLarge:
            if end - start < 2 * SHORTEST_WINDOW:
                raise
        middle = start + (end - start) // 2
        found = self._figures(start, middle)
        for identity, figures in self._figures(middle, end).items():
            found[identity] = figures.plus(found[identity]) if identity in found else figures
        self._check_apart(middle)
        return found

    def _check_apart(self, middle: Micros) -> None:
        """Raise InvalidResponse when runs may be in both halves of a window that was split.

        A server that widens windows to whole units, or ignores their bounds, finds runs in a window of a microsecond.
        """
        if any(each.completed or each.failed or each.queued for each in self._list(middle, middle + 1).values()):
            raise InvalidResponse(
                f"{STATS}: found runs in a window of a microsecond, expected none: windows are widened, "
                "and one that is too large for an answer cannot be read in halves"
            )

    def _list(self, start: Micros, end: Micros) -> dict[str, Figures]:
        try:
            return self._pages(start, end)
        except _Shifted:
            pass
        try:
            return self._pages(start, end)
        except _Shifted:
            raise InvalidResponse(
                f"{STATS}: found the same action on two pages, twice; expected each action once"
            ) from None

    def _pages(self, start: Micros, end: Micros) -> dict[str, Figures]:
        found: dict[str, Figures] = {}
        trail = Trail()
        token: str | None = None
        while True:
            window = {"start_time": to_datetime(start).isoformat(), "end_time": to_datetime(end).isoformat()}
            payload = self._get(STATS, {**window, "page_token": token}).json()
            data = payload.get("data") if isinstance(payload, dict) else payload
            head, items = envelope(STATS, data, "items")
            page = self._page(items)
            if found.keys() & page.keys():
                raise _Shifted
            found.update(page)
            following = _next_token(head.get("next_token"))
            if following is None:
                return found
            circle = trail.circle(list(page), token, following)
            if circle is not None:
                raise InvalidResponse(f"{STATS}: {circle}")
            token = following

    def _page(self, items: list[Any]) -> dict[str, Figures]:
        page: dict[str, Figures] = {}
        for item in items:
            try:
                stats = ActionStats.model_validate(item)
            except ValidationError as error:
                bad = COUNTS.intersection(bad_fields(error))
                if bad:
                    raise InvalidResponse(
                        f"{STATS}: found no count in {min(bad)}, expected a whole number from 0"
                    ) from None
                self.skipped.append(NO_ID if isinstance(item, dict) else BAD_RECORD)
                continue
            figures = Figures(
                stats.action_org_id,
                stats.action_name,
                stats.action_org_id == self._org,
                stats.completed_count,
                stats.fail_count,
                stats.queued_count,
            )
            known = page.get(figures.identity)
            page[figures.identity] = figures if known is None else figures.larger(known)
        return page

    def _get(self, path: str, params: dict[str, str | None] | None) -> Reply:
        headers = {"X-Roboto-Api-Version": self._settings.api_version}
        if self._org or self._settings.org_id:
            headers["X-Roboto-Org-Id"] = self._org or str(self._settings.org_id)
        reply = self._client.get(path, params=params, headers=headers)
        self.clock.note(reply.date)
        return reply


def _next_token(value: object) -> str | None:
    if not value:
        return None
    if not isinstance(value, str):
        raise InvalidResponse(f"{STATS}: found {kind_of(value)} as next_token, expected text or null")
    return value
