"""What Roboto's statistics mean: totals of ended runs, and how many are queued or in progress. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from exporter.catalogue.runs import ACTIVE_RUNS, COMPLETED, FAILED, OPEN, RUNS
from exporter.observations import Level, Move, Reading, Source, Windows, WindowTotal, Workload
from exporter.platforms import labels
from exporter.platforms.base import Birth
from exporter.platforms.roboto.records import Figures

BIRTHS: Final = (Birth(RUNS, (COMPLETED,)), Birth(RUNS, (FAILED,)))
STATES: Final = (OPEN,)

Selects = Callable[[str], bool]


def observe(batch: Windows[Figures], selects: Selects) -> Windows[WindowTotal]:
    """Say what the readings of a poll mean. ``selects`` tells by its name whether a workload is wanted."""
    named = [item for source in batch.sources for item in source.whole.items if selects(name_of(item))]
    return Windows(
        sources=tuple(_source(source, selects) for source in batch.sources),
        upstream_now=batch.upstream_now,
        workloads=tuple(workload(item) for item in named),
        levels=tuple(Level(ACTIVE_RUNS, item.identity, (OPEN,), item.queued) for item in named),
        skipped=batch.skipped,
        left_out=frozenset(item.identity for item in _all(batch) if not selects(name_of(item))),
    )


def _all(batch: Windows[Figures]) -> Iterator[Figures]:
    for source in batch.sources:
        move = source.move
        for reading in (source.whole, *(() if move is None else (move.closed, move.rest, move.again))):
            yield from reading.items


def name_of(item: Figures) -> str:
    """Return an action's name as people know it: with its owner where that is somebody else."""
    return item.name if item.own else f"{item.org_id}/{item.name}"


def workload(item: Figures) -> Workload:
    """Return the workload that an item is about."""
    return Workload(
        identity=item.identity,
        label=labels.workload(name_of(item)),
        info={"workload_id": labels.value(item.name), "org_id": labels.value(item.org_id)},
    )


def _source(source: Source[Figures], selects: Selects) -> Source[WindowTotal]:
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
            active=any(item.queued for item in move.closed.items if selects(name_of(item))),
        ),
        complete=source.complete,
    )


def _reading(reading: Reading[Figures]) -> Reading[WindowTotal]:
    return Reading(
        reading.start,
        reading.end,
        tuple(
            total
            for item in reading.items
            for total in (
                WindowTotal(RUNS, item.identity, (COMPLETED,), item.completed),
                WindowTotal(RUNS, item.identity, (FAILED,), item.failed),
            )
        ),
    )
