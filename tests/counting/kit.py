"""Builders for tests of counting: a ledger in memory, pages, rosters, windows, with everything unsaid usual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple, TypedDict, Unpack

import pytest

from exporter.catalogue.runs import FAILED, RUN_DURATION, RUNS
from exporter.counting import Changes, count, finish
from exporter.counting.draft import Draft
from exporter.counting.limits import Birth, Limits, Rules
from exporter.counting.memory import MemoryLedger
from exporter.counting.states import SeriesKey
from exporter.exposed import families
from exporter.observations import (
    Add,
    Effect,
    Labels,
    Level,
    ListingFailed,
    Mark,
    Move,
    Observed,
    Page,
    Reading,
    Roster,
    Run,
    Source,
    Step,
    WalkKind,
    Windows,
    WindowTotal,
    Workload,
)
from exporter.times import DAY, HOUR, MINUTE, Micros, Moment

START: Micros = 1_790_000_000_000_000
"""2026-09-21, where most tests begin; wall time is a year later so that a mix-up shows."""

WALL_AHEAD = 365 * DAY

LIMITS = Limits(
    interval=MINUTE,
    overlap=HOUR,
    deep_interval=10 * MINUTE,
    sweep_interval=HOUR,
    memory=8 * DAY,
    open_run_max_age=7 * DAY,
    settle=DAY,
    max_window=7 * DAY,
    schedule_grace=10 * MINUTE,
    forget_after=100 * DAY,
    stale_after=15 * MINUTE,
    max_workloads=1000,
    max_label_values=50,
    max_series=200_000,
    drop_labels=frozenset(),
)

OUTCOMES = ("completed", "failed", "cancelled", "unknown")

RULES = Rules(
    limits=LIMITS,
    platform="foundry",
    births=tuple(Birth(RUNS, (outcome,)) for outcome in OUTCOMES),
    states=("queued", "running", "open"),
    listings_per_workload=True,
)

WINDOWED = replace(RULES, states=("open",), listings_per_workload=False)
"""A platform that tells sums over windows, and active runs as figures."""


class Walked(TypedDict, total=False):
    """What a page means for its walk, as far as it is not usual."""

    kind: WalkKind
    complete: bool
    whole: bool | None
    link: str | None
    keep_link: bool
    started: Micros | None
    top: Micros | None
    unsorted: bool
    drop_link: bool
    depth: Micros


Figures = Mapping[tuple[str, str], int]
"""Runs by (item, outcome)."""


NOTHING: Figures = MappingProxyType({})


class Parts(NamedTuple):
    """What the further readings of an anchor move told; ``again`` None repeats the first reading."""

    to: Micros
    closed: Figures = NOTHING
    rest: Figures = NOTHING
    again: Figures | None = None
    active: bool = False


def hold_all(ledger: MemoryLedger) -> None:
    """Hold every series anew, as a start does."""
    if ledger.holds:
        ledger.holding = dict.fromkeys(ledger.series)


class Bench:
    """A ledger, a clock that is set by hand, and short ways to put batches in."""

    def __init__(self, *, rules: Rules = RULES, holds: bool = False, now: Micros = START) -> None:
        self.ledger = MemoryLedger(holds=holds)
        self.rules = rules
        self.now = now
        self.upstream_skew = 0

    @property
    def moment(self) -> Moment:
        return Moment(self.now, self.now + WALL_AHEAD)

    @property
    def upstream_now(self) -> Micros:
        return self.now + self.upstream_skew

    def put(self, batch: Observed, *, trusted: bool = True) -> Changes:
        changes = count(batch, self.ledger, self.rules, self.moment, trusted=trusted)
        self.commit(changes)
        return changes

    def commit(self, changes: Changes) -> None:
        self.ledger.keep_ids(changes)
        self.ledger.apply(changes)

    def finish(self, *, trusted: bool = True) -> None:
        limits = self.rules.limits
        self.commit(finish(self.ledger, self.rules, self.moment, self.upstream_now, limits.interval, trusted=trusted))

    def roster(self, *workloads: Workload | str) -> Changes:
        items = tuple(Workload(w, w) if isinstance(w, str) else w for w in workloads)
        return self.put(Roster(items, self.upstream_now))

    def page(self, *runs: Run, listing: str = "w", **step: Unpack[Walked]) -> Changes:
        return self.put(self.a_page(*runs, listing=listing, **step))

    def a_page(
        self,
        *runs: Run,
        listing: str = "w",
        kind: WalkKind = "ordinary",
        complete: bool = True,
        whole: bool | None = None,
        link: str | None = None,
        keep_link: bool = False,
        started: Micros | None = None,
        top: Micros | None = None,
        unsorted: bool = False,
        drop_link: bool = False,
        depth: Micros = 0,
    ) -> Page[Run]:
        births = [run_birth(run) for run in runs]
        known = [birth for birth in births if birth is not None]
        step = Step(
            kind=kind,
            started=self.upstream_now if started is None else started,
            top=(max(known) if known else None) if top is None else top,
            link=link,
            keep_link=keep_link,
            complete=complete,
            whole=complete if whole is None else whole,
            depth=depth,
            read_started=self.upstream_now,
            unsorted=unsorted,
        )
        return Page(listing, 0, tuple(runs), step, self.upstream_now, drop_link=drop_link)

    def fail(self, listing: str = "w", *, gone: bool = False, drop_link: bool = False) -> Changes:
        failure = ListingFailed(listing, "server_error", "it failed", self.upstream_now, gone, drop_link)
        return self.put(failure)

    def remembers(self, run_id: str) -> bool:
        """Whether the id is kept under any day."""
        days = range((self.now - 60 * DAY) // DAY, self.now // DAY + 2)
        return bool(self.ledger.remembered({day: [run_id] for day in days}))

    def windows(
        self,
        whole: Figures,
        *,
        anchor: Micros,
        move: Parts | None = None,
        complete: bool = True,
        source: str = "list",
        workloads: Sequence[Workload] | None = None,
        levels: tuple[Level, ...] | None = (),
        trusted: bool = True,
        left_out: Iterable[str] = (),
    ) -> Changes:
        """One poll's reading of the list; ``move`` are the further readings of an anchor move."""
        readings = None
        if move is not None:
            readings = Move(
                closed=self.reading(move.closed, anchor, move.to),
                rest=self.reading(move.rest, move.to, self.now),
                again=self.reading(whole if move.again is None else move.again, anchor, self.now),
                active=move.active,
            )
        if workloads is None:
            workloads = [Workload(name, name) for name in sorted({item for item, _ in whole}.difference(left_out))]
        asked = Source(source, self.reading(whole, anchor, self.now), readings, complete)
        batch = Windows((asked,), self.upstream_now, tuple(workloads), levels=levels, left_out=frozenset(left_out))
        return self.put(batch, trusted=trusted)

    def by_name(
        self,
        item: str,
        whole: Figures,
        *,
        start: Micros,
        before: Figures | None = None,
        before_start: Micros = 0,
        again: Figures | None = None,
        trusted: bool = True,
    ) -> Changes:
        """One item of the list read by name over ``[start, now)``; with ``before``, a second reading up to it, and with
        ``again`` a third of both."""
        earlier = None if before is None else self.reading(before, before_start, start)
        both = None if again is None else self.reading(again, before_start, self.now)
        asked = Source("list", self.reading(whole, start, self.now), item=item, before=earlier, again=both)
        batch = Windows((asked,), self.upstream_now, (Workload(item, item),), levels=None)
        return self.put(batch, trusted=trusted)

    @staticmethod
    def reading(figures: Figures, start: Micros, end: Micros) -> Reading[WindowTotal]:
        items = tuple(WindowTotal(RUNS, item, (outcome,), value) for (item, outcome), value in figures.items())
        return Reading(start, end, items)

    def total(self, *labels: str, family: str = RUNS.name) -> int:
        """What is counted: shown and pending together, 0 for a series that does not exist."""
        series = self.ledger.series.get(SeriesKey(family, labels))
        return 0 if series is None else series.shown[-1] + series.pending[-1]

    def truth(self, *labels: str, family: str = RUNS.name) -> int:
        """What a windowed counter stands for: counter - debt - written off (rule 14)."""
        series = self.ledger.series[SeriesKey(family, labels)]
        return series.shown[0] + series.pending[0] - series.debt - series.written_off

    def debt(self, *labels: str, family: str = RUNS.name) -> int:
        """What the series owes."""
        return self.ledger.series[SeriesKey(family, labels)].debt

    def shown(self, *labels: str, family: str = RUNS.name) -> int | None:
        series = self.ledger.series.get(SeriesKey(family, labels))
        return None if series is None else series.shown[0]

    def counted(self, workload: str = "w") -> dict[str, int]:
        """Runs counted by outcome, zeros left out."""
        found = {outcome: self.total(workload, outcome) for outcome in OUTCOMES}
        return {outcome: number for outcome, number in found.items() if number}

    def levels(self, family: str, *, at: Micros | None = None) -> dict[Labels, float]:
        """The samples of a gauge that are exposed, by labels."""
        now = self.now if at is None else at
        found = {each.metric.name: each.samples for each in families(self.ledger, self.rules, now)}
        return {labels: value for labels, value in found[family].items() if isinstance(value, int | float)}

    def own(self, family: str) -> int:
        return self.total(family=family)


