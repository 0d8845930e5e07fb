"""Ids that are looked up: found under the days given for them, whatever else is kept, however many are asked for."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.counting.ledger import Changes
from exporter.store.reading import IDS_AT_ONCE
from exporter.store.sqlite import SqliteStore
from tests.store.kit import NOW, TODAY

DAYS = st.integers(TODAY - 3, TODAY + 3)
IDS = st.sampled_from(["a", "b", "c", "d\x00", "é", "\ud800", "", "a" * 5000])
KEPT = st.lists(st.tuples(DAYS, IDS), max_size=12)


def open_two() -> SqliteStore:
    """A store in memory with two targets."""
    store = SqliteStore(None, NOW)
    for name in ("one", "two"):
        store.open_target(name, name, NOW, holds=False)
    return store


@settings(max_examples=150, deadline=timedelta(seconds=5))
@given(st.lists(st.tuples(st.sampled_from(["one", "two"]), KEPT), max_size=4), st.lists(st.tuples(DAYS, IDS)))
def test_what_is_kept_is_found_and_nothing_else(
    commits: list[tuple[str, list[tuple[int, str]]]], asked: list[tuple[int, str]]
) -> None:
    """Of the target that is asked, under one of the days given for an id, in any order of days."""
    kept: dict[str, set[tuple[int, str]]] = {"one": set(), "two": set()}
    probes: dict[int, list[str]] = defaultdict(list)
    for day, run_id in asked:
        probes[day].append(run_id)
    with closing(open_two()) as store:
        for name, ids in commits:
            with store.transaction(name) as transaction:
                transaction.apply(Changes(remember=ids))
            kept[name].update(ids)
        for name, known in kept.items():
            assert store.ledger(name).remembered(probes) == {run_id for day, run_id in asked if (day, run_id) in known}


def test_more_ids_than_fit_into_one_question_are_all_found() -> None:
    """Every other one of them is kept, under one day or the other."""
    ids = [f"run {number}" for number in range(2 * IDS_AT_ONCE + 10)]
    with closing(open_two()) as store:
        with store.transaction("one") as transaction:
            kept = [(TODAY - number % 4 // 2, run_id) for number, run_id in enumerate(ids) if number % 2]
            transaction.apply(Changes(remember=kept))
        assert store.ledger("one").remembered({TODAY: ids, TODAY - 1: ids}) == set(ids[1::2])
        assert store.ledger("two").remembered({TODAY: ids, TODAY - 1: ids}) == set()
