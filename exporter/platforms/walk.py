"""How a listing of runs is read, whatever the platform (counting rule 7): newest first, down to a depth.

Three kinds of walk. An *ordinary* one goes down to the horizon; a *deep* one to the oldest open run, when that is
older; a *sweep* to the floor. The first walk of a listing is a sweep. Sweeps are sliced: in one poll they spend at
most their ``Allowance`` below the horizon, at least one page, and go on at the next.

A walk that was broken off or sliced left a link. The next poll reads from the top until a page is below the top of
that earlier reading, less ``overlap``, and then goes on at the link, so that nothing between the two is lost. At
every page ``Step`` says where to go on if it was the last one committed: a kill at any instant loses nothing.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, Self, TypeVar

from exporter.counting.limits import Limits
from exporter.counting.states import ListingState
from exporter.errors import InvalidResponse, NotFound, RateLimited, ServerFailed, TimedOut, TooLarge, UpstreamError
from exporter.http import Client
from exporter.observations import ListingFailed, Page, Skipped, Step
from exporter.platforms.plan import Plan
from exporter.platforms.trail import Row, Times, Trail, believed, below, is_unsorted
from exporter.times import Micros

T = TypeVar("T")

UNSORTED_TOP: Final = 3
"""Pages that a walk which goes on at a link reads at the top of an unsorted listing first."""
SLICE_SHARE: Final = 0.25
"""Part of a poll's time and requests that its sweeps may spend below the horizon."""
RESERVED_SHARE: Final = 0.1
"""Part of a poll's time that no sweep may touch: what is due comes first."""
NOT_ABOUT_THE_LINK: Final = frozenset({408, 429})
"""Statuses of the 4xx that say nothing against the link that was asked for."""


@dataclass(frozen=True, slots=True)
class RawPage(Generic[T]):
    """One page as it was read. ``rows`` are those of ``items``; ``upstream_now`` is its Date, else our clock."""

    items: tuple[T, ...]
    rows: tuple[Row, ...]
    next_link: str | None
    upstream_now: Micros
    skipped: tuple[Skipped, ...] = ()


class Allowance:
    """What all sweeps of one poll together may spend below the horizon, in time and in requests. Thread-safe."""

    def __init__(self, seconds: float, requests: float, reserve: float, time_left: Callable[[], float]) -> None:
        self._seconds = seconds
        self._requests = requests
        self._reserve = reserve
        self._time_left = time_left
        self._lock = threading.Lock()

    @classmethod
    def of(cls, client: Client, workers: int) -> Self:
        """Return a quarter of what the poll has left; the sweeps also end while a tenth of its time remains."""
        left = client.time_left
        return cls(
            seconds=SLICE_SHARE * left * workers,
            requests=SLICE_SHARE * client.budget.remaining,
            reserve=RESERVED_SHARE * left if math.isfinite(left) else 0.0,
            time_left=lambda: client.time_left,
        )

    def spend(self, seconds: float) -> None:
        """Note a request that took so long."""
        with self._lock:
            self._seconds -= seconds
            self._requests -= 1

    @property
    def used_up(self) -> bool:
        """Whether a sweep has to stop here."""
        with self._lock:
            return self._seconds <= 0 or self._requests <= 0 or self._time_left() <= self._reserve


