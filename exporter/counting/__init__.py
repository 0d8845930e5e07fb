"""Counting: a pure function of what was observed and what was counted before; time is an argument.

``count`` knows the rules; ``fetch`` only reads, the store only keeps. A batch gives ``Changes``, which the store
writes in one transaction or not at all, so that a kill at any instant changes nothing in the final numbers.
"""

from __future__ import annotations

from typing import Final

from exporter.catalogue.ledger import GAP_END, GAP_SECONDS, RECORDS_SKIPPED
from exporter.counting import listings, runs, series, windows, workloads
from exporter.counting.draft import Draft
from exporter.counting.ledger import Changes, Ledger
from exporter.counting.limits import Rules
from exporter.counting.room import check_room
from exporter.counting.states import SeriesKey
from exporter.errors import TooLarge
from exporter.observations import ListingFailed, Observed, Page, Roster, Windows
from exporter.times import Micros, Moment

GAP_INTERVALS: Final = 3
"""A gap in reading is told of when it is longer than this many effective intervals (rule 25)."""


def count(batch: Observed, ledger: Ledger, rules: Rules, moment: Moment, *, trusted: bool = True) -> Changes:
    """Say what a batch of observations changes.

    ``trusted`` False: our clock has just stepped, nothing may expire or be forgotten (rule 26).
    Raises TooLarge when there is more than a target may ever make us remember.
    """
    check_room(batch, ledger, rules.limits)
    draft = Draft(ledger, rules, moment, batch.upstream_now, trusted)
    match batch:
        case Roster():
            workloads.count_roster(draft, batch)
        case Page():
            runs.count_page(draft, batch)
        case Windows():
            windows.count_windows(draft, batch)
        case ListingFailed():
            workloads.baseline(draft)
            listings.failed(draft, batch)
    if not isinstance(batch, ListingFailed):
        for skipped in batch.skipped:
            series.add(draft, SeriesKey(RECORDS_SKIPPED.name, (skipped.reason,)), 1)
    draft.note_clocks()
    return draft.changes


def refusal(
    batch: Observed, error: TooLarge, ledger: Ledger, rules: Rules, moment: Moment, *, trusted: bool = True
) -> Changes:
    """Say what a batch changes that ``count`` refused: its listing failed, or who is absent from its roster."""
    draft = Draft(ledger, rules, moment, batch.upstream_now, trusted)
    match batch:
        case Page():
            listings.failed(draft, ListingFailed(batch.listing, error.reason, str(error), batch.upstream_now))
        case Roster():
            workloads.note_absent(draft, {item.identity for item in batch.items})
        case Windows() if windows.names_all(batch):
            workloads.note_absent(draft, {item.identity for item in batch.workloads})
    return draft.changes


def finish(
    ledger: Ledger,
    rules: Rules,
    moment: Moment,
    upstream_now: Micros | None,
    effective_interval: Micros,
    *,
    trusted: bool = True,
) -> Changes:
    """Say what the end of a poll changes: freshness and gaps, debts written off, ids pruned."""
    draft = Draft(ledger, rules, moment, upstream_now, trusted)
    if draft.target is None:
        return draft.changes
    fresh = listings.fresh_from(draft)
    target = draft.baseline()
    if fresh is not None and (known := target.data_at) != (at := listings.later(draft, known, fresh)):
        if known is not None and at - known > GAP_INTERVALS * effective_interval and draft.trusted:
            series.add(draft, SeriesKey(GAP_SECONDS.name, ()), at - known)
            draft.changes.marks[SeriesKey(GAP_END.name, ())] = at
        draft.changes.target = target._replace(data_at=at)
    draft.note_clocks()
    series.write_off_old(draft)
    listings.prune(draft)
    return draft.changes


def release(ledger: Ledger, rules: Rules, moment: Moment, keys: list[SeriesKey]) -> Changes:
    """Say what the end of these series' hold changes."""
    draft = Draft(ledger, rules, moment, None, trusted=True)
    series.release(draft, keys)
    return draft.changes


def has_room(ledger: Ledger, rules: Rules, moment: Moment) -> bool:
    """Whether one more workload would fit under ``max_series`` with series of its own."""
    return workloads.fits(Draft(ledger, rules, moment, None, trusted=True), "_one_more")


__all__ = ["Changes", "Ledger", "Rules", "count", "finish", "has_room", "refusal", "release"]
