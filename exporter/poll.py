"""One poll of one target: fetch, observe, count, commit; the same for the service, ``once``, the demo and tests."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from exporter import killpoints
from exporter.catalogue.runs import FAILED, RUNS, UNKNOWN
from exporter.counting import count, refusal
from exporter.counting.feed import FeedRun
from exporter.errors import Reason, TooLarge
from exporter.observations import ListingFailed, Observed, Page, Roster, Windows
from exporter.store import Store
from exporter.target import Target
from exporter.times import SECOND, Clock, Micros, to_datetime

log = logging.getLogger(__name__)

EVENTS = {FAILED: "run failed", UNKNOWN: "run given up"}
"""What the log says of a run in the feed, by its outcome; of any other that it was late."""


@dataclass(slots=True)
class Report:
    """What a poll saw, for the log, the metrics and people. ``good`` is what ``target_up`` says (rule 24)."""

    good: bool = False
    workloads: int = 0
    listings_read: int = 0
    listings_failed: list[ListingFailed] = field(default_factory=list)
    runs: Counter[str] = field(default_factory=Counter)
    """Runs on the pages read, by outcome or state; figures of windows by their last label."""
    newest_run: Micros | None = None
    oldest_run: Micros | None = None
    """The earliest time on the pages read."""
    upstream_now: Micros | None = None
    skew: Micros | None = None
    """Our clock less the upstream's, when it last told its."""
    sweeps: int = 0
    """Walks to the floor that were completed."""
    unsorted: bool = False
    error: Reason | None = None
    message: str = ""
    seconds: float = 0.0
    unknown: Counter[str] = field(default_factory=Counter)
    """Values that no list knows, by field."""


ShowProgress = Callable[[str, Report], object]
"""Told of a target, by name, what its poll has read so far."""


def show_nothing(_target: str, _report: Report) -> None:
    """Nobody looks."""


def poll(
    target: Target,
    store: Store,
    clock: Clock,
    report: Report,
    stepped: Callable[[], bool],
    *,
    progress: ShowProgress = show_nothing,
) -> None:
    """Bring one target's totals up to date: fetch, observe, count, commit. Raises what ``fetch`` raises.

    ``stepped`` says whether the wall clock stepped a short while ago, so that without the upstream's ``Date``
    nothing may expire. ``progress`` is told after every batch how far the poll is.
    """
    refused: set[str] = set()
    with closing(target.platform.fetch(target.client, target.view(), clock)) as batches:
        for batch in batches:
            if isinstance(batch, Page | ListingFailed) and batch.listing in refused and not beside(batch):
                continue
            moment = clock.now()
            told = batch.upstream_now
            observed = target.platform.observe(batch, moment.world if told is None else told)
            trusted = told is not None or not stepped()
            with target.lock, store.transaction(target.name) as transaction:
                error = None
                try:
                    changes = count(observed, transaction.ledger, target.rules, moment, trusted=trusted)
                except TooLarge as refusing:
                    error = refusing
                    changes = refusal(observed, error, transaction.ledger, target.rules, moment, trusted=trusted)
                transaction.apply(changes)
            if error is not None:
                if not isinstance(observed, Page):
                    raise error
                refused.add(observed.listing)  # the rest of it would move the cursor past what was refused
                observed = ListingFailed(observed.listing, error.reason, str(error), told)
            log_news(target, changes.feed.values())
            note(report, observed, target.platform.listings_per_workload)
            if told is not None:
                report.upstream_now, report.skew = told, moment.world - told
            progress(target.name, report)
            killpoints.reached("between_batches")


def beside(batch: Page[Any] | ListingFailed) -> bool:
    """Whether a page moves no cursor."""
    return isinstance(batch, Page) and batch.step.keep_link and not (batch.step.complete or batch.step.whole)


def log_news(target: Target, runs: Iterable[FeedRun]) -> None:
    """Log the failed and late runs that were counted just now, one event each: ids, never messages or payloads."""
    for run in runs:
        if run.news:
            facts = {
                "target": target.name,
                "platform": target.labels.platform,
                "workload": run.label,
                "run_id": run.run_id,
                "outcome": run.outcome,
                "reason": run.reason or None,
                "status_code": run.status_code or None,
                "ended": None if run.finished is None else to_datetime(run.finished).isoformat(timespec="seconds"),
                "late_seconds": None if run.late is None else run.late / SECOND,
                "url": target.run_link(run.run_id, run.label, run.ids),
            }
            log.info(EVENTS.get(run.outcome, "run late"), extra={**facts, **dict(run.ids)})


def note(report: Report, batch: Observed, listings_per_workload: bool) -> None:
    """Take a committed batch into the report.

    A poll is good when the roster was read whole, or, of a platform with one listing, that listing, or the windows.
    """
    if not isinstance(batch, ListingFailed):
        report.unknown.update(batch.unknown)
    match batch:
        case Roster():
            report.good |= listings_per_workload
            report.workloads += len(batch.items)
        case Windows():
            report.good = True
            report.workloads += len(batch.workloads)
            for source in batch.sources:
                for total in source.whole.items:
                    if total.metric is RUNS and source.item is None and total.item not in batch.left_out:
                        report.runs[total.labels[-1]] += total.value
        case Page():
            report.listings_read += batch.step.whole
            report.good |= batch.step.whole and not listings_per_workload
            report.sweeps += batch.step.complete and batch.step.kind == "sweep"
            report.unsorted |= batch.step.unsorted
            report.runs.update([run.outcome if run.ended else run.state for run in batch.items])
            told = [(run.created, run.triggered, run.started, run.finished) for run in batch.items]
            times = {at for each in told for at in each if at is not None}
            if times:
                report.newest_run = max(report.newest_run or 0, *times)
                report.oldest_run = min(times if report.oldest_run is None else [report.oldest_run, *times])
        case ListingFailed():
            report.listings_failed.append(batch)
