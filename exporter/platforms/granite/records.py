"""What Granite's analytics say (wire contract: ``POST /api/analytics/batch``, docs.getgranite.ai).

One answer holds everything. Its twelve members are required; what stands in them may be null, which means that it
was not told. Sample messages and error messages are not read, and success rates are not used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar

from pydantic import BeforeValidator, ValidationError

from exporter.errors import InvalidResponse
from exporter.observations import Skipped
from exporter.platforms.labels import clean
from exporter.platforms.parsing import BAD_RECORD, NO_ID, Record, RequiredText, Text, Time, bad_fields, kind_of, whole

BAD_VALUE: Final = Skipped("bad_value")
"""A number that is none, or none that can be counted: that figure alone is left out."""


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


M = TypeVar("M", bound=Record)


class _Reader:
    """Reads the members of one answer, and collects what had to be left out."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self.skipped: list[Skipped] = []
        self._payload = payload

    def part(self, name: str) -> Mapping[str, Any]:
        """Return the object ``name``."""
        found = self._payload.get(name)
        if not isinstance(found, dict):
            raise _missing(found, name, name in self._payload, "an object")
        return found

    def items(self, name: str, key: str = "data") -> list[Any]:
        """Return the list ``key`` of the object ``name``."""
        part = self.part(name)
        found = part.get(key)
        if not isinstance(found, list):
            raise _missing(found, f"{name}.{key}", key in part, "a list")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the list of texts ``name``."""
        found = self._payload.get(name)
        if not isinstance(found, list):
            raise _missing(found, name, name in self._payload, "a list")
        kept = [clean(each) for each in found if isinstance(each, str)]
        self.skipped.extend([BAD_RECORD] * (len(found) - len(kept)))
        return tuple(kept)

    def one(self, value: object, model: type[M]) -> M | None:
        """Read a record; a number that is none is left out by itself, a record without its name as a whole."""
        if not isinstance(value, dict):
            self.skipped.append(BAD_RECORD)
            return None
        try:
            return model.model_validate(value)
        except ValidationError as error:
            bad = frozenset(bad_fields(error))
        if any(model.model_fields[field].is_required() for field in bad):
            self.skipped.append(NO_ID)
            return None
        self.skipped.extend([BAD_VALUE] * len(bad))
        return model.model_validate({field: held for field, held in value.items() if field not in bad})

    def each(self, values: list[Any], model: type[M]) -> Iterator[M]:
        """Read the records of a list."""
        for value in values:
            record = self.one(value, model)
            if record is not None:
                yield record


def _missing(found: object, name: str, present: bool, expected: str) -> InvalidResponse:
    held = kind_of(found) if present else "none"
    return InvalidResponse(f"found {held}, expected {expected} {name!r}")


class _Total(Record):
    total_failures: Told = None


def read(payload: object) -> Analytics:
    """Read an answer. Raises InvalidResponse when one of its members is missing: it is whole or it is nothing."""
    if not isinstance(payload, dict):
        raise InvalidResponse(f"found {kind_of(payload)}, expected a JSON object with a member 'summary'")
    reader = _Reader(payload)
    summary = reader.one(reader.part("summary"), Summary) or Summary()
    total = reader.one(reader.part("failure_breakdown"), _Total)
    stats = reader.items("duration_distribution", "histogram"), reader.part("duration_distribution").get("stats")
    if not isinstance(stats[1], dict):
        raise _missing(stats[1], "duration_distribution.stats", True, "an object")
    return Analytics(
        summary=summary,
        slots=tuple(reader.each(reader.items("executions_over_time"), Slot)),
        total_failures=None if total is None else total.total_failures,
        categories=tuple(reader.each(reader.items("failure_breakdown"), FailureCategory)),
        triggers=tuple(reader.each(reader.items("trigger_distribution"), TriggerCount)),
        automations=tuple(reader.each(reader.items("top_automations"), Automation)),
        stats=reader.one(stats[1], DurationStats) or DurationStats(),
        buckets=tuple(reader.each(stats[0], DurationBucket)),
        failures=tuple(reader.each(reader.items("recent_failures"), Failure)),
        actions=tuple(reader.each(reader.items("actions_per_workflow"), Actions)),
        complexities=tuple(reader.each(reader.items("workflow_complexity"), Complexity)),
        endpoints=tuple(reader.each(reader.items("endpoint_usage"), EndpointUsage)),
        workflows=reader.texts("workflows"),
        skipped=tuple(reader.skipped),
    )
