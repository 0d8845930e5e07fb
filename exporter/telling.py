"""What a poll that ended tells: a line of the log, and the metrics about its target."""

from __future__ import annotations

import logging

from exporter.catalogue import own
from exporter.counting import has_room
from exporter.errors import Reason
from exporter.platforms import labels
from exporter.poll import Report
from exporter.selfmetrics import SelfMetrics
from exporter.target import Target
from exporter.times import SECOND, Moment, to_datetime

log = logging.getLogger(__name__)


def log_poll(target: Target, report: Report) -> None:
    """Log how a poll ended; ``target`` is still as the poll before left it."""
    facts = {
        "target": target.name,
        "platform": target.labels.platform,
        "seconds": round(report.seconds, 3),
        "workloads": report.workloads,
        "runs": report.runs.total(),
    }
    for failed in report.listings_failed:
        log.warning(
            "listing failed: %s",
            failed.message,
            extra={"target": target.name, "listing": labels.value(failed.listing), "reason": failed.reason},
        )
    if report.error is not None:
        log.warning("poll failed: %s", report.message, extra={**facts, "reason": report.error})
    elif target.up is not True and report.good:
        log.info("target is up", extra=facts)
    else:
        log.debug("polled", extra=facts)
    left = [state for state in target.ledger.listings.values() if state.horizon is None]
    if any(state.link is not None for state in left):
        oldest = report.oldest_run
        reached = None if oldest is None else to_datetime(oldest).isoformat(timespec="seconds")
        log.info(
            "history is still being read; it is not counted",
            extra={**facts, "listings_left": len(left), "back_to": reached},
        )


def tell_poll(metrics: SelfMetrics, target: Target, report: Report, moment: Moment) -> None:
    """Tell the metrics how a poll ended and what is known of the target, and the target what is wrong with it."""
    platform, name = target.labels.platform, target.name
    errors: list[Reason] = [failed.reason for failed in report.listings_failed]
    if report.error is not None:
        errors.insert(0, report.error)
    blamed = None if report.good else (errors.pop(0) if errors else "invalid_response")
    metrics.poll_finished(platform, name, report.seconds, blamed)
    for reason in errors:
        metrics.poll_error(platform, name, reason)
    for field, count in report.unknown.items():
        metrics.unknown_value(platform, name, field, count)
    for _ in range(report.sweeps):
        metrics.full_walk(platform, name, "sweep")
    if report.good:
        metrics.set_target(own.TARGET_LAST_SUCCESS, platform, name, moment.wall / SECOND)
    if report.skew is not None:
        metrics.set_target(own.TARGET_CLOCK_SKEW, platform, name, report.skew / SECOND)
    state = target.ledger.target
    if state is not None and state.data_at is not None:
        metrics.set_target(own.TARGET_DATA, platform, name, state.data_at / SECOND)
    metrics.set_target(own.TARGET_INTERVAL, platform, name, target.effective_interval / SECOND)
    metrics.set_target(own.TARGET_CIRCUIT_OPEN, platform, name, target.circuit.open)
    metrics.set_target(own.TARGET_TLS_INSECURE, platform, name, target.tls_insecure)
    folded = len(target.ledger.workloads) - target.ledger.own_slots()
    metrics.set_target(own.WORKLOADS_FOLDED, platform, name, folded)
    target.degraded = frozenset(_degraded(target, moment))
    metrics.degraded(platform, name, target.degraded)
    _tell_budget(metrics, target)


def _tell_budget(metrics: SelfMetrics, target: Target) -> None:
    platform, name = target.labels.platform, target.name
    budget = target.client.budget
    metrics.set_target(own.BUDGET_REMAINING, platform, name, budget.remaining)
    backoff = max(budget.backoff_seconds, target.circuit.backoff_seconds)
    metrics.set_target(own.BACKOFF, platform, name, backoff)
    told = (
        (own.QUOTA_LIMIT, budget.quota_limit),
        (own.QUOTA_REMAINING, budget.quota_remaining),
        (own.QUOTA_RESET, budget.quota_reset),
    )
    for row, value in told:
        if value is not None:
            metrics.set_target(row, platform, name, value)
        else:
            metrics.clear_target(row, platform, name)


def _degraded(target: Target, moment: Moment) -> set[str]:
    listings = target.ledger.listings.values()
    reasons: set[str] = set(target.memory.get("degraded", ()))
    if any(state.failed is not None for state in listings):
        reasons.add("workload_error" if target.platform.listings_per_workload else "listing_error")
    if any(state.unsorted for state in listings):
        reasons.add("unsorted")
    if any(state.horizon is None and state.link is not None for state in listings):
        reasons.add("first_walk")
    if target.ledger.crowded or _is_full(target, moment):
        reasons.add("max_series")
    return reasons


def _is_full(target: Target, moment: Moment) -> bool:
    """Whether workloads were folded for want of room, which the state does not tell: not if there is room now."""
    ledger = target.ledger
    if len(ledger.workloads) == ledger.own_slots() or ledger.own_slots() >= target.limits.max_workloads:
        return False
    return not has_room(ledger, target.rules, moment)
