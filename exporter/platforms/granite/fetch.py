"""Reading Granite: one address, one question in several forms.

At every poll the anchored window, whose sums the counters follow; every ``deep_interval`` the rolling window for
the gauges, and the anchored one of cancelled executions; with the requests that are left, workflows by name.
Each of them is a batch of its own: what fails later takes nothing back.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from exporter.errors import InvalidResponse, UpstreamError
from exporter.http import Client
from exporter.observations import Move, Reading, Source, Windows
from exporter.platforms.anchors import new_anchor
from exporter.platforms.base import View
from exporter.platforms.granite.figures import adds_up, reasons_add_up
from exporter.platforms.granite.names import asked, identity
from exporter.platforms.granite.reading import read
from exporter.platforms.granite.records import Analytics, Answer, Question
from exporter.platforms.granite.settings import GraniteSettings
from exporter.platforms.granite.turns import Key, Told, Turn, due, share, spare, turns
from exporter.platforms.skew import UpstreamClock
from exporter.times import DAY, SECOND, Clock, Micros, seconds, to_datetime

BATCH: Final = "/api/analytics/batch"
CANCELLED_STATUS: Final = "cancelled"
CUT_SHORT: Final = "cut_short"
"""Reason of ``target_degraded``: a list of workflows or of failure categories lacks some that its own sums count."""

RESERVED_SHARE: Final = 0.25
"""Part of a poll's time in which no reading by name begins; less than a timeout, or short polls would have none."""
MOST_BOUNDS: Final = 50
"""So many different bounds of durations in a day are shown; more would be too many series."""

Fetched = Windows[Answer]


def fetch(settings: GraniteSettings, client: Client, view: View, clock: Clock) -> Generator[Fetched, None, None]:
    """Yield the batches of this poll. When the further readings of a move fail, its list comes without the move,
    and then the error is raised."""
    poll = _Poll(settings, client, view, clock)
    yield from poll.anchored("list")
    if poll.is_due("window") and poll.spare():
        yield poll.rolling()
    if poll.counts_cancelled and poll.is_due("cancelled") and poll.spare():
        yield from poll.anchored("cancelled")
    if not poll.moved and settings.filters.workflow_name is None:
        yield from poll.by_name()


