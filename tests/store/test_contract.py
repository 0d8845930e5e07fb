"""The contract of ``exporter.store``, sentence by sentence, over every implementation."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from exporter.counting.ledger import Changes
from exporter.counting.states import ListingState, Series, SeriesKey, TargetState
from exporter.errors import StateError
from exporter.store import Store
from exporter.store.ledgers import StoredLedger
from exporter.store.reading import load
from exporter.store.sqlite import SqliteStore
from exporter.times import DAY
from tests.store.conftest import Fail
from tests.store.kit import DONE, FAILED, LASTED, MARK, NOTHING, NOW, TODAY, commit, counted, durable, everything, knows

ME = "roboto https://example.test org"


class Interrupted(Exception):
    """Something unexpected within a transaction."""


def test_it_is_a_store(store: SqliteStore) -> None:
    accepts: Store = store
    assert accepts.ledger("t") is store.ledger("t")


# "What is written through it becomes durable together when the block ends, or not at all."


def test_everything_is_in_the_ledger_after_the_transaction(store: SqliteStore) -> None:
    changes = everything()
    commit(store, changes)
    ledger = store.ledger("t")
    assert ledger.target == changes.target
    for name in ("listings", "open_runs", "timeless", "workloads", "sources", "windows", "series", "marks"):
        assert getattr(ledger, name) == getattr(changes, name)
    assert knows(store, ["run 3", "run 4", "run 5"]) == {"run 3", "run 4"}
    assert ledger.remembered({TODAY - 1: ["run 3", "run 4"]}) == {"run 3"}


def test_everything_is_the_same_after_it_was_opened_anew(path: Path) -> None:
    """Every field of every state, names with quotes, newlines and emoji too."""
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, everything())
    before = durable(store.ledger("t"))
    store.close()
    store = SqliteStore(path, NOW + DAY)
    after = durable(store.open_target("t", ME, NOW + DAY, holds=False))
    assert after == before
    assert knows(store, ["run 3", "run 4", "run 5"]) == {"run 3", "run 4"}
    assert store.created_at() == NOW
    store.close()


def test_nothing_is_lost_by_not_closing(path: Path) -> None:
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, everything())
    before = durable(store.ledger("t"))
    store._unlock()
    again = SqliteStore(path, NOW)
    assert durable(again.open_target("t", ME, NOW, holds=False)) == before
    again.close()
    store._connection.close()


def test_what_is_deleted_is_gone(store: SqliteStore) -> None:
    commit(store, everything())
    changes = everything()
    gone = Changes(
        listings=dict.fromkeys(changes.listings),
        open_runs=dict.fromkeys(changes.open_runs),
        timeless=dict.fromkeys(changes.timeless),
        workloads=dict.fromkeys(changes.workloads),
        sources=dict.fromkeys(changes.sources),
        windows=dict.fromkeys(changes.windows),
        series=dict.fromkeys(changes.series),
        marks=dict.fromkeys(changes.marks),
        prune_before_day=TODAY,
    )
    commit(store, gone)
    ledger = store.ledger("t")
    assert durable(ledger) == {**NOTHING, "target": changes.target}
    assert ledger.remembered({TODAY - 1: ["run 3"], TODAY: ["run 3"]}) == {"run 3"}
    assert ledger.remembered({TODAY - 1: ["run 3"]}) == set()


def test_a_day_is_pruned_whole_and_the_days_after_it_stay(store: SqliteStore) -> None:
    commit(store, Changes(remember=[(TODAY + near, "x") for near in range(-3, 3)]))
    commit(store, Changes(prune_before_day=TODAY))
    kept = [near for near in range(-3, 3) if store.ledger("t").remembered({TODAY + near: ["x"]})]
    assert kept == [0, 1, 2]


def test_ids_are_looked_up_in_any_number(store: SqliteStore) -> None:
    ids = [f"run {number}" for number in range(2500)]
    commit(store, Changes(remember=[(TODAY, run_id) for run_id in ids[::2]]))
    assert knows(store, ids) == set(ids[::2])


def test_an_id_may_be_any_text(store: SqliteStore) -> None:
    ids = ["", "\x00", "\ud800", "💥", "x" * 10_000, "a\nb"]
    commit(store, Changes(remember=[(TODAY, run_id) for run_id in ids]))
    assert knows(store, [*ids, "X"]) == set(ids)


@pytest.mark.parametrize("error", [Interrupted, KeyboardInterrupt, StateError])
def test_an_exception_in_the_block_leaves_everything_as_it_was(store: SqliteStore, error: type[BaseException]) -> None:
    commit(store, counted(1))
    before = durable(store.ledger("t"))

    def breaks_off() -> None:
        with store.transaction("t") as transaction:
            transaction.apply(everything())
            raise error

    with pytest.raises(error):
        breaks_off()
    assert durable(store.ledger("t")) == before
    assert knows(store, ["run 1", "run 3"]) == {"run 1"}
    commit(store, counted(2))
    assert store.ledger("t").series[DONE].shown == (2,)


def test_memory_changes_only_after_the_commit(store: SqliteStore) -> None:
    before = durable(store.ledger("t"))
    with store.transaction("t") as transaction:
        transaction.apply(everything())
        assert durable(transaction.ledger) == before
    assert durable(store.ledger("t")) != before


def test_a_value_that_the_database_cannot_take_changes_nothing(store: SqliteStore) -> None:
    """A number above 2^63 is no error of the database, but of the library before it."""
    before = durable(store.ledger("t"))
    bad = everything()
    bad.marks[MARK] = 2**63
    with pytest.raises(OverflowError):
        commit(store, bad)
    assert durable(store.ledger("t")) == before
    commit(store, counted(1))


def test_a_transaction_takes_one_set_of_changes(store: SqliteStore) -> None:

    def applies_twice() -> None:
        with store.transaction("t") as transaction:
            transaction.apply(counted(1))
            transaction.apply(counted(2))

    with pytest.raises(StateError, match="one set of changes"):
        applies_twice()
    assert DONE not in store.ledger("t").series


def test_a_transaction_without_changes_changes_nothing(store: SqliteStore) -> None:
    commit(store, everything())
    before = durable(store.ledger("t"))
    with store.transaction("t"):
        pass
    assert durable(store.ledger("t")) == before


def test_it_is_told_how_long_a_commit_took() -> None:
    took: list[float] = []
    store = SqliteStore(None, NOW, took.append)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, counted(1))
    assert len(took) == 1
    assert took[0] >= 0
    store.close()


def test_who_is_told_of_a_commit_cannot_undo_it(path: Path) -> None:
    """Memory has what is on disk before anybody else is asked."""

    def raises(seconds: float) -> None:
        raise Interrupted

    store = SqliteStore(path, NOW, raises)
    store.open_target("t", ME, NOW, holds=False)
    with pytest.raises(Interrupted):
        commit(store, counted(1))
    assert store.ledger("t").series[DONE].shown == (1,)
    store.close()


# "When a transaction fails the error is a StateError, nothing has changed, and the next transaction starts from
# what is on disk."


@pytest.mark.parametrize("where", [None, "disk"])
@pytest.mark.parametrize(
    "statement",
    [
        "BEGIN",
        "UPDATE target",
        "INSERT INTO listing",
        "INSERT INTO series",
        "INSERT INTO ended_page",
        "COMMIT",
    ],
)
def test_an_error_of_the_database_at_any_statement_leaves_everything_as_it_was(
    fail: Fail, path: Path, where: str | None, statement: str
) -> None:
    store = SqliteStore(path if where else None, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, counted(1))
    before = durable(store.ledger("t"))
    fail(statement)
    with pytest.raises(StateError, match="disk I/O error"):
        commit(store, everything())
    assert durable(store.ledger("t")) == before
    commit(store, counted(2))
    assert store.ledger("t").series[DONE].shown == (2,)
    assert knows(store, ["run 1", "run 2", "run 3"]) == {"run 1", "run 2"}
    store.close()


@pytest.mark.parametrize("where", [None, "disk"])
def test_a_commit_that_worked_but_said_otherwise_is_seen_by_the_next_transaction(
    fail: Fail, path: Path, where: str | None
) -> None:
    """Else the same runs would be counted on top of what is on disk."""
    store = SqliteStore(path if where else None, NOW)
    store.open_target("t", ME, NOW, holds=True)
    fail("COMMIT", "after")
    with pytest.raises(StateError):
        commit(store, counted(1))
    assert DONE not in store.ledger("t").series
    with store.transaction("t") as transaction:
        assert transaction.ledger.series[DONE].shown == (1,)
        assert transaction.ledger.held(DONE)
        assert transaction.ledger.remembered({TODAY: ["run 1"]}) == {"run 1"}
    store.close()


def test_after_an_error_every_open_ledger_starts_from_what_is_on_disk(fail: Fail, path: Path) -> None:
    store = SqliteStore(path, NOW)
    for name in ("t", "u"):
        store.open_target(name, ME, NOW, holds=False)
        commit(store, counted(1), name)
    fail("INSERT INTO series")
    with pytest.raises(StateError):
        commit(store, counted(2), "t")
    commit(store, counted(3), "u")
    assert store.ledger("t").series[DONE].shown == (1,)
    assert store.ledger("u").series[DONE].shown == (3,)
    store.close()


def test_the_ledger_is_the_same_object_after_an_error(fail: Fail, path: Path) -> None:
    """Everybody who holds it sees the committed state."""
    store = SqliteStore(path, NOW)
    ledger = store.open_target("t", ME, NOW, holds=False)
    fail("COMMIT")
    with pytest.raises(StateError):
        commit(store, counted(1))
    commit(store, counted(2))
    assert store.ledger("t") is ledger
    assert ledger.series[DONE].shown == (2,)
    store.close()


def test_errors_that_last_are_told_each_time_and_lose_nothing(fail: Fail, path: Path) -> None:
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, counted(1))
    fail("COMMIT", times=5)
    for _ in range(5):
        with pytest.raises(StateError):
            commit(store, counted(2))
        assert store.ledger("t").series[DONE].shown == (1,)
    commit(store, counted(2))
    assert store.ledger("t").series[DONE].shown == (2,)
    assert store.created_at() == NOW
    store.close()


def test_memory_that_could_not_follow_is_loaded_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between COMMIT and memory anything may fail; what is on disk stands."""
    store = SqliteStore(path, NOW)
    ledger = store.open_target("t", ME, NOW, holds=False)

    def raises(changes: Changes) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "apply", raises)
        with pytest.raises(MemoryError):
            commit(store, counted(1))
    with store.transaction("t") as transaction:
        assert transaction.ledger.series[DONE].shown == (1,)
    store.close()


