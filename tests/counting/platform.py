"""A platform that tells sums over windows, as bad as it may be: runs that come, go, and change their outcome, and
answers that lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exporter.catalogue.runs import RUNS
from exporter.counting.states import Series, SeriesKey, SourceState
from exporter.observations import Move, Reading, Source, Windows, WindowTotal, Workload
from exporter.times import HOUR, Micros
from tests.counting.kit import LIMITS, OUTCOMES, START

TRUE = -1
"""A reading that tells what is."""
ITEMS = ("w1", "w2", "w3")


@dataclass(slots=True)
class Event:
    """An ended run as a windowed platform files it."""

    item: str
    outcome: str
    at: Micros


@dataclass(slots=True)
class Platform:
    """Sums over windows by item and outcome."""

    events: list[Event] = field(default_factory=list)
    fell: int = 0
    """How many figures ever fell."""

    def takes_back(self, seed: int, now: Micros, *, requeue: bool) -> None:
        """Lose a run of the last hours, or file it under an outcome that may be another."""
        young = [event for event in self.events if event.at >= max(START, now - 12 * HOUR)]
        if young:
            event = young[seed % len(young)]
            self.events.remove(event)
            self.fell += 1
            if requeue:
                self.events.append(Event(event.item, OUTCOMES[seed % 2], event.at))

    def counted(self) -> Counter[tuple[str, str]]:
        """What counting each run once gives."""
        return Counter((event.item, event.outcome) for event in self.events if event.at >= START)

    def read(self, start: Micros, end: Micros, lacks: int = TRUE) -> Reading[WindowTotal]:
        """The sums over ``[start, end)``; ``lacks`` 0 is an empty answer, 1 or more lacks an item."""
        sums = Counter((event.item, event.outcome) for event in self.events if start <= event.at < end)
        items = [item for number, item in enumerate(ITEMS, 1) if lacks and number != lacks]
        told = [(item, outcome) for item in items for outcome in OUTCOMES[:2]]
        return Reading(start, end, tuple(WindowTotal(RUNS, key[0], (key[1],), sums[key]) for key in told))

    def poll(
        self,
        state: SourceState | None,
        asked: Micros,
        told: Micros | None,
        *,
        lies: Sequence[int] = (TRUE,) * 4,
        active: bool = False,
    ) -> Windows[WindowTotal]:
        """What a fetch makes of it, by a clock that says ``asked`` and an upstream that tells ``told``: with the
        readings of a move when one is due."""
        anchor = asked - LIMITS.settle if state is None else state.anchor
        whole, move = self.read(anchor, asked, lies[0]), None
        tried = None if state is None else state.moved_try
        if asked - anchor >= 2 * LIMITS.settle and (tried is None or asked - tried >= LIMITS.sweep_interval):
            to = asked - LIMITS.settle
            move = Move(
                closed=self.read(anchor, to, lies[1]),
                rest=self.read(to, asked, lies[2]),
                again=self.read(anchor, asked, lies[3]),
                active=active,
            )
        named = {total.item for total in whole.items}
        workloads = tuple(Workload(item, item) for item in ITEMS if item in named)
        return Windows((Source("list", whole, move, complete=True),), told, workloads, levels=())


def assert_owed(before: Mapping[SeriesKey, Series], after: Mapping[SeriesKey, Series]) -> None:
    """Rule 14, whatever a batch did: a fall takes what is held back first, a debt takes what comes first, and what was
    written off stays so."""
    for key, old in before.items():
        new = after[key]
        assert new.written_off >= old.written_off
        if new.debt > old.debt:
            assert not any(new.pending)
        if sum(new.shown + new.pending) > sum(old.shown + old.pending):
            assert not new.debt
        assert (new.debt_since is None) == (not new.debt)
