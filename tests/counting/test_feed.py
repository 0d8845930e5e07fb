"""The run feed: which runs are in it, which of them are news, and how it fills up again."""

from __future__ import annotations

import pytest

from exporter.catalogue.runs import RUN_FAILURES
from exporter.counting.feed import FEED_LENGTH, Feed, FeedRun
from exporter.counting.ledger import Changes
from exporter.observations import NO_EFFECT, Add, Delivery, Effect, Failed, Reading, Run, Source, Windows, WindowTotal
from exporter.times import DAY, HOUR, MINUTE, Micros
from tests.counting.kit import LIMITS, RULES, START, WINDOWED, Bench

IDS = (("dispatch_id", "d-1"), ("task_id", "t-1"))


def a_run(run_id: str, at: Micros, outcome: str | None = "failed", **told: object) -> Run:
    """A run that ended at ``at`` and ran for a minute; open when ``outcome`` is None."""
    run = Run(
        id=run_id,
        workload="w",
        created=None,
        triggered=at - 2 * MINUTE,
        started=at - MINUTE,
        finished=None if outcome is None else at,
        ended=outcome is not None,
        state="running",
        outcome=outcome or "unknown",
        effect=Effect((Add(RUN_FAILURES, ("tool_error", "502")),)) if outcome == "failed" else NO_EFFECT,
        ids=IDS,
    )
    return run._replace(**told)  # type: ignore[arg-type]


@pytest.fixture
def bench() -> Bench:
    """A ledger with a roster, an hour after the baseline."""
    made = Bench()
    made.roster("w")
    made.page()
    made.now += HOUR
    return made


def news(changes: Changes) -> list[str]:
    """The runs of a batch that are logged."""
    return [run.run_id for run in changes.feed.values() if run.news]


def test_a_failed_run_is_news_once_with_all_its_ids(bench: Bench) -> None:
    """The page comes again at every poll; the log says it once."""
    run = a_run("r", bench.now - MINUTE)
    assert news(bench.page(run)) == ["r"]
    assert news(bench.page(run)) == []
    assert bench.ledger.feed.runs == (
        FeedRun(
            run_id="r",
            workload="w",
            label="w",
            outcome="failed",
            at=bench.now - MINUTE,
            triggered=bench.now - 3 * MINUTE,
            started=bench.now - 2 * MINUTE,
            finished=bench.now - MINUTE,
            reason="tool_error",
            status_code="502",
            ids=IDS,
            news=True,
        ),
    )


@pytest.mark.parametrize("outcome", ["completed", "cancelled", "unknown"])
def test_what_went_well_is_not_in_it(bench: Bench, outcome: str) -> None:
    """Nor what was cancelled on purpose."""
    assert not bench.page(a_run("r", bench.now, outcome)).feed


@pytest.mark.parametrize(("late", "shown"), [(LIMITS.schedule_grace, None), (11 * MINUTE, 11 * MINUTE)])
def test_a_scheduled_run_is_late_beyond_the_grace(bench: Bench, late: Micros, shown: Micros | None) -> None:
    """However it ended. At the grace it is on time."""
    started = bench.now - MINUTE
    bench.page(a_run("r", bench.now, "completed", delivery=Delivery("daily", started - late)))
    assert [run.late for run in bench.ledger.feed.runs] == ([] if shown is None else [shown])


def test_history_is_shown_and_no_news() -> None:
    """A first poll must not flood the log, but a person finds what failed before."""
    bench = Bench()
    bench.roster("w")
    changes = bench.page(a_run("old", bench.now - HOUR), a_run("older", bench.now - 2 * HOUR))
    assert news(changes) == []
    assert [run.run_id for run in bench.ledger.feed.runs] == ["old", "older"]


def test_after_a_start_it_fills_up_again_without_news(bench: Bench) -> None:
    """It is in memory only; what was counted before the start is on the pages that are read anyway."""
    run = a_run("r", bench.now)
    bench.page(run)
    bench.ledger.feed = Feed()
    assert news(bench.page(run)) == []
    assert [run.run_id for run in bench.ledger.feed.runs] == ["r"]


