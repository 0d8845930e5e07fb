"""What a request asks for in its query: which part of the metrics, which runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, get_args
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from exporter.catalogue.model import PlatformName
from exporter.exposition import Choice
from exporter.times import Micros
from exporter.web.views import OPEN

OUTCOMES: Final = ("failed", "completed", "cancelled", "unknown", OPEN)
"""Of runs in the feed. Completed and cancelled ones are there because they were late."""


MOST_RUNS: Final = 1000
"""Runs of a list that are given at a time."""


class BadQueryError(ValueError):
    """The query asks for something that there is not; the text says what would be right."""


class NoSuchTargetError(LookupError):
    """A target or platform that is asked for is in no configuration; the text says which ones are."""


Targets = Collection[str]
"""Names of all targets of the configuration, those of other shards included."""

PLATFORMS: Final[tuple[str, ...]] = get_args(PlatformName)


def choice_of(query: bytes, known: Callable[[], Targets]) -> Choice | None:
    """Read which part of the metrics is asked for; None for all of them, when the query chooses none.

    Raises NoSuchTargetError: a mistyped name would otherwise be a scrape that works and brings nothing. Raises
    BadQueryError: a mistyped parameter would bring everything, and store it a second time.
    """
    asked = QueryParams(query)
    refuse_others(asked, ("target", "platform", "process"))
    targets, platforms = frozenset(asked.getlist("target")), frozenset(asked.getlist("platform"))
    process = _flag(asked, "process")
    if not targets and not platforms and not process:
        return None
    for kind, names, there in (("target", targets, known() if targets else ()), ("platform", platforms, PLATFORMS)):
        unknown = sorted(names.difference(there))
        if unknown:
            raise NoSuchTargetError(f"There is no {kind} {unknown[0][:_LONGEST_SAID]!r}.")
    return Choice(targets, platforms, process)


_LONGEST_SAID: Final = 100


def refuse_others(query: QueryParams, known: Sequence[str]) -> None:
    """Raise BadQueryError for a parameter that is none of these: what it was to choose would not be chosen."""
    for name in query:
        if name not in known:
            there = f"there are {', '.join(known)}" if known else "there are none"
            raise BadQueryError(f"There is no parameter {name[:_LONGEST_SAID]!r}; {there}.")


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are wanted. Of each key any value given fits, all when none is.

    ``workloads`` are names, or values of the label ``workload``, such as ``_other``. ``late`` asks for late ones only.
    ``limit`` bounds ended and open runs alike.
    """

    targets: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    late: bool = False
    run_ids: tuple[str, ...] = ()
    limit: int = MOST_RUNS

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self.targets or self.narrow)

    @property
    def narrow(self) -> bool:
        """Whether not every run of a wanted target is."""
        return bool(self.workloads or self.outcomes or self.late or self.run_ids)

    def may_be_of(self, target: str) -> bool:
        """Whether runs of this target are wanted."""
        return not self.targets or target in self.targets

    def may_be_open(self) -> bool:
        """Whether runs that have not ended are wanted."""
        return not self.late and (not self.outcomes or OPEN in self.outcomes)

    def may_have_ended(self, outcome: str, late: Micros | None) -> bool:
        """Whether runs that ended so are wanted."""
        return (not self.outcomes or outcome in self.outcomes) and (not self.late or late is not None)

    def may_be_from(self, workload: str, series: str) -> bool:
        """Whether runs of the workload of this name and this label value are wanted."""
        return not self.workloads or workload in self.workloads or series in self.workloads

    def may_be(self, run_id: str) -> bool:
        """Whether the run of this id is wanted."""
        return not self.run_ids or run_id in self.run_ids

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """Return what asks for this filter again."""
        return (
            *(("target", target) for target in self.targets),
            *(("workload", workload) for workload in self.workloads),
            *(("outcome", outcome) for outcome in self.outcomes),
            *([("late", "true")] if self.late else []),
            *(("run_id", run_id) for run_id in self.run_ids),
        )


RUN_PARAMETERS: Final = ("target", "workload", "outcome", "late", "run_id", "limit")


def run_filter(query: QueryParams) -> RunFilter:
    """Read a filter: ``target``, ``workload``, ``outcome``, ``run_id``, each maybe several times; ``late``, ``limit``.

    An empty value is none, and further parameters are for others, such as those that sort the page. Raises
    BadQueryError for an outcome that there is not, since a mistyped one would read as "nothing failed"; a target or
    workload that there is not simply has no runs.
    """
    outcomes = _given(query.getlist("outcome"))
    unknown = [outcome for outcome in outcomes if outcome not in OUTCOMES]
    if unknown:
        raise BadQueryError(f"There is no such outcome; there are {', '.join(OUTCOMES)}.")
    return RunFilter(
        _given(query.getlist("target")),
        _given(query.getlist("workload")),
        outcomes,
        late=_flag(query, "late"),
        run_ids=_given(query.getlist("run_id")),
        limit=_limit(query.get("limit", "")),
    )


def _flag(query: QueryParams, name: str) -> bool:
    """Read a switch; of several values the last one holds."""
    values = [value for value in query.getlist(name) if value]
    if any(value not in ("true", "false") for value in values):
        raise BadQueryError(f"{name} is true or false.")
    return values[-1:] == ["true"]


def _limit(text: str) -> int:
    if not text:
        return MOST_RUNS
    if not text.isascii() or not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= MOST_RUNS:
        raise BadQueryError(f"limit is a number from 1 to {MOST_RUNS}.")
    return int(text)


def address(path: str, *parts: Iterable[tuple[str, str]]) -> str:
    """Return a link to ``path`` with a query."""
    query = urlencode([pair for part in parts for pair in part])
    return f"{path}?{query}" if query else path


def _given(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
