"""What Granite's analytics say (wire contract: ``POST /api/analytics/batch``, docs.getgranite.ai).

One answer holds everything. Its twelve members are required; what stands in them may be null, which means that it
was not told. Sample messages and error messages are not read, and success rates are not used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator

from exporter.observations import Skipped
from exporter.platforms.parsing import Record, RequiredText, Text, Time, whole


def _count(value: object) -> int | None:
    return None if value is None else whole(value)


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError("is no number from 0")
    return value


Told = Annotated[int | None, BeforeValidator(_count)]
"""A whole number that may be null: not told."""
Figure = Annotated[float | None, BeforeValidator(_number)]
"""A finite number from 0 that may be null: not told."""


class Summary(Record):
    """``summary``: sums over the window."""

    total_executions: Told = None
    completed: Told = None
    total_failures: Told = None
    avg_duration_ms: Figure = None
    active_today: Told = None
    total_tokens: Told = None


class Slot(Record):
    """An item of ``executions_over_time``: one hour or day."""

    completed: Told = None
    failed: Told = None
    running: Told = None
    pending: Told = None


class FailureCategory(Record):
    """An item of ``failure_breakdown``."""

    category: Text = None
    count: Told = None


class TriggerCount(Record):
    """An item of ``trigger_distribution``."""

    trigger_type: Text = None
    count: Told = None


class Automation(Record):
    """An item of ``top_automations``, a list whose length is not documented."""

    workflow_name: RequiredText
    executions: Told = None
    completed: Told = None
    failures: Told = None
    avg_duration_ms: Figure = None


class DurationStats(Record):
    """``duration_distribution.stats``."""

    total: Told = None
    avg_ms: Figure = None
    min_ms: Figure = None
    max_ms: Figure = None
    p50_ms: Figure = None
    p75_ms: Figure = None
    p90_ms: Figure = None
    p95_ms: Figure = None
    p99_ms: Figure = None


class DurationBucket(Record):
    """An item of ``duration_distribution.histogram``; not cumulative."""

    bucket_end_ms: Figure = None
    count: Told = None


class Failure(Record):
    """An item of ``recent_failures``; without its message."""

    execution_id: Text = None
    run_id: Text = None
    workflow_name: Text = None
    error_category: Text = None
    started_at: Time = None
    duration_ms: Figure = None


class Actions(Record):
    """An item of ``actions_per_workflow``: what a workflow did on the screen."""

    workflow_name: RequiredText
    clicks: Told = None
    keystrokes: Told = None
    scrolls: Told = None
    screenshots: Told = None
    total_steps: Told = None


class Complexity(Record):
    """An item of ``workflow_complexity``."""

    workflow_name: RequiredText
    complexity_score: Figure = None
    total_steps: Told = None
    total_iterations: Told = None
    parameters_count: Told = None
    avg_duration_ms: Figure = None


class EndpointUsage(Record):
    """An item of ``endpoint_usage``."""

    endpoint_slug: RequiredText
    http_method: Text = None
    invocations: Told = None
    success_count: Told = None
    avg_response_time_ms: Figure = None
    p95_response_time_ms: Figure = None


@dataclass(frozen=True, slots=True)
class Analytics:
    """One answer, read."""

    summary: Summary
    slots: tuple[Slot, ...]
    total_failures: int | None
    categories: tuple[FailureCategory, ...]
    triggers: tuple[TriggerCount, ...]
    automations: tuple[Automation, ...]
    stats: DurationStats
    buckets: tuple[DurationBucket, ...]
    failures: tuple[Failure, ...]
    actions: tuple[Actions, ...]
    complexities: tuple[Complexity, ...]
    endpoints: tuple[EndpointUsage, ...]
    workflows: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()


Question = Literal["list", "window", "cancelled"]


class Answer(NamedTuple):
    """An answer, and what was asked.

    ``list`` is the anchored window, ``window`` the rolling one, ``cancelled`` the anchored one of that status.
    ``workflow`` is the identity of the one that was asked for by name. ``baseline`` says that it is the very first
    of its kind, ``tokens`` that the tokens of the workflow are wanted, ``bounds_settled`` False that the bounds of
    durations changed too often to be shown. ``roster`` are the names that the first answer of this poll listed.
    """

    told: Analytics
    question: Question
    workflow: str | None = None
    baseline: bool = False
    tokens: bool = False
    bounds_settled: bool = True
    roster: tuple[str, ...] = ()