def run_birth(run: Run) -> Micros | None:
    times = (run.created, run.triggered, run.started, run.finished)
    return next((at for at in times if at is not None), None)


def ended(
    run_id: str,
    born: Micros | None,
    *,
    after: Micros = MINUTE,
    outcome: str = "completed",
    workload: str = "w",
    finished: Micros | None = None,
    adds: Sequence[Add] | None = None,
) -> Run:
    """A run that ended ``after`` its birth; ``born`` None gives one without any time."""
    end = (None if born is None else born + after) if finished is None else finished
    durations = [Add(RUN_DURATION, (outcome,), end - born)] if born is not None and end is not None else []
    run = Run(
        id=run_id,
        workload=workload,
        created=None,
        triggered=born,
        started=born,
        finished=end,
        ended=True,
        outcome=outcome,
    )
    return with_adds(run, *(adds if adds is not None else (Add(RUNS, (outcome,)), *durations)))


def with_adds(run: Run, *adds: Add) -> Run:
    """A run that adds this, and nothing else."""
    values = [add for add in adds if add.metric.type == "histogram"]
    effect = Effect(
        tuple(add for add in adds if add not in values),
        tuple((add.metric, add.labels) for add in values),
        run.effect.events,
    )
    return run._replace(effect=effect, values=tuple(add.amount for add in values))


def with_marks(run: Run, *marks: Mark) -> Run:
    """A run of these events, and no others."""
    effect = replace(run.effect, events=tuple((mark.metric, mark.labels) for mark in marks))
    return run._replace(effect=effect, events=tuple(mark.at for mark in marks))


def running(run_id: str, born: Micros | None, *, state: str = "running", workload: str = "w") -> Run:
    """A run that has not ended."""
    return Run(run_id, workload, None, born, born, None, ended=False, state=state)


def failed(run_id: str, born: Micros | None, **more: object) -> Run:
    """A run that failed."""
    return ended(run_id, born, outcome=FAILED, **more)  # type: ignore[arg-type]


def keys(changes: Iterable[SeriesKey]) -> set[str]:
    """The families of some keys."""
    return {key.family for key in changes}


def looks(monkeypatch: pytest.MonkeyPatch, method: str) -> list[str]:
    """Return a list that grows whenever a draft looks through all it has by this method."""
    found: list[str] = []
    whole = getattr(Draft, method)

    def noted(draft: Draft) -> Any:
        found.append(method)
        return whole(draft)

    monkeypatch.setattr(Draft, method, noted)
    return found
