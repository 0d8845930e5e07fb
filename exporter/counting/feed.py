"""The run feed: the failed and late runs last seen, with every id that a console understands. In memory only.

It is for people who look for the run behind a number, and durable in nothing: after a start it fills up again from
the pages that are read anyway. No message and no payload of a run is ever in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from exporter.times import Micros

FEED_LENGTH: Final = 200
"""Runs that are kept of each target."""

LONGEST_ID: Final = 256
"""Characters of an id that are kept: what no console takes must not fill the memory."""

Ids = tuple[tuple[str, str], ...]
"""(kind, id) in the order in which people want them, such as ``("dispatch_id", "d-17")``."""


def shown(run_id: str) -> str:
    """Return an id as people are shown it."""
    return run_id if len(run_id) <= LONGEST_ID else f"{run_id[: LONGEST_ID - 1]}…"


def usable(ids: Ids) -> Ids:
    """Return the further ids without those that are too long to be any."""
    return tuple(pair for pair in ids if len(pair[1]) <= LONGEST_ID)


class FeedRun(NamedTuple):
    """One ended run that failed, was late, or was given up.

    ``workload`` is the identity, ``label`` what is shown. ``at`` is the end, else the latest time told. ``late`` is by
    how much it started after it was due, None where that is not known or within the grace. ``news`` says that it was
    counted with this batch: only those are logged; others were counted before, or ended before the baseline.
    """

    run_id: str
    workload: str
    label: str
    outcome: str
    at: Micros
    created: Micros | None = None
    triggered: Micros | None = None
    due: Micros | None = None
    started: Micros | None = None
    finished: Micros | None = None
    late: Micros | None = None
    reason: str = ""
    status_code: str = ""
    trigger: str = ""
    ids: Ids = ()
    news: bool = False


class Feed:
    """The newest ``FEED_LENGTH`` runs. ``runs`` is replaced whole, so that readers need no lock."""

    def __init__(self) -> None:
        self.runs: tuple[FeedRun, ...] = ()
        """Newest first."""
        self._known: frozenset[str] = frozenset()

    def take(self, found: Iterable[FeedRun]) -> None:
        """Put runs in, unless they are there: what was said first of a run stands, as in counting."""
        fresh = [run for run in found if run.run_id not in self._known]
        if fresh:
            every = sorted((*self.runs, *fresh), key=lambda run: run.at, reverse=True)[:FEED_LENGTH]
            self._known = frozenset(run.run_id for run in every)
            self.runs = tuple(every)