class Walk(Generic[T]):
    """The reading of one listing in one poll.

    ``read`` gets the page at a link (None: the newest). ``clock`` is monotonic seconds.
    """

    def __init__(
        self,
        listing: str,
        state: ListingState | None,
        planned: Plan,
        *,
        limits: Limits,
        allowance: Allowance,
        read: Callable[[str | None], RawPage[T]],
        clock: Callable[[], float],
    ) -> None:
        self.listing = listing
        self.pages_read = 0
        self._state = state or ListingState()
        self._plan = planned
        self._limits = limits
        self._allowance = allowance
        self._read = read
        self._clock = clock
        self._link: str | None = None
        self._now: Micros | None = None
        self._read_started: Micros = 0
        self._top: Micros | None = None
        self._unsorted = False

    def pages(self) -> Iterator[Page[T]]:
        """Yield the pages in the order in which they are to be committed.

        Raises UpstreamError when a request fails, and InvalidResponse when the listing does not lead on; what
        was yielded before stands. ``failed`` makes a batch of the error.
        """
        stored = self._state.link if self._plan.resumes else None
        above_stored = stored is not None
        in_slice = False
        trail = Trail()
        while True:
            try:
                raw = self._next_page(in_slice)
            except (RateLimited, TimedOut) as error:
                if not in_slice or not self._time_is_over(error):
                    raise
                yield self._page(None, self._link, whole=True)
                return
            rows = [times for row in raw.rows if (times := believed(row, raw.upstream_now))]
            self._unsorted = self._unsorted or is_unsorted(rows, self._limits.overlap)
            if above_stored or stored is None:
                self._note_top(rows)
            following = raw.next_link or None
            reached = below(rows, self._plan.depth) and not self._reads_whole_listing
            if following is None or reached:
                yield self._page(raw, None, complete=True, whole=True)
                return
            circle = trail.circle([row.id for row in raw.rows], self._link, following)
            if circle is not None:
                yield self._page(raw, self._link, keep_link=above_stored)
                raise InvalidResponse(circle)
            if above_stored:
                if following == stored:
                    above_stored, in_slice = False, self._is_sweep
                elif self._below_former_top(rows) or self._top_is_endless:
                    above_stored, in_slice = False, self._is_sweep
                    following, trail = stored, Trail()
            elif in_slice and self._allowance.used_up:
                yield self._page(raw, following, whole=True)
                return
            elif self._is_sweep and self._below_horizon(rows):
                in_slice = True
            yield self._page(raw, following, keep_link=above_stored)
            self._link = following

    def failed(self, error: UpstreamError) -> ListingFailed:
        """Make a batch of the error that ended the walk."""
        return ListingFailed(
            listing=self.listing,
            reason=error.reason,
            message=str(error),
            upstream_now=self._now,
            gone=isinstance(error, NotFound) and self.pages_read == 0,
            drop_link=self._plan.resumes and self._link == self._state.link and self._refused(error),
        )

    def _next_page(self, in_slice: bool) -> RawPage[T]:
        begun = self._clock()
        raw = self._read(self._link)
        if in_slice:
            self._allowance.spend(self._clock() - begun)
        self._now = raw.upstream_now
        if self.pages_read == 0:
            self._read_started = raw.upstream_now
        self.pages_read += 1
        return raw

    def _page(
        self,
        raw: RawPage[T] | None,
        link: str | None,
        *,
        keep_link: bool = False,
        complete: bool = False,
        whole: bool = False,
    ) -> Page[T]:
        """Make a batch of what was read; None ends a slice at ``link`` without a further page."""
        step = Step(
            kind=self._plan.kind,
            started=(self._state.walk_started if self._plan.resumes else None) or self._read_started,
            top=self._state.top if keep_link else self._top,
            link=None if keep_link else link,
            keep_link=keep_link,
            complete=complete,
            whole=whole,
            depth=self._plan.depth,
            read_started=self._read_started,
            unsorted=self._tells_unsorted(complete),
        )
        return Page(
            listing=self.listing,
            sequence=self.pages_read - 1 if raw else self.pages_read,
            items=raw.items if raw else (),
            step=step,
            upstream_now=self._now,
            skipped=raw.skipped if raw else (),
        )

    def _tells_unsorted(self, complete: bool) -> bool:
        """Only a sweep that read the whole listing in one poll may say that it is sorted after all."""
        if self._unsorted or not self._is_sweep:
            return self._unsorted
        return self._state.unsorted and (self._plan.resumes or not complete)

    @property
    def _is_sweep(self) -> bool:
        return self._plan.kind == "sweep"

    @property
    def _reads_whole_listing(self) -> bool:
        return self._is_sweep and (self._unsorted or self._state.unsorted)

    def _note_top(self, rows: list[Times]) -> None:
        """Keep the newest birth, no later than the upstream's now, after which nothing can have been read."""
        if rows:
            birth = min(max([times[0] for times in rows]), self._read_started)
            self._top = birth if self._top is None else max(self._top, birth)

    def _below_former_top(self, rows: list[Times]) -> bool:
        return self._state.top is not None and below(rows, self._state.top - self._limits.overlap)

    @property
    def _top_is_endless(self) -> bool:
        """Whether the part above the stored link has to end by number: no page of an unsorted listing need be below
        the former top, and a walk that read on to its link would read ever more at every poll."""
        return self._state.unsorted and self.pages_read >= UNSORTED_TOP

    def _below_horizon(self, rows: list[Times]) -> bool:
        return self._state.horizon is None or below(rows, self._state.horizon)

    def _time_is_over(self, error: UpstreamError) -> bool:
        """Whether our own budget or the poll's time is the matter, and not the upstream."""
        return error.status is None and (isinstance(error, RateLimited) or self._allowance.used_up)

    def _refused(self, error: UpstreamError) -> bool:
        """Whether the stored link is of no use any more: refused, or in the way for longer than a sweep's pace."""
        if error.status is not None and 400 <= error.status < 500:
            return error.status not in NOT_ABOUT_THE_LINK
        since = self._state.last_whole or self._state.walk_started
        if self._now is None or since is None or not isinstance(error, InvalidResponse | ServerFailed | TooLarge):
            return False
        return self._now - since >= self._limits.sweep_interval
