"""What a platform's records mean to us, and the batches in which they are committed.

``fetch`` yields batches of records, ``observe`` turns them into batches of observations, ``count`` turns those
into changes of the ledger. A batch is the unit of commit (counting rule 1):

- ``Roster``         the list of workloads a target has, whole
- ``Page``           one page of a listing of runs
- ``ListingFailed``  one listing could not be read; the others go on
- ``Windows``        all window readings of one poll, complete

The envelopes are generic: ``Page[RoutineRun]`` comes from ``fetch``, ``Page[Run]`` goes to ``count``. What each run has
of its own is a named tuple: a frozen dataclass takes three times as long to make.

    facts.py      what counts, when something was, what is true now, what was left out
    workloads.py  workloads and their schedules, ``Roster``
    runs.py       runs, ``Page``, ``ListingFailed``
    windows.py    sums over windows, ``Windows``
"""

from __future__ import annotations

from typing import TypeVar

from exporter.observations.facts import NO_EFFECT, Add, Effect, Labels, Level, Mark, Named, Skipped
from exporter.observations.runs import Delivery, ListingFailed, Page, Run, Step, WalkKind
from exporter.observations.windows import Example, Failed, Move, Reading, Source, Windows, WindowTotal
from exporter.observations.workloads import Roster, Schedule, Workload

T = TypeVar("T")
R = TypeVar("R")

Batch = Roster[T] | Page[R] | ListingFailed | Windows[T]
Observed = Roster[Workload] | Page[Run] | ListingFailed | Windows[WindowTotal]

__all__ = [
    "NO_EFFECT",
    "Add",
    "Batch",
    "Delivery",
    "Effect",
    "Example",
    "Failed",
    "Labels",
    "Level",
    "ListingFailed",
    "Mark",
    "Move",
    "Named",
    "Observed",
    "Page",
    "Reading",
    "Roster",
    "Run",
    "Schedule",
    "Skipped",
    "Source",
    "Step",
    "WalkKind",
    "WindowTotal",
    "Windows",
    "Workload",
]