def test_after_a_batch_that_went_well_nothing_is_loaded_anew(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large state takes seconds to load, and batches are many."""

    def loads(*_: object) -> None:
        pytest.fail("the ledger was loaded anew")

    commit(store, counted(1))
    monkeypatch.setattr("exporter.store.sqlite.load", loads)
    for number in range(2, 5):
        commit(store, counted(number))
    assert store.ledger("t").series[DONE].shown == (4,)


def test_loading_puts_what_is_stored_in_place_of_what_was_there(store: SqliteStore) -> None:
    """Be it nothing at all."""
    ledger = store.open_target("new", ME, NOW, holds=False)
    assert isinstance(ledger, StoredLedger)
    ledger.apply(everything())
    load(store._connection, ledger.row, ledger)
    assert durable(ledger) == NOTHING


def test_an_error_while_a_target_is_opened_leaves_no_half_target(fail: Fail, path: Path) -> None:
    store = SqliteStore(path, NOW)
    fail("COMMIT")
    with pytest.raises(StateError):
        store.open_target("t", ME, NOW, holds=False)
    assert store.open_target("t", ME, NOW, holds=False).target is None
    store.close()


# "ledger(name) is a live view of what is committed; reading it never waits for a writer."


def test_reading_does_not_wait_for_a_writer(store: SqliteStore) -> None:
    commit(store, counted(1))
    seen: list[tuple[int, ...]] = []
    with store.transaction("t") as transaction:
        transaction.apply(counted(2))
        reader = threading.Thread(target=lambda: seen.append(store.ledger("t").series[DONE].shown))
        reader.start()
        reader.join(5)
    assert seen == [(1,)]


def test_targets_may_be_written_from_many_threads(path: Path) -> None:
    store = SqliteStore(path, NOW)
    names = [f"t{number}" for number in range(6)]
    for name in names:
        store.open_target(name, ME, NOW, holds=False)
    failures: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for number in range(1, 41):
                with store.transaction(name) as transaction:
                    known = transaction.ledger.series.get(DONE)
                    assert (0 if known is None else known.shown[0]) == number - 1
                    transaction.apply(counted(number))
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=write, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert {store.ledger(name).series[DONE].shown for name in names} == {(40,)}
    store.close()


def test_ledgers_of_different_targets_share_nothing(store: SqliteStore) -> None:
    store.open_target("u", ME, NOW, holds=False)
    commit(store, everything())
    assert durable(store.ledger("u")) == NOTHING
    assert knows(store, ["run 3"], "u") == set()
    commit(store, counted(1), "u")
    assert store.ledger("t").series[DONE] == everything().series[DONE]


# Rule 16: every start holds everything.


@pytest.mark.parametrize("holds", [True, False])
def test_opening_holds_every_series_that_was_stored(path: Path, holds: bool) -> None:
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, everything())
    store.close()
    store = SqliteStore(path, NOW)
    ledger = store.open_target("t", ME, NOW, holds=holds)
    assert set(ledger.holding) == ({DONE, LASTED, FAILED} if holds else set())
    assert ledger.held(DONE) is holds
    assert not ledger.levels
    assert not ledger.exemplars
    store.close()


# Rule 28: "When a target's upstream identity differs from the stored one, totals and created times stay, and the
# rest of its ledger is dropped: its next poll is a baseline."


def test_another_upstream_keeps_the_totals_and_nothing_else(path: Path) -> None:
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    store.open_target("u", ME, NOW, holds=False)
    commit(store, everything())
    commit(store, everything(), "u")
    store.close()
    for _ in range(2):
        store = SqliteStore(path, NOW)
        ledger = store.open_target("t", "roboto https://example.test another", NOW, holds=False)
        assert ledger.series == everything().series
        assert durable(ledger) == {**NOTHING, "series": everything().series}
        assert knows(store, ["run 3"]) == set()
        assert durable(store.open_target("u", ME, NOW, holds=False))["listings"] == everything().listings
        assert knows(store, ["run 3"], "u") == {"run 3"}
        store.close()


def test_the_same_upstream_keeps_everything(path: Path) -> None:
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, everything())
    before = durable(store.ledger("t"))
    assert durable(store.open_target("t", ME, NOW, holds=False)) == before
    store.close()


# "What belongs to targets that are not configured is kept, not shown, and dropped after forget_after."


def test_a_target_that_is_not_configured_is_kept_and_dropped_in_the_end(path: Path) -> None:
    store = SqliteStore(path, NOW)
    for name in ("t", "u"):
        store.open_target(name, ME, NOW, holds=False)
        commit(store, everything(), name)
    store.close()
    later = NOW + 50 * DAY
    store = SqliteStore(path, later)
    store.open_target("t", ME, later, holds=False)
    assert store.drop_unused(later, later - 100 * DAY) == []
    with pytest.raises(KeyError):
        store.ledger("u")
    last = NOW + 101 * DAY
    assert store.drop_unused(last, last - 100 * DAY) == ["u"]
    assert store.drop_unused(last, last - 100 * DAY) == []
    assert durable(store.ledger("t"))["series"] == everything().series
    assert store.open_target("u", ME, last, holds=False).target is None
    assert not store.ledger("u").series
    assert knows(store, ["run 3"], "u") == set()
    store.close()


def test_a_target_that_was_in_use_until_just_now_is_not_dropped_with_its_configuration(path: Path) -> None:
    """It was opened a year ago and polled ever since; what counts is when it was last in use."""
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, everything())
    later = NOW + 365 * DAY
    store.drop_unused(later, later - 100 * DAY)
    store.close_target("t")
    assert store.drop_unused(later + DAY, later - 99 * DAY) == []
    assert store.open_target("t", ME, later, holds=False).series == everything().series
    store.close()


def test_a_closed_target_is_kept(store: SqliteStore) -> None:
    commit(store, everything())
    store.close_target("t")
    with pytest.raises(KeyError):
        store.ledger("t")
    store.close_target("t")
    assert store.open_target("t", ME, NOW, holds=False).series == everything().series


# Rule 19: bounds.


def test_other_bounds_begin_a_histogram_anew(path: Path) -> None:
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, everything())
    store._connection.execute("UPDATE bounds SET bounds = '[1, 2]' WHERE family = ?", (LASTED.family,))
    wide = Series((1, 2, 3, 4), (0, 0, 0, 5), NOW)
    store._connection.execute(
        "UPDATE series SET shown = '[1,2,3,4]', pending = '[0,0,0,5]' WHERE family = ?", (LASTED.family,)
    )
    store.close()
    assert len(wide.shown) != len(everything().series[LASTED].shown)  # type: ignore[union-attr]
    for later in (NOW + DAY, NOW + 2 * DAY):
        store = SqliteStore(path, later)
        ledger = store.open_target("t", ME, later, holds=False)
        fresh = ledger.series[LASTED]
        assert not any(fresh.shown)
        assert not any(fresh.pending)
        assert len(fresh.shown) == len(everything().series[LASTED].shown)  # type: ignore[union-attr]
        assert fresh.created == NOW + DAY
        assert ledger.series[DONE] == everything().series[DONE]
        store.close()


def test_the_same_bounds_keep_a_histogram(path: Path) -> None:
    for _ in range(3):
        store = SqliteStore(path, NOW)
        ledger = store.open_target("t", ME, NOW, holds=False)
        if not ledger.series:
            commit(store, everything())
        assert ledger.series[LASTED] == everything().series[LASTED]
        store.close()


# Downgrades.


def test_families_that_this_version_does_not_know_stay_on_disk(path: Path) -> None:
    """After a downgrade and an upgrade they go on where they stood."""
    store = SqliteStore(path, NOW)
    store.open_target("t", ME, NOW, holds=False)
    commit(store, everything())
    tables = ("series", "mark", "figure")
    for table in tables:
        store._connection.execute(f"UPDATE {table} SET family = 'newer_' || family")  # noqa: S608
    store.close()
    store = SqliteStore(path, NOW)
    ledger = store.open_target("t", ME, NOW, holds=False)
    assert not ledger.series
    assert not ledger.marks
    assert not ledger.windows
    commit(store, counted(1))
    commit(store, Changes(listings={"w": ListingState()}))
    for table in tables:
        store._connection.execute(f"DELETE FROM {table} WHERE family NOT LIKE 'newer_%'")  # noqa: S608
        store._connection.execute(f"UPDATE {table} SET family = substr(family, 7)")  # noqa: S608
    store.close()
    store = SqliteStore(path, NOW)
    ledger = store.open_target("t", ME, NOW, holds=False)
    assert ledger.series == everything().series
    assert ledger.marks == everything().marks
    assert ledger.windows == everything().windows
    store.close()


def test_the_first_changes_of_a_target_begin_its_baseline(store: SqliteStore) -> None:
    assert store.ledger("t").target is None
    state = TargetState(NOW, NOW - DAY, NOW)
    commit(store, Changes(target=state))
    assert store.ledger("t").target == state


def test_its_size_is_told(store: SqliteStore) -> None:
    commit(store, everything())
    on_disk = store.path is not None
    assert (store.size_bytes() > 4096) is on_disk


def test_nothing_can_be_read_of_a_target_that_was_never_opened(store: SqliteStore) -> None:
    with pytest.raises(KeyError):
        store.ledger("nobody")
    with pytest.raises(KeyError), store.transaction("nobody"):
        pass


def test_keys_that_differ_in_one_label_only_are_different_series(store: SqliteStore) -> None:
    keys = [SeriesKey(DONE.family, labels) for labels in (("a,b", "c"), ("a", "b,c"), ('a","b', "c"), ("", ""))]
    commit(store, Changes(series={key: Series((number,), (0,), NOW) for number, key in enumerate(keys)}))
    assert [store.ledger("t").series[key].shown for key in keys] == [(0,), (1,), (2,), (3,)]
