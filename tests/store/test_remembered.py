"""Ids that are looked up: found under the days given for them, whatever else is kept, however many are asked for."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.counting.ledger import Changes
from exporter.store import ids
from exporter.store.ids import IDS_AT_ONCE
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


Commit = tuple[str, list[tuple[int, str]], int | None]
"""A target, the ids that one batch of it keeps, and before which day it prunes."""
COMMITS = st.lists(
    st.tuples(st.sampled_from(["one", "two"]), st.one_of(st.just([]), KEPT), st.one_of(st.none(), st.none(), DAYS)),
    max_size=8,
)


@settings(max_examples=200, deadline=timedelta(seconds=5))
@given(COMMITS, st.lists(st.tuples(DAYS, IDS)), st.integers(0, 12), st.booleans())
def test_what_is_kept_is_found_and_nothing_else(
    commits: list[Commit], asked: list[tuple[int, str]], most: int, anew: bool
) -> None:
    """Of the target that is asked, under one of the days given for an id, in any order of days; whether ids were put in
    their place or wait, and whether the process that kept them asks or another."""
    kept: dict[str, set[tuple[int, str]]] = {"one": set(), "two": set()}
    probes: dict[int, list[str]] = defaultdict(list)
    for day, run_id in asked:
        probes[day].append(run_id)
    with closing(open_two()) as store, patch.object(ids, "MOST", most):
        for name, more, prune_before in commits:
            with store.transaction(name) as transaction:
                transaction.apply(Changes(remember=more, prune_before_day=prune_before))
            kept[name] = {(day, run_id) for day, run_id in (*kept[name], *more) if day >= (prune_before or 0)}
        for name, known in kept.items():
            ledger = store.open_target(name, name, NOW, holds=False) if anew else store.ledger(name)
            assert ledger.remembered(probes) == {run_id for day, run_id in asked if (day, run_id) in known}


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as found:
        return int(found.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def test_ids_of_a_batch_wait_in_one_row_a_day_until_a_batch_brings_none(tmp_path: Path) -> None:
    """Each in its place, they would touch as many pages of the file as there are ids."""
    path = tmp_path / "state.db"
    with closing(SqliteStore(path, NOW)) as store:
        store.open_target("one", "one", NOW, holds=False)
        found = []
        for first in (0, 100, None, 200):
            new = [] if first is None else [(TODAY, f"run {number}") for number in range(first, first + 100)]
            with store.transaction("one") as transaction:
                transaction.apply(Changes(remember=new))
            found.append((rows(path, "ended_page"), rows(path, "ended_run")))
        assert found == [(1, 0), (2, 0), (0, 200), (1, 200)]


def test_no_more_ids_wait_than_fit_into_memory(tmp_path: Path) -> None:
    """As in a first walk, whose every page brings some."""
    path = tmp_path / "state.db"
    with closing(SqliteStore(path, NOW)) as store:
        ledger = store.open_target("one", "one", NOW, holds=False)
        for page in range(7):
            new = [(TODAY, f"run {page} {number}") for number in range(ids.MOST // 5)]
            with store.transaction("one") as transaction:
                transaction.apply(Changes(remember=new))
        assert rows(path, "ended_run") == 6 * (ids.MOST // 5)
        assert ledger.remembered({TODAY: [f"run {page} 0" for page in range(8)]}) == {
            f"run {page} 0" for page in range(7)
        }


def test_more_ids_than_fit_into_one_question_are_all_found() -> None:
    """Every other one of them is kept, under one day or the other."""
    many = [f"run {number}" for number in range(2 * IDS_AT_ONCE + 10)]
    with closing(open_two()) as store:
        with store.transaction("one") as transaction:
            kept = [(TODAY - number % 4 // 2, run_id) for number, run_id in enumerate(many) if number % 2]
            transaction.apply(Changes(remember=kept))
        with store.transaction("one") as transaction:
            transaction.apply(Changes())  # which puts them in their place
        assert store.ledger("one").remembered({TODAY: many, TODAY - 1: many}) == set(many[1::2])
        assert store.ledger("two").remembered({TODAY: many, TODAY - 1: many}) == set()
