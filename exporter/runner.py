"""Runs polls: gives every target timing, outcome and freshness, and ends holds; platforms just raise."""

from __future__ import annotations

import logging
from traceback import format_tb
from typing import Final

from exporter import killpoints
from exporter.counting import finish, release
from exporter.counting.states import SeriesKey, empty
from exporter.errors import ExporterError, Forbidden, Reason, StateError, Unauthorized
from exporter.poll import Report, ShowProgress, poll, show_nothing
from exporter.publisher import Publisher
from exporter.redaction import redact
from exporter.selfmetrics import SelfMetrics
from exporter.store import Store
from exporter.target import LastError, Target
from exporter.telling import log_poll, tell_poll
from exporter.times import MINUTE, SECOND, Clock, Micros

log = logging.getLogger(__name__)

BUDGET_SHARE: Final = 0.5
"""Share of the interval that a poll may take, retries and waits included."""

SHORTEST_BUDGET: Final = 2.0
"""Seconds that a poll gets, however short the interval."""

DEEPEST_FRAMES: Final = 20
"""So much of a traceback is logged, the place of the mistake included."""

RELEASE_AGAIN: Final = 10.0
"""Seconds until held counts that could not be written are tried again; the timer comes every second."""

LARGE_STEP: Final = MINUTE
"""A step of the wall clock beyond which nothing expires for a while without the upstream's word (rule 26)."""


def places(error: BaseException) -> str:
    """Return where an error was raised, without its text, which may hold what an upstream sent."""
    return "".join(format_tb(error.__traceback__, -DEEPEST_FRAMES))


class Runner:
    """Polls targets, ends holds, and tells the metrics. One thread at a time polls a target."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        metrics: SelfMetrics,
        clock: Clock,
        progress: ShowProgress = show_nothing,
    ) -> None:
        self._progress = progress
        self._store = store
        self._publisher = publisher
        self._metrics = metrics
        self._clock = clock
        self._stepped_at: float | None = None

    def clock_stepped(self, seconds: float) -> None:
        """The wall clock stepped; for a while only an upstream's ``Date`` is trusted."""
        if abs(seconds) * SECOND > LARGE_STEP:
            self._stepped_at = self._clock.monotonic()

    def _stepped(self, target: Target) -> bool:
        if self._stepped_at is None:
            return False
        return (self._clock.monotonic() - self._stepped_at) * SECOND < target.limits.deep_interval

    def run(self, target: Target, *, budget: float | None = None, retries: int | None = None) -> Report:
        """Poll a target once, whatever happens; never raises an error of the upstream or the state.

        ``budget`` in seconds, by default a share of the interval; ``retries`` for each request.
        """
        report = Report()
        started = self._clock.monotonic()
        probe = target.circuit.open
        seconds = budget or max(SHORTEST_BUDGET, BUDGET_SHARE * target.limits.interval / SECOND)
        target.client.begin(seconds, retries=0 if probe else retries)
        try:
            poll(target, self._store, self._clock, report, lambda: self._stepped(target), progress=self._progress)
        except ExporterError as error:
            self._failed(target, report, error.reason, str(error))
            lasting = isinstance(error, Unauthorized | Forbidden)
            if not isinstance(error, StateError):
                target.circuit.failure(self._clock.monotonic(), lasting=lasting)
        except Exception as error:  # noqa: BLE001  a bug of ours must not end the service; it is counted and shown
            self._mistaken(target, report, error)
        else:
            if report.good:
                target.circuit.success()
            else:  # the one listing that the target has could not be read
                target.circuit.failure(self._clock.monotonic())
        report.seconds = self._clock.monotonic() - started
        if not target.client.aborted:
            self._finish(target, report)
        return report

    def _failed(self, target: Target, report: Report, reason: Reason, message: str) -> None:
        report.error, report.message = reason, redact(message)
        target.last_error = LastError(reason, report.message, self._clock.now().wall)

    def _mistaken(self, target: Target, report: Report, error: Exception) -> None:
        """Note a mistake of ours: where, and not with what, since its text may hold what the upstream sent."""
        kind = type(error).__name__
        log.error("poll failed unexpectedly: %s", kind, extra={"target": target.name, "traceback": places(error)})
        self._failed(target, report, "internal", f"{kind} (see the log)")

    def _finish(self, target: Target, report: Report) -> None:
        for failed in report.listings_failed:
            target.last_error = LastError(failed.reason, redact(failed.message), self._clock.now().wall)
        target.effective_interval = self._effective_interval(target, report)
        for step in (self._count_the_end, self._render):
            try:
                step(target, report)
            except StateError as error:
                self._failed(target, report, error.reason, str(error))
                report.good = False
            except Exception as error:  # noqa: BLE001  the same: what is told of the target must not stay as it was
                self._mistaken(target, report, error)
                report.good = False
        log_poll(target, report)
        target.up = report.good
        target.skew = target.skew if report.skew is None else report.skew
        target.last_poll = self._clock.now().wall
        if report.good:
            target.last_success = target.last_poll
        tell_poll(self._metrics, target, report, self._clock.now())
        self._publisher.publish()

    def _count_the_end(self, target: Target, report: Report) -> None:
        with target.lock, self._store.transaction(target.name) as transaction:
            changes = finish(
                transaction.ledger,
                target.rules,
                self._clock.now(),
                report.upstream_now,
                target.effective_interval,
                trusted=report.upstream_now is not None or not self._stepped(target),
            )
            transaction.apply(changes)

    def _render(self, target: Target, _report: Report) -> None:
        self._publisher.refresh(target)

    def _effective_interval(self, target: Target, report: Report) -> Micros:
        """The larger of the configured interval and what a full round takes (rule 25).

        A poll that outlasts its interval takes the next slot that is free, so a round is whole intervals. When one
        poll did not get through all listings, a round takes as many polls as it would need.
        """
        interval = target.limits.interval
        rounds = max(1, -(-round(report.seconds * SECOND) // interval))
        if target.platform.listings_per_workload:
            due = sum(1 for state in target.ledger.workloads.values() if state.enabled is not False)
            tried = report.listings_read + len(report.listings_failed)
            if 0 < tried < due:
                rounds = max(rounds, -(-due // tried))
        return rounds * interval

    def end_holds(self, target: Target) -> None:
        """Show what was held back long enough. Called by a timer, also while polls fail (rule 16)."""
        with target.lock:
            now = self._clock.monotonic()
            if not target.retired and now >= target.release_after:
                self._release(target, target.ledger.holds_over(now, target.zero_hold))

    def release_all(self, target: Target) -> None:
        """Show everything that an earlier process held back, for a process that holds nothing."""
        with target.lock:
            self._release(target, list(target.ledger.series))

    def _release(self, target: Target, over: list[SeriesKey]) -> None:
        if over:
            pending = [key for key in over if not empty(target.ledger.series[key].pending)]
            if pending:
                try:
                    with self._store.transaction(target.name) as transaction:
                        moment = self._clock.now()
                        transaction.apply(release(transaction.ledger, target.rules, moment, pending))
                except StateError as error:
                    log.warning("held counts cannot be shown: %s", error, extra={"target": target.name})
                    self._metrics.poll_error(target.labels.platform, target.name, error.reason)
                    target.release_after = self._clock.monotonic() + RELEASE_AGAIN
                    return
                killpoints.reached("release")
            target.ledger.end_holds(over)
            if pending:
                self._publisher.refresh(target)
