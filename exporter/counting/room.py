"""How much of an upstream is remembered at all: a platform that invents workloads or runs must not fill the memory.

Folding (rule 20) bounds what is exposed, not what the ledger keeps: an identity stays until it is forgotten. Far above
what ``max_workloads`` expects, a batch is refused whole, before anything of it is counted: the target is down and says
why, its cursor stays, and every other target goes on. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from exporter.counting.ledger import Ledger
from exporter.counting.limits import Limits
from exporter.errors import TooLarge
from exporter.observations import Observed, Page, Roster, Run, Windows, Workload

FACTOR: Final = 20
"""How many times ``max_workloads`` are remembered."""
LEAST: Final = 20_000
"""Workloads that are remembered in any case: a low cap folds many, and is no sign of malice."""
FIGURES: Final = 20
"""Figures of windows that are remembered, a workload."""
OPEN_RUNS: Final = 10
"""Runs that have not ended, or have no time, a workload."""


def check_room(batch: Observed, ledger: Ledger, limits: Limits) -> None:
    """Raise TooLarge when ``batch`` would make a target remember more than is ever sensible."""
    most = max(LEAST, FACTOR * limits.max_workloads)
    known = ledger.workloads
    workloads = len(known) + len({each.identity for each in _workloads(batch) if each.identity not in known})
    _refuse("workloads", workloads, most)
    if isinstance(batch, Windows):
        _refuse("figures of windows", len(ledger.windows), most * FIGURES)
    if isinstance(batch, Page):
        lasting = (run.id for run in batch.items if not run.ended or _timeless(run))
        held = len(ledger.open_runs) + len(ledger.timeless)
        new = {each for each in lasting if each not in ledger.open_runs and each not in ledger.timeless}
        _refuse("runs that have not ended or have no time", held + len(new), most * OPEN_RUNS)


def _timeless(run: Run) -> bool:
    return run.created is None and run.triggered is None and run.started is None and run.finished is None


def _workloads(batch: Observed) -> Iterable[Workload]:
    match batch:
        case Roster():
            return batch.items
        case Page() | Windows():
            return batch.workloads
    return ()


def _refuse(what: str, number: int, most: int) -> None:
    if number > most:
        raise TooLarge(
            f"found {number} {what}, remembered are at most {most}: narrow the target, or raise max_workloads"
        )
