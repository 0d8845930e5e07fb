"""The sums in an answer that counters follow: which of them it tells, and whether its lists are whole. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from exporter.catalogue.granite import (
    CLICK,
    ENDPOINT_INVOCATIONS,
    ENDPOINT_SUCCESSFUL_INVOCATIONS,
    KEYSTROKE,
    SCREENSHOT,
    SCROLL,
    TOKENS,
    WORKFLOW_INTERACTIONS,
    WORKFLOW_STEPS,
    WORKFLOW_TOKENS,
)
from exporter.catalogue.model import Metric
from exporter.catalogue.runs import CANCELLED, COMPLETED, FAILED, RUN_FAILURES, RUNS, TRIGGERED_RUNS
from exporter.observations import Labels, WindowTotal
from exporter.platforms import labels
from exporter.platforms.granite.names import identity
from exporter.platforms.granite.records import Actions, Analytics, Answer

UNKNOWN_REASON: Final = "unknown"
TARGET: Final = ""
"""The item of sums over all workflows."""


def reason(category: str | None) -> str:
    """Return the label value of a failure's category."""
    return labels.value(category) if category else UNKNOWN_REASON


def totals(answer: Answer) -> tuple[WindowTotal, ...]:
    """Return what the answer tells, each figure once: of two items of one name the larger counts (rule 23)."""
    found: dict[tuple[str, str, Labels], WindowTotal] = {}
    for total in _named(answer) if answer.workflow is not None else _listed(answer):
        key = (total.metric.name, total.item, total.labels)
        known = found.get(key)
        if known is None or total.value > known.value:
            found[key] = total
    return tuple(found.values())


def adds_up(told: Analytics, *, cancelled: bool = False) -> bool:
    """Whether the list of workflows is whole: its numbers add up to those of the summary (rule 13)."""
    summary, listed = told.summary, told.automations
    sums: list[tuple[int | None, list[int | None]]] = [(summary.total_executions, [each.executions for each in listed])]
    if not cancelled:
        sums = [
            (summary.completed, [each.completed for each in listed]),
            (summary.total_failures, [each.failures for each in listed]),
        ]
    return all(
        total is not None and None not in parts and sum(part or 0 for part in parts) >= total for total, parts in sums
    )


def reasons_add_up(told: Analytics) -> bool:
    """Whether the list of failure categories is whole: its numbers add up to the sum beside it, where one is told."""
    counts = [each.count for each in told.categories]
    total = told.total_failures
    return total is None or (None not in counts and sum(count or 0 for count in counts) >= total)


def unlisted(answer: Answer) -> set[str]:
    """Return the workflows of the roster that the list does not name."""
    listed = {identity(each.workflow_name) for each in answer.told.automations}
    return {identity(name) for name in answer.roster} - listed


def _listed(answer: Answer) -> Iterator[WindowTotal]:
    """The figures of an answer about all workflows."""
    told, cancelled = answer.told, answer.question == "cancelled"
    counted: set[str] = set()
    for each in told.automations:
        item = identity(each.workflow_name)
        numbers = (each.executions,) if cancelled else (each.completed, each.failures)
        if answer.baseline and None in numbers:
            continue  # it has no baseline here, and is read by name from the first poll on
        counted.add(item)
        yield from _figures(
            item, ((RUNS, (key,), value) for key, value in zip(_outcomes(answer), numbers, strict=True))
        )
    if answer.baseline and adds_up(told, cancelled=cancelled):
        # A workflow that is there from the start and is not listed had nothing: it belongs to the list (rule 13).
        for item in sorted(unlisted(answer)):
            counted.add(item)
            yield from _figures(item, ((RUNS, (outcome,), 0) for outcome in _outcomes(answer)))
    if not cancelled:
        for actions in told.actions:
            item = identity(actions.workflow_name)
            if item in counted or not answer.baseline:  # else its runs would begin at 0 in the window of these
                yield from _figures(item, _of_actions(actions))
        yield from _of_target(told)


def _named(answer: Answer) -> Iterator[WindowTotal]:
    """The figures of one workflow, asked for by name: an answer that does not list it says 0."""
    told, item = answer.told, str(answer.workflow)
    mine = [each for each in told.automations if identity(each.workflow_name) == item]
    summary = told.summary
    if answer.question == "cancelled":
        executions = [each.executions for each in mine] or [summary.total_executions]
        yield from _figures(item, ((RUNS, (CANCELLED,), value) for value in executions))
        return
    for completed, failures in [(each.completed, each.failures) for each in mine] or [
        (summary.completed, summary.total_failures)
    ]:
        yield from _figures(item, ((RUNS, (COMPLETED,), completed), (RUNS, (FAILED,), failures)))
    found = [each for each in told.actions if identity(each.workflow_name) == item]
    none = Actions(workflow_name=item, clicks=0, keystrokes=0, scrolls=0, screenshots=0, total_steps=0)
    for actions in found or [none]:
        yield from _figures(item, _of_actions(actions))
    if answer.tokens:
        yield from _figures(item, ((WORKFLOW_TOKENS, (), summary.total_tokens),))


def _of_actions(actions: Actions) -> Iterable[tuple[Metric, Labels, int | None]]:
    return (
        (WORKFLOW_INTERACTIONS, (CLICK,), actions.clicks),
        (WORKFLOW_INTERACTIONS, (KEYSTROKE,), actions.keystrokes),
        (WORKFLOW_INTERACTIONS, (SCROLL,), actions.scrolls),
        (WORKFLOW_INTERACTIONS, (SCREENSHOT,), actions.screenshots),
        (WORKFLOW_STEPS, (), actions.total_steps),
    )


def _of_target(told: Analytics) -> Iterator[WindowTotal]:
    yield from _figures(TARGET, ((TOKENS, (), told.summary.total_tokens),))
    for category in told.categories:
        yield from _figures(TARGET, ((RUN_FAILURES, (reason(category.category), ""), category.count),))
    for trigger in told.triggers:
        kind = labels.value(trigger.trigger_type or "")
        yield from _figures(TARGET, ((TRIGGERED_RUNS, (kind, ""), trigger.count),))
    for endpoint in told.endpoints:
        which = (labels.value(endpoint.endpoint_slug), labels.value(endpoint.http_method or ""))
        yield from _figures(
            TARGET,
            (
                (ENDPOINT_INVOCATIONS, which, endpoint.invocations),
                (ENDPOINT_SUCCESSFUL_INVOCATIONS, which, endpoint.success_count),
            ),
        )


def _figures(item: str, told: Iterable[tuple[Metric, Labels, int | None]]) -> Iterator[WindowTotal]:
    """The figures among ``told`` that are there: null is not told (rule 10)."""
    for metric, values, number in told:
        if number is not None:
            yield WindowTotal(metric, item, values, number)


def _outcomes(answer: Answer) -> tuple[str, ...]:
    return (CANCELLED,) if answer.question == "cancelled" else (COMPLETED, FAILED)
