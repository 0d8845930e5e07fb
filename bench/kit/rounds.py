"""Interleaved rounds: contestants take turns, so that what else the machine does falls on all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Cost(NamedTuple):
    """What one call took, in seconds: by the clock, and of this process's processor time."""

    wall: float
    cpu: float


def interleaved(rounds: int, contestants: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Run each contestant once a round; another one begins each round. Answers by name, in the order of rounds."""
    names = list(contestants)
    answers: dict[str, list[T]] = {name: [] for name in names}
    for number in range(rounds):
        start = number % len(names) if names else 0
        for name in names[start:] + names[:start]:
            answers[name].append(contestants[name]())
    return answers


def cost(work: Callable[[], object]) -> Cost:
    """What it takes to do ``work`` once, in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def of_each(spent: Cost, number: int) -> Cost:
    """What one of so many took."""
    return Cost(spent.wall / number, spent.cpu / number)


def median_cost(costs: Sequence[Cost]) -> Cost:
    """The median of each."""
    return Cost(median(each.wall for each in costs), median(each.cpu for each in costs))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
