"""What the rows of a page say to a walk: how deep it is, whether it is in order, whether it leads on (rule 7). Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from exporter.platforms.parsing import AHEAD, EARLIEST
from exporter.times import Micros

EMPTY_PAGES: Final = 10
"""So many pages running without a record are a circle."""
STALE_PAGES: Final = 2
"""So many pages running with records, none of them new to the walk, are a circle."""

Times = tuple[Micros, ...]
"""The believable times of a row, in the order of birth, at least one."""


class Row(NamedTuple):
    """One run as a walk sees it: its id, and its times in the order of birth (created first), None where missing."""

    id: str
    times: tuple[Micros | None, ...]


class Trail:
    """Where a walk has been: notices when it goes round in circles."""

    def __init__(self) -> None:
        self._links: set[str] = set()
        self._ids: set[str] = set()
        self._empty = 0
        self._stale = 0

    def circle(self, ids: list[str], link: str | None, next_link: str) -> str | None:
        """Take in a page read at ``link`` that leads on; return what is wrong when it leads nowhere."""
        if link is not None:
            self._links.add(link)
        fresh = [identifier for identifier in ids if identifier not in self._ids]
        self._ids.update(fresh)
        self._empty = 0 if ids else self._empty + 1
        self._stale = 0 if fresh or not ids else self._stale + 1
        if next_link in self._links:
            return "found a next link that was followed before, expected one that leads on"
        if self._stale >= STALE_PAGES:
            return f"found {STALE_PAGES} pages running with nothing new on them, expected a listing that leads on"
        if self._empty >= EMPTY_PAGES:
            return f"found {EMPTY_PAGES} empty pages running, expected a listing that leads on"
        return None


def believed(row: Row, now: Micros) -> Times:
    """Return the times of a row that can be believed at ``now``, possibly none."""
    latest = now + AHEAD
    return tuple([each for each in row.times if each is not None and EARLIEST <= each <= latest])


def below(rows: list[Times], depth: Micros) -> bool:
    """Whether the latest time of every row is below ``depth``; a page without times is not."""
    return bool(rows) and all(max(times) < depth for times in rows)


def is_unsorted(rows: list[Times], overlap: Micros) -> bool:
    """Whether a page is not in the order newest first, by more than ``overlap`` and by more than one wrong row.

    A row is out of order with a later one whose earliest time is after its own latest. One row with a wrong time
    may be out of order with all others, as the earlier or as the later one: that alone says nothing.
    """
    late = 0
    oldest_above: Micros | None = None
    for times in rows:
        if oldest_above is not None and oldest_above + overlap < min(times):
            late += 1
        oldest_above = max(times) if oldest_above is None else min(oldest_above, max(times))
    if late <= 1:
        return False
    early = 0
    newest_below: Micros | None = None
    for times in reversed(rows):
        if newest_below is not None and max(times) + overlap < newest_below:
            early += 1
        newest_below = min(times) if newest_below is None else max(newest_below, min(times))
    return early > 1
