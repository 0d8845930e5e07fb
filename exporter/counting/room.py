"""How much of an upstream is remembered at all: a platform that invents workloads or runs must not fill the memory.

Folding (rule 20) bounds what is exposed, not what the ledger keeps: an identity stays until it is forgotten. Far above
what ``max_workloads`` expects, a batch is refused whole, before anything of it is counted. A page that is refused fails
its listing, whose cursor stays (rule 23); of a roster that is refused only absences are noted, so that what came once
is forgotten in the end. For anything but a page the target is down and says why. Every other target goes on. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exporter.counting.figures import figures_of
from exporter.counting.ledger import Ledger
from exporter.counting.limits import Limits
from exporter.errors import TooLarge
from exporter.observations import Observed, Page, Reading, Roster, Run, Windows, WindowTotal

FACTOR: Final = 20
"""How many times ``max_workloads`` are remembered."""
LEAST: Final = 100_000
"""Workloads that are remembered in any case: a low cap folds many, and is no sign of malice."""
FIGURES: Final = 10
"""Figures of windows that are remembered, a workload."""
OPEN_RUNS: Final = 2
"""Runs that have not ended, or have no time, a workload."""


def check_room(batch: Observed, ledger: Ledger, limits: Limits) -> None:
    """Raise TooLarge when ``batch`` would make a target remember more than is ever sensible.

    What adds nothing is never refused: a lower limit is no reason to stop counting what is known.
    """
    most = max(LEAST, FACTOR * limits.max_workloads)
    named = _names(batch)
    if len(ledger.workloads) + len(named) > most:
        _refuse("workloads", len(ledger.workloads), len({*named} - ledger.workloads.keys() - {None, ""}), most)
    if isinstance(batch, Windows) and len(ledger.windows) + len(named) > FIGURES * most:
        new = {key for reading in _readings(batch) for key in figures_of(reading)} - ledger.windows.keys()
        _refuse("figures of windows", len(ledger.windows), len(new), FIGURES * most)
    if isinstance(batch, Page):
        _check_runs(batch, ledger, OPEN_RUNS * most)


def _check_runs(page: Page[Run], ledger: Ledger, most: int) -> None:
    """A listing that holds no more than its part of the open runs is not refused for what others hold."""
    lasting = {run.id: run.timeless for run in page.items if not run.ended or run.timeless}
    new = lasting.keys() - ledger.open_runs.keys() - ledger.timeless.keys()
    held = len(ledger.open_runs) + len(ledger.timeless)
    if held + len(new) <= most:
        return
    own = sum(run.listing == page.listing for run in ledger.open_runs.values()) + len(new)
    if own > most // max(1, len(ledger.listings)) or any(lasting[run_id] for run_id in new):
        _refuse("runs that have not ended or have no time", held, len(new), most)


def _names(batch: Observed) -> list[str | None]:
    """Return the identities of what is told, most of them often; each that is new would be remembered."""
    match batch:
        case Roster():
            return [*(each.identity for each in batch.items), *(level.workload for level in batch.levels)]
        case Page():
            return [*(each.identity for each in batch.workloads), *{run.workload for run in batch.items}]
        case Windows():
            beside = [*(identity for identity, _ in batch.marks), *(example.item for example in batch.examples)]
            levels = [level.workload for level in batch.levels or ()]
            items = [total.item for reading in _readings(batch) for total in reading.items]
            return [*(each.identity for each in batch.workloads), *beside, *levels, *items]
    return []


def _readings(batch: Windows[WindowTotal]) -> Iterator[Reading[WindowTotal]]:
    for source in batch.sources:
        parts = () if source.move is None else (source.move.closed, source.move.rest, source.move.again)
        yield from (each for each in (source.whole, *parts, source.before, source.again) if each is not None)


def _refuse(what: str, known: int, new: int, most: int) -> None:
    if new and known + new > most:
        raise TooLarge(
            f"found {known + new} {what}, remembered are at most {most}: narrow the target, or raise max_workloads"
        )