class _Poll:
    """The requests of one poll. ``view.memory`` keeps between polls what was read when, and what lists told."""

    def __init__(self, settings: GraniteSettings, client: Client, view: View, clock: Clock) -> None:
        self.moved = False
        """Whether the move of a list was tried: then items are left alone until its outcome is known."""
        self._settings = settings
        self._limits = settings.limits()
        self._client = client
        self._view = view
        self._wall = clock
        self._reserve = min(settings.timeout / SECOND, RESERVED_SHARE * client.time_left)
        """Seconds that must be left for another workflow to be read by name."""
        self._clock = UpstreamClock(clock, view.memory)
        anchors = (state.anchor for state in view.sources.values())
        self._set_now(self._clock.now_after(max(anchors, default=0)))
        self._roster: tuple[str, ...] = ()
        self._read: dict[Question, Micros] = view.memory.setdefault("read", {})
        self._told: dict[Question, Told] = view.memory.setdefault("told", {})
        self._by_name: dict[Key, Micros] = view.memory.setdefault("by_name", {})

    def _set_now(self, now: Micros) -> None:
        self._now = now // SECOND * SECOND
        self._end = self._now + SECOND  # dates are sent in whole seconds: this one holds what happens now

    @property
    def counts_cancelled(self) -> bool:
        """Whether the target's filter lets cancelled executions through."""
        return self._settings.filters.status in (None, CANCELLED_STATUS)

    def is_due(self, question: Question) -> bool:
        """Whether a question was not asked for ``deep_interval``."""
        last = self._read.get(question)
        return last is None or not 0 <= self._now - last < self._limits.deep_interval

    # The lists

    def anchored(self, question: Question) -> Generator[Fetched, None, None]:
        """Read the anchored window, and what a move of its anchor needs when one is due."""
        state = self._view.sources.get(question)
        anchor = self._now - self._limits.settle if state is None else state.anchor
        if self._now <= anchor:
            raise InvalidResponse("the clock stands before the start of the window; expected it to be right (NTP)")
        known = self._clock.skew
        whole = self._reading(question, anchor, self._end, baseline=state is None)
        if self._clock.was_wrong(known, first=state is None):  # a baseline is one of the upstream's clock (rule 9)
            self._set_now(self._clock.now())
            anchor = self._now - self._limits.settle if state is None else anchor
            whole = self._reading(question, anchor, self._end, baseline=state is None)
        upstream_now = self._clock.date
        told = whole.items[0].told
        if question == "list":
            self._roster = told.workflows
        self._note(question, told)
        move: Move[Answer] | None = None
        failure: UpstreamError | None = None
        new = new_anchor(state, self._limits, self._now)
        if new is not None:
            self.moved = True
            try:
                move = Move(
                    closed=self._reading(question, anchor, new),
                    rest=self._reading(question, new, self._end),
                    again=self._reading(question, anchor, self._end),
                )
            except UpstreamError as error:
                failure = error
        complete = self._settings.filters.workflow_name is not None
        yield Windows((Source(question, whole, move, complete, deep=question != "list"),), upstream_now)
        if failure is not None:
            raise failure

    def rolling(self) -> Fetched:
        """Read the rolling window."""
        start = self._now - self._settings.window
        told = self._ask({"granularity": "hour"}, start, self._end)
        self._read["window"] = self._now
        answer = Answer(told, "window", bounds_settled=self._settled(told))
        return Windows((Source("window", Reading(start, self._end, (answer,))),), self._clock.date)

    def _note(self, question: Question, told: Analytics) -> None:
        self._read[question] = self._now
        items = frozenset(identity(each.workflow_name) for each in told.automations)
        cancelled = question == "cancelled"
        reasons = cancelled or reasons_add_up(told)
        self._told[question] = Told(items, adds_up(told, cancelled=cancelled), reasons)
        whole = all(last.whole and last.reasons for last in self._told.values())
        self._view.memory["degraded"] = frozenset() if whole else frozenset({CUT_SHORT})

    def _settled(self, told: Analytics) -> bool:
        """Whether no more than so many bounds came in a day."""
        seen: dict[float, Micros] = self._view.memory.setdefault("bounds", {})
        for bound in dict.fromkeys(each.bucket_end_ms for each in told.buckets if each.bucket_end_ms is not None):
            if bound in seen or len(seen) <= MOST_BOUNDS:  # of too many, one more than enough is remembered
                seen[bound] = self._now
        for bound in [bound for bound, at in seen.items() if self._now - at > DAY]:
            del seen[bound]
        return len(seen) <= MOST_BOUNDS

    # Items by name

    def by_name(self) -> Generator[Fetched, None, None]:
        """Read workflows by name, the longest unread first, as far as requests and time go."""
        wanted = [*turns(self._view, self._told, self._limits, self._now, tokens=self._settings.workflow_tokens)]
        for gone in self._by_name.keys() - {turn.key for turn in wanted}:
            del self._by_name[gone]
        waiting = due(wanted, self._by_name, self._limits, self._now)
        left = self._share()
        for turn in waiting:
            if turn.requests > left or self._client.time_left <= self._reserve:
                return
            left -= turn.requests
            # also when it fails: the others come first then
            self._by_name[turn.key] = self._by_name[turn.next_key] = self._now
            yield Windows((self._item(turn),), self._clock.date)

    def _item(self, turn: Turn) -> Source[Answer]:
        state = self._view.sources[turn.question]
        middle = max(turn.start, state.anchor) if turn.moves else turn.start
        first = min(turn.start, state.anchor)
        before = self._reading(turn.question, first, middle, turn=turn) if turn.moves else None
        whole = self._reading(turn.question, middle, self._end, turn=turn)
        again = self._reading(turn.question, first, self._end, turn=turn) if turn.moves else None
        return Source(turn.question, whole, complete=False, item=turn.workflow, before=before, again=again, deep=True)

    # Requests

    def _reading(
        self, question: Question, start: Micros, end: Micros, *, baseline: bool = False, turn: Turn | None = None
    ) -> Reading[Answer]:
        body = {"granularity": "day"}
        if question == "cancelled":
            body["status"] = CANCELLED_STATUS
        name = None if turn is None else asked(turn.workflow)
        if name is not None:
            body["workflow_name"] = name
        told = self._ask(body, start, end)
        answer = Answer(
            told,
            question,
            workflow=None if turn is None else turn.workflow,
            baseline=baseline,
            tokens=turn is not None and turn.tokens,
            roster=self._roster or told.workflows,
        )
        return Reading(start, end, (answer,))

    def _ask(self, body: dict[str, str], start: Micros, end: Micros) -> Analytics:
        """Ask about ``[start, end)``, whole seconds; both dates are always sent, since null has no stated meaning."""
        dates = {"start_date": _rfc3339(start), "end_date": _rfc3339(end)}
        reply = self._client.post(BATCH, json={**dates, **self._settings.filters.given(), **body})
        self._clock.note(reply.date)
        return read(reply.json(), roster=not self._roster)

    def spare(self) -> int:
        """Return the requests that the lists do not need until the announced period ends."""
        budget = self._client.budget
        return spare(budget.remaining, budget.quota_limit, self._period_left(), self._limits)

    def _share(self) -> int:
        return share(self.spare(), self._client.budget.quota_limit, self._period_left(), self._limits)

    def _period_left(self) -> Micros | None:
        ends = self._client.budget.quota_reset
        return None if ends is None else seconds(ends) - self._wall.now().wall


def _rfc3339(moment: Micros) -> str:
    return to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%SZ")
