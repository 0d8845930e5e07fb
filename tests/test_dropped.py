"""Dropped labels: series become one by adding up, and no counter falls when a label goes or comes back."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.catalogue import Metric
from exporter.catalogue.runs import RUN_DURATION, RUN_FAILURES, SCHEDULE_DUE, SCHEDULE_OVERDUE
from exporter.counting.states import Exemplar
from exporter.dropped import drop
from exporter.families import Family
from exporter.platforms.dropped_labels import DroppedLabel
from exporter.simulator import ManualClock, Platform
from tests.exact.world import START, Program, simulator_of

ALL_OF_THEM = frozenset(get_args(DroppedLabel))

Samples = dict[str, dict[frozenset[tuple[str, str]], float]]


def test_counters_add_up_and_keep_the_latest_exemplar_and_the_oldest_time() -> None:
    family = Family(
        RUN_FAILURES,
        {("w", "timeout", "504"): (2,), ("w", "refused", ""): (3,), ("v", "timeout", "504"): (1,)},
        {("w", "timeout", "504"): 50, ("w", "refused", ""): 40, ("v", "timeout", "504"): 60},
        {("w", "timeout", "504"): {0: Exemplar("new", 1, 9)}, ("w", "refused", ""): {0: Exemplar("old", 1, 8)}},
    )
    joined = drop(family, frozenset({"reason", "status_code"}))
    assert joined.samples == {("w", "", ""): (5,), ("v", "", ""): (1,)}
    assert joined.created == {("w", "", ""): 40, ("v", "", ""): 60}
    assert joined.exemplars["w", "", ""] == {0: Exemplar("new", 1, 9)}


def test_histograms_add_up_bucket_by_bucket() -> None:
    width = len(RUN_DURATION.bounds) + 2
    one, other = (1, *[0] * (width - 2), 500), (1, 2, *[0] * (width - 3), 700)
    family = Family(RUN_DURATION, {("w", "completed"): one, ("w", "failed"): other})
    assert drop(family, frozenset({"outcome"})).samples == {("w", ""): (2, 2, *[0] * (width - 3), 1200)}


@pytest.mark.parametrize(("metric", "shown"), [(SCHEDULE_DUE, 30), (SCHEDULE_OVERDUE, 10)])
def test_of_times_the_one_that_says_most_is_shown(metric: Metric, shown: int) -> None:
    """The latest due time, the oldest that is overdue."""
    family = Family(metric, {("w", "a"): 10, ("w", "b"): 30, ("w", "c"): 20})
    assert drop(family, frozenset({"trigger_name"})).samples == {("w", ""): shown}


def test_a_family_without_such_a_label_is_as_it_was() -> None:
    family = Family(RUN_DURATION, {("w", "completed"): (0,) * (len(RUN_DURATION.bounds) + 2)})
    assert drop(family, frozenset({"reason"})) is family


def samples_of(made: Program) -> Samples:
    """What is exposed, by name and labels; two series with the same labels fail."""
    found: Samples = defaultdict(dict)
    for family in text_string_to_metric_families(made.text()):
        for sample in family.samples:
            labels = frozenset((name, value) for name, value in sample.labels.items() if value)
            assert labels not in found[sample.name], sample
            found[sample.name][labels] = sample.value
    return found


def added_up(samples: Samples) -> Counter[tuple[str, frozenset[tuple[str, str]]]]:
    """Counters and histograms over the labels that can be dropped."""
    found: Counter[tuple[str, frozenset[tuple[str, str]]]] = Counter()
    for name, by_labels in samples.items():
        if name.endswith(("_total", "_bucket", "_sum", "_count")) and not name.startswith(("automation_exporter", "p")):
            for labels, value in by_labels.items():
                kept = frozenset(pair for pair in labels if pair[0] not in ALL_OF_THEM)
                found[name, kept] += round(value * 1_000_000)
    return found


@pytest.mark.parametrize("platform", ["foundry", "granite", "moderately", "roboto"])
def test_a_label_that_goes_and_comes_back_makes_no_counter_fall(platform: Platform, tmp_path: Path) -> None:
    """Three lives of the program on one state: all labels, none of those that can be dropped, all again."""
    clock = ManualClock(START)
    simulator = simulator_of(clock, 1, pace=30.0)
    seen: list[Samples] = []
    for names in ([], sorted(ALL_OF_THEM), []):
        made = Program(simulator, clock, tmp_path / "state.db", [platform], drop_labels=names)
        for _ in range(4):
            assert made.poll(platform).good
            clock.advance(120)
        before = samples_of(made)
        seen.append(before)
        if names:
            labels = {pair[0] for name in before if "_exporter_" not in name for each in before[name] for pair in each}
            assert not labels & ALL_OF_THEM
        made.close()
    first, dropped, last = (added_up(samples) for samples in seen)
    assert len(first) > 10
    assert all(dropped[key] >= value for key, value in first.items())
    assert all(last[key] >= value for key, value in dropped.items())
    for name, by_labels in seen[0].items():
        if name.endswith("_total") and "_exporter_" not in name and not name.startswith("p"):
            assert all(seen[2][name][labels] >= value for labels, value in by_labels.items())


def test_a_series_that_is_shown_joined_is_the_sum_of_what_the_ledger_keeps(tmp_path: Path) -> None:
    clock = ManualClock(START)
    simulator = simulator_of(clock, 1, pace=30.0)
    exposed = []
    for names in ([], sorted(ALL_OF_THEM)):
        made = Program(simulator, clock, tmp_path / "state.db", ["foundry"], drop_labels=names)
        made.poll("foundry")
        if not names:
            clock.advance(3600)
            made.poll("foundry")
        exposed.append(added_up(samples_of(made)))
        made.close()
    assert exposed[0] == exposed[1]
    assert exposed[0].total() > 0
