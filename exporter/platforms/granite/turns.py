"""Whose turn it is to be read by name (counting rule 13), and how many requests there are for it. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from exporter.catalogue.granite import WORKFLOW_TOKENS
from exporter.catalogue.runs import RUNS
from exporter.counting.limits import Limits
from exporter.platforms.base import View
from exporter.platforms.granite.names import asked
from exporter.platforms.granite.records import Question
from exporter.times import DAY, MINUTE, SECOND, Micros

ASIDE: Final = 4
"""Requests that are kept for retries and for moves of the anchor."""
LEAST: Final = 3
"""As many requests a move of one item takes."""
ASSUMED_PERIOD: Final = MINUTE
"""Of an announced limit that does not say when its period ends."""


class Told(NamedTuple):
    """What a list said last: the items it named, whether it was whole, and the failure categories beside it too."""

    items: frozenset[str] = frozenset()
    whole: bool = True
    reasons: bool = True


Key = tuple[str, str, Micros]


class Turn(NamedTuple):
    """One workflow to be read over ``[start, now)``. ``moves``: in two parts and whole, to take the list's anchor.

    ``new``: no figure of it has this anchor yet, and ``start`` may be later at the next poll. ``named``: the list has
    executions of it now.
    """

    workflow: str
    question: Question
    start: Micros
    moves: bool
    tokens: bool
    new: bool = False
    named: bool = False

    @property
    def key(self) -> Key:
        """What the time of the last reading is kept under."""
        return self.workflow, self.question, 0 if self.new else self.start

    @property
    def next_key(self) -> Key:
        """The same, once it is counted."""
        return self.workflow, self.question, self.start

    @property
    def requests(self) -> int:
        """How many requests it takes."""
        return 3 if self.moves else 1


def turns(
    view: View, told: Mapping[Question, Told], limits: Limits, now: Micros, *, tokens: bool = False
) -> Iterator[Turn]:
    """Yield who is to be read by name. ``tokens``: all of them, since only so their tokens are told."""
    if view.baseline_at is None:
        return
    first = max(view.baseline_at, now - limits.max_window) // SECOND * SECOND
    for question, last in told.items():
        state = view.sources.get(question)
        if state is None:
            continue
        counted, measured = _anchors(view, question)
        for workflow, known in view.workloads.items():
            if asked(workflow) is None or (known.absent_at is not None and known.absent_span >= DAY):
                continue
            wanted = tokens and question == "list"
            starts = set(counted[workflow]) - {state.anchor}
            if not counted[workflow] or (wanted and workflow not in measured):
                starts.add(first)
            hidden = not last.whole and workflow not in last.items and state.anchor in counted[workflow]
            if hidden or (wanted and measured.get(workflow) == state.anchor):
                starts.add(state.anchor)
            seen = last.whole or workflow in last.items
            for start in sorted(starts):
                moves = start != state.anchor and (seen or now - start > limits.max_window)
                told_here = wanted and measured.get(workflow, first) == start
                new = start not in counted[workflow] and start != state.anchor
                yield Turn(workflow, question, start, moves, told_here, new, workflow in last.items)


def _anchors(view: View, question: Question) -> tuple[dict[str, set[Micros]], dict[str, Micros]]:
    """Return the anchors of each item's figures of a list, if its runs are counted, and that of its tokens."""
    anchors: dict[str, set[Micros]] = defaultdict(set)
    runs, measured = set(), {}
    for (item, series), window in view.windows.items():
        if item and window.source == question:
            anchors[item].add(window.anchor)
            if series.family == RUNS.name:
                runs.add(item)
            elif series.family == WORKFLOW_TOKENS.name:
                measured[item] = window.anchor
    return defaultdict(set, {item: anchors[item] for item in runs}), measured


def due(waiting: Iterable[Turn], read: Mapping[Key, Micros], limits: Limits, now: Micros) -> list[Turn]:
    """Return those not read for ``deep_interval``, the longest unread first, and of these what a list names: when
    tens of thousands of workflows come at once, the few that ran are counted before those that did not."""
    found = [turn for turn in waiting if not 0 <= now - read.get(turn.key, 0) < limits.deep_interval]
    return sorted(found, key=lambda turn: (read.get(turn.key, 0), not turn.named, turn.key))


def spare(remaining: int, limit: int | None, period_left: Micros | None, limits: Limits) -> int:
    """Return the requests that are not needed for the lists: of all that may still be sent (``remaining``), those
    that regular reading takes until the announced period ends are kept. Without a limit half of them are."""
    if limit is None:
        return remaining // 2
    left = ASSUMED_PERIOD if period_left is None else max(0, period_left)
    needed = math.ceil(left / limits.interval) + 2 * math.ceil(left / limits.deep_interval) + ASIDE
    return max(0, remaining - needed)


def share(spare_now: int, limit: int | None, period_left: Micros | None, limits: Limits) -> int:
    """Return this poll's part of the spare requests, so that they last until the period ends."""
    if limit is None or period_left is None or period_left <= limits.interval:
        return spare_now
    return min(spare_now, max(LEAST, math.ceil(spare_now * limits.interval / period_left)))
