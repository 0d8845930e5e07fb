"""What an answer says about the rolling window: gauges, which rise and fall. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from exporter.catalogue import granite as rows
from exporter.catalogue.model import MICRO, Metric
from exporter.catalogue.runs import ACTIVE_RUNS, COMPLETED, FAILED, QUEUED, RUNNING
from exporter.observations import Labels, Level, Skipped
from exporter.platforms import labels
from exporter.platforms.granite.names import identity
from exporter.platforms.granite.records import Analytics, Slot

MILLISECOND: Final = MICRO // 1000

UNSETTLED_BOUNDS: Final = Skipped("histogram_bounds")
"""The bounds of durations changed too often to be shown."""

Told = Iterable[tuple[Metric, Labels, float | None]]


def levels(told: Analytics, window: str, *, bounds_settled: bool, max_endpoints: int) -> tuple[Level, ...]:
    """Return the levels that the answer tells. ``window`` is the label value of the window's length."""
    found = [*_of_target(told, window), *_of_workflows(told, window), *_of_endpoints(told, window, max_endpoints)]
    if bounds_settled:
        found.extend(_histogram(told, window))
    return tuple(found)


def _of_target(told: Analytics, window: str) -> Iterator[Level]:
    summary, stats = told.summary, told.stats
    statuses = {
        COMPLETED: _sum(told.slots, "completed"),
        FAILED: _sum(told.slots, "failed"),
        RUNNING: _sum(told.slots, "running"),
        "pending": _sum(told.slots, "pending"),
    }
    measured = stats.total != 0  # nothing took no time: a mean of nothing is not 0
    mean = stats.avg_ms if stats.avg_ms is not None else summary.avg_duration_ms
    quantiles = {"0.5": stats.p50_ms, "0.75": stats.p75_ms, "0.9": stats.p90_ms, "0.95": stats.p95_ms}
    yield from _levels(
        None,
        (
            (rows.WINDOW_EXECUTIONS, (window,), summary.total_executions),
            *((rows.WINDOW_EXECUTIONS_BY_STATUS, (window, status), sum_) for status, sum_ in statuses.items()),
            (ACTIVE_RUNS, (RUNNING,), statuses[RUNNING]),
            (ACTIVE_RUNS, (QUEUED,), statuses["pending"]),
            (rows.ACTIVE_TODAY, (), summary.active_today),
        ),
    )
    if measured:
        yield from _levels(
            None,
            (
                (rows.WINDOW_DURATION_MEAN, (window,), _micros(mean)),
                (rows.WINDOW_DURATION_MIN, (window,), _micros(stats.min_ms)),
                (rows.WINDOW_DURATION_MAX, (window,), _micros(stats.max_ms)),
                *(
                    (rows.WINDOW_DURATION_QUANTILE, (window, q), _micros(ms))
                    for q, ms in {**quantiles, "0.99": stats.p99_ms}.items()
                ),
            ),
        )


def _of_workflows(told: Analytics, window: str) -> Iterator[Level]:
    means = {identity(each.workflow_name): each.avg_duration_ms for each in told.complexities}
    executions = {identity(each.workflow_name): each.executions for each in told.automations}
    means |= {
        identity(each.workflow_name): each.avg_duration_ms
        for each in told.automations
        if each.avg_duration_ms is not None
    }
    for item, number in executions.items():
        yield from _levels(item, ((rows.WINDOW_WORKFLOW_EXECUTIONS, (window,), number),))
    for item, mean in means.items():
        if executions.get(item) != 0:
            yield from _levels(item, ((rows.WINDOW_WORKFLOW_DURATION_MEAN, (window,), _micros(mean)),))
    for each in told.complexities:
        yield from _levels(
            identity(each.workflow_name),
            (
                (rows.WORKFLOW_COMPLEXITY_SCORE, (), each.complexity_score),
                (rows.WORKFLOW_DEFINITION_STEPS, (), each.total_steps),
                (rows.WORKFLOW_ITERATIONS, (), each.total_iterations),
                (rows.WORKFLOW_PARAMETERS, (), each.parameters_count),
            ),
        )


def _of_endpoints(told: Analytics, window: str, most: int) -> Iterator[Level]:
    """Response times; those of the endpoints most called when there are too many (means cannot be folded)."""
    busiest = sorted(told.endpoints, key=lambda each: each.invocations or 0, reverse=True)[:most]
    for each in busiest:
        which = (window, labels.value(each.endpoint_slug), labels.value(each.http_method or ""))
        if each.invocations != 0:
            yield from _levels(
                None,
                (
                    (rows.WINDOW_ENDPOINT_RESPONSE_MEAN, which, _micros(each.avg_response_time_ms)),
                    (rows.WINDOW_ENDPOINT_RESPONSE_P95, which, _micros(each.p95_response_time_ms)),
                ),
            )


def _histogram(told: Analytics, window: str) -> Iterator[Level]:
    """Buckets as they are told; the last label value is the upper bound in seconds."""
    counts: dict[str, int] = {}
    for bucket in told.buckets:
        if bucket.count is not None:
            upper = "+Inf" if bucket.bucket_end_ms is None else f"{bucket.bucket_end_ms / 1000:g}"
            counts[upper] = counts.get(upper, 0) + bucket.count
    for upper, count in counts.items():
        yield Level(rows.WINDOW_DURATION_DISTRIBUTION, None, (window, upper), count)


def _sum(slots: tuple[Slot, ...], field: str) -> int | None:
    """Return the sum of a column, None when one of its numbers was not told."""
    numbers: list[int | None] = [getattr(slot, field) for slot in slots]
    return None if None in numbers else sum(number or 0 for number in numbers)


def _micros(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds * MILLISECOND


def _levels(workload: str | None, told: Told) -> Iterator[Level]:
    for metric, values, number in told:
        if number is not None:
            yield Level(metric, workload, values, number)
