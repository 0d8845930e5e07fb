"""What Granite's answers mean: totals of the anchored window, levels of the rolling one, times and examples of
recent failures. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.catalogue.granite import INTERACTIONS, WORKFLOW_INTERACTIONS, WORKFLOW_STEPS
from exporter.catalogue.runs import CANCELLED, COMPLETED, FAILED, LAST_RUN, RUN_FAILURES, RUNS
from exporter.observations import Example, Failed, Mark, Move, Reading, Source, Windows, WindowTotal, Workload
from exporter.platforms import labels
from exporter.platforms.base import Birth
from exporter.platforms.durations import format_duration
from exporter.platforms.granite import figures, window
from exporter.platforms.granite.names import identity
from exporter.platforms.granite.records import Analytics, Answer, Failure
from exporter.platforms.granite.settings import GraniteSettings
from exporter.platforms.parsing import believable
from exporter.redaction import blank
from exporter.times import SECOND, Micros

BIRTHS: Final = (
    *(Birth(RUNS, (outcome,)) for outcome in (COMPLETED, FAILED, CANCELLED)),
    *(Birth(WORKFLOW_INTERACTIONS, (kind,)) for kind in INTERACTIONS),
    Birth(WORKFLOW_STEPS, ()),
)

ROLLING: Final = "window"
"""What the levels of the rolling window are kept under."""

TRIGGER_TYPES: Final = frozenset({"manual", "endpoint", "scheduled"})
"""Values that the documentation names."""


def observe(batch: Windows[Answer], settings: GraniteSettings, now: Micros) -> Windows[WindowTotal]:
    """Say what the answers of a batch mean; they are all to one question."""
    source = batch.sources[0]
    answer = source.whole.items[0]
    skipped = tuple(skip for each in _answers(source) for skip in each.told.skipped)
    if answer.question == "window":
        withheld = () if answer.bounds_settled else (window.UNSETTLED_BOUNDS,)
        told = window.levels(
            answer.told,
            format_duration(settings.window),
            bounds_settled=answer.bounds_settled,
            max_endpoints=settings.max_label_values,
        )
        return Windows((), batch.upstream_now, levels=told, levels_of=ROLLING, skipped=(*skipped, *withheld))
    sources = (_source(source),)
    if answer.question == "cancelled" or answer.workflow is not None:
        return Windows(sources, batch.upstream_now, levels=None, skipped=skipped)
    return Windows(
        sources,
        batch.upstream_now,
        workloads=tuple(workloads(answer.told, settings)),
        levels=None,
        marks=tuple(_marks(answer.told, now)),
        skipped=skipped,
        roster=True,
        examples=tuple(_examples(answer.told, now)),
        failed=tuple(_failed(answer.told, now)),
        unknown=("trigger_type",) if _has_unknown_trigger(answer.told) else (),
    )


def workloads(told: Analytics, settings: GraniteSettings) -> Iterator[Workload]:
    """Return the workflows that the answer names; with a filter for one workflow, that one."""
    wanted = settings.filters.workflow_name
    for name in dict.fromkeys((*told.workflows, *(each.workflow_name for each in told.automations))):
        if wanted is None or name == wanted:
            yield Workload(identity(name), labels.workload(name), {"workload_id": labels.value(name)})


def _answers(source: Source[Answer]) -> Iterator[Answer]:
    move = source.move
    parts = () if move is None else (move.closed, move.rest, move.again)
    for reading in (source.whole, *parts, source.before, source.again):
        yield from () if reading is None else reading.items


def _source(source: Source[Answer]) -> Source[WindowTotal]:
    move = source.move
    return Source(
        name=source.name,
        whole=_reading(source.whole),
        move=None
        if move is None
        else Move(
            closed=_reading(move.closed),
            rest=_reading(move.rest),
            again=_reading(move.again),
            active=any(_is_active(answer.told) for answer in move.closed.items),
        ),
        complete=source.complete,
        item=source.item,
        before=None if source.before is None else _reading(source.before),
        again=None if source.again is None else _reading(source.again),
        deep=source.deep,
    )


def _reading(reading: Reading[Answer]) -> Reading[WindowTotal]:
    totals = tuple(total for answer in reading.items for total in figures.totals(answer))
    return Reading(reading.start, reading.end, totals)


def _is_active(told: Analytics) -> bool:
    return any(slot.running or slot.pending for slot in told.slots)


def _has_unknown_trigger(told: Analytics) -> bool:
    return any(each.trigger_type is not None and each.trigger_type not in TRIGGER_TYPES for each in told.triggers)


def _ended(failure: Failure, now: Micros) -> Micros | None:
    """Return when a failed execution ended, as far as that can be known: its start when no duration is told."""
    if failure.started_at is None:
        return None
    length = round((failure.duration_ms or 0) * (SECOND // 1000))
    return believable(failure.started_at + length, now)


def _marks(told: Analytics, now: Micros) -> Iterator[tuple[str, Mark]]:
    for failure in told.failures:
        at = _ended(failure, now)
        if failure.workflow_name is not None and at is not None:
            yield identity(failure.workflow_name), Mark(LAST_RUN, (FAILED,), at)


def _run_id(failure: Failure) -> str | None:
    return blank(failure.run_id or failure.execution_id or "") or None


def _failed(told: Analytics, now: Micros) -> Iterator[Failed]:
    for failure in told.failures:
        run = _run_id(failure)
        if run and failure.workflow_name is not None:
            yield Failed(
                run_id=run,
                workload=identity(failure.workflow_name),
                reason=figures.reason(failure.error_category),
                started=None if failure.started_at is None else believable(failure.started_at, now),
                finished=_ended(failure, now) if failure.duration_ms is not None else None,
                ids=(("execution_id", blank(failure.execution_id)),) if failure.execution_id else (),
            )


def _examples(told: Analytics, now: Micros) -> Iterator[Example]:
    for failure in sorted(told.failures, key=lambda each: _ended(each, now) or 0):
        run = _run_id(failure)
        if run:
            yield Example(RUN_FAILURES, figures.TARGET, (figures.reason(failure.error_category), ""), run)