def test_an_open_run_that_fails_later_is_news_then(bench: Bench) -> None:
    """While it is open its ids are known; afterwards they are in the feed."""
    bench.page(a_run("r", bench.now, None))
    assert bench.ledger.open_ids == {"r": IDS}
    bench.now += MINUTE
    assert news(bench.page(a_run("r", bench.now))) == ["r"]
    assert bench.ledger.open_ids == {}


def test_a_run_that_is_given_up_is_news_with_the_ids_it_had(bench: Bench) -> None:
    """It was counted as unknown, and somebody may want to know which."""
    run = a_run("r", bench.now, None)
    bench.page(run)
    bench.now += LIMITS.open_run_max_age + HOUR
    assert news(bench.page(run)) == ["r"]
    (given_up,) = bench.ledger.feed.runs
    assert (given_up.outcome, given_up.reason, given_up.ids) == ("unknown", "given_up", IDS)


def test_a_run_without_times_is_shown_too(bench: Bench) -> None:
    """Placed beside its neighbour, or now."""
    bare = a_run("r", bench.now, triggered=None, started=None, finished=None)
    assert news(bench.page(bare)) == ["r"]
    assert news(bench.page(bare)) == []
    assert bench.ledger.feed.runs[0].at == bench.now


def test_an_id_that_no_console_takes_is_cut(bench: Bench) -> None:
    """An upstream may send anything; counting knows the whole id."""
    endless = "x" * 10_000
    run = a_run(endless, bench.now, ids=(("task_id", endless), ("session_id", "s-1")))
    assert news(bench.page(run)) == [f"{'x' * 255}…"]
    assert news(bench.page(run)) == []
    assert bench.ledger.feed.runs[0].ids == (("session_id", "s-1"),)
    bench.page(run._replace(id=endless + "y", ended=False, finished=None))
    assert bench.ledger.open_ids == {endless + "y": (("session_id", "s-1"),)}


def test_the_newest_are_kept() -> None:
    """In order of their ends, whatever the order in which they come; the first word on a run stands."""
    feed = Feed()
    many = [FeedRun(f"r{number}", "w", "w", "failed", at=number) for number in range(FEED_LENGTH + 50)]
    feed.take(reversed(many[:100]))
    feed.take(many[100:])
    feed.take([many[-1]._replace(outcome="completed")])
    assert [run.at for run in feed.runs] == list(range(FEED_LENGTH + 49, 49, -1))
    assert feed.runs[0].outcome == "failed"


def windows(bench: Bench, *failed: Failed) -> Changes:
    """A reading of windows beside which failed runs are named."""
    source: Source[WindowTotal] = Source("list", Reading(START - DAY, bench.now, ()))
    return bench.put(Windows((source,), bench.now, failed=failed))


def a_failure(run_id: str, at: Micros | None) -> Failed:
    return Failed(run_id, "w", "login_failed", None if at is None else at - MINUTE, at, (("execution_id", "x"),))


def test_named_failures_are_news_when_the_answer_before_did_not_name_them() -> None:
    """Those of the first answer ever are history."""
    bench = Bench(rules=WINDOWED)
    old = a_failure("old", bench.now - HOUR)
    assert news(windows(bench, old)) == []
    bench.now += 5 * MINUTE
    late_shown = a_failure("late", bench.now - 10 * MINUTE)
    assert news(windows(bench, old, late_shown, a_failure("no-time", None))) == ["late", "no-time"]
    bench.now += 5 * MINUTE
    assert news(windows(bench, old, late_shown)) == []
    assert {run.run_id: run.ids for run in bench.ledger.feed.runs} == dict.fromkeys(
        ("no-time", "late", "old"), (("execution_id", "x"),)
    )


def test_after_a_start_named_failures_are_news_when_they_ended_since_the_last_read() -> None:
    """By whichever process read it last."""
    bench = Bench(rules=WINDOWED)
    windows(bench)
    bench.ledger.named = None  # another process
    read = bench.now
    bench.now += HOUR
    assert news(windows(bench, a_failure("known", read - MINUTE), a_failure("missed", read + MINUTE))) == ["missed"]


def test_a_reading_that_names_nobody_says_nothing() -> None:
    """Reads by name leave out what the list names."""
    bench = Bench(rules=RULES)
    bench.ledger.named = frozenset({"r"})
    bench.put(Windows((), bench.now))
    assert bench.ledger.named == frozenset({"r"})
