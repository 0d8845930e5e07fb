"""Properties of the pure core: any order of pages, repeats, failures, pruning and restarts gives the totals of a
naive model that remembers everything and counts each run once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.catalogue.ledger import CORRECTIONS, LATE_RUNS_SKIPPED, RUNS_EXPIRED
from exporter.catalogue.runs import LAST_RUN, RUN_DURATION, RUN_FAILURES, RUNS
from exporter.counting import count, finish, release
from exporter.counting.states import Series, SeriesKey
from exporter.observations import Add, Effect, Page, Run
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros
from tests.counting.kit import LIMITS, OUTCOMES, RULES, START, WINDOWED, Bench, ended, failed, hold_all, running
from tests.counting.platform import ITEMS, TRUE, Event, Platform, assert_owed

SETTINGS = settings(max_examples=120, deadline=timedelta(seconds=5))


# Runs from listings.


@dataclass(slots=True)
class Truth:
    """A run as it happened."""

    id: str
    born: Micros
    end: Micros
    outcome: str

    def seen(self, now: Micros, *, stale: bool = False, without_times: bool = False) -> Run:
        """What a page shows of it; ``stale`` shows it open although it ended."""
        if now < self.end or stale:
            return running(self.id, None if without_times else self.born)
        if without_times:
            return ended(self.id, None, outcome=self.outcome)
        return ended(self.id, self.born, finished=self.end, outcome=self.outcome)


@dataclass(slots=True)
class Naive:
    """Counts each run once, and forgets nothing."""

    baseline: Micros
    states: dict[str, str] = field(default_factory=dict)
    runs: Counter[str] = field(default_factory=Counter)
    late: int = 0
    expired: int = 0

    def sees(self, run: Run, truth: Truth, now: Micros, floor: Micros, *, trusted: bool) -> None:
        """Take in a row, in the order in which the page is judged; nothing grows too old while the clocks disagree."""
        state = self.states.get(run.id)
        if state == "done":
            return
        if state == "open":
            if run.ended:
                self._done(run.id, run.outcome)
            elif now - truth.born > LIMITS.open_run_max_age and trusted:
                self.expired += 1
                self._done(run.id, "unknown")
        elif run.ended and truth.end < self.baseline:
            self.states[run.id] = "done"
        elif truth.born < floor:
            if (truth.end if run.ended else truth.born) >= floor:
                self.late += 1
                self.states[run.id] = "done"
        elif run.ended:
            self._done(run.id, run.outcome)
        elif now - truth.born > LIMITS.open_run_max_age and trusted:
            self.late += 1
            self.states[run.id] = "done"
        else:
            self.states[run.id] = "open"

    def _done(self, run_id: str, outcome: str) -> None:
        self.runs[outcome] += 1
        self.states[run_id] = "done"


def assert_only_forward(before: dict[SeriesKey, Series], after: dict[SeriesKey, Series]) -> None:
    """Counters and histograms never fall, created times never move, no series vanishes."""
    for key, old in before.items():
        new = after[key]
        assert new.created == old.created
        assert all(a <= b for a, b in zip(old.shown, new.shown, strict=True))


@st.composite
def worlds(draw: st.DrawFn) -> list[Truth]:
    """Runs around the baseline and for two weeks after it, some very long."""
    number = draw(st.integers(1, 14))
    minutes = st.integers(-3 * 24 * 60, 16 * 24 * 60)
    lengths = st.one_of(st.integers(0, 120), st.integers(0, 12 * 24 * 60), st.integers(8 * 24 * 60, 40 * 24 * 60))
    return [
        Truth(
            id=f"run {index}",
            born=(born := START + draw(minutes) * MINUTE),
            end=born + draw(lengths) * MINUTE,
            outcome=draw(st.sampled_from(OUTCOMES)),
        )
        for index in range(number)
    ]


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "page",
                "page",
                "sweep",
                "broken",
                "repeat",
                "lost",
                "fail",
                "wait",
                "long-wait",
                "long-wait",
                "clock",
                "finish",
                "restart",
                "show",
            ]
        ),
        st.integers(0, 2**16),
    ),
    min_size=20,
    max_size=60,
)


def show(bench: Bench) -> None:
    """A snapshot is ready, and the holds that it began are over."""
    bench.ledger.begin_holds(list(bench.ledger.holding), 0.0)
    over = bench.ledger.holds_over(120.0, 120.0)
    bench.commit(release(bench.ledger, bench.rules, bench.moment, over))
    bench.ledger.end_holds(over)


@SETTINGS
@given(worlds(), ACTIONS, st.sampled_from([0, -10 * MINUTE, 10 * MINUTE, 2 * DAY]))
def test_any_order_of_pages_counts_each_run_once(
    world: list[Truth], actions: list[tuple[str, int]], wrong: Micros
) -> None:
    """Pages in any order and with any rows, repeated, lost before they were committed; walks that break and listings
    that fail; prunings; restarts; a clock that is ``wrong`` for a while."""
    bench = Bench(holds=True)
    bench.roster("w")
    naive = Naive(baseline=START)
    births: dict[str, Micros] = {}
    committed: list[tuple[Page[Run], list[Truth]]] = []
    if wrong:  # by such a clock history is known by its ids alone, once its listing was read whole
        rows = [run for run in world if run.born <= START]
        page = bench.a_page(*(run.seen(START) for run in rows), top=START)
        bench.put(page)
        judge(naive, page, rows, bench, START - LIMITS.memory)
    for action, seed in actions:
        before = dict(bench.ledger.series)
        target = bench.ledger.target
        assert target is not None
        if action in ("page", "sweep", "broken", "lost"):
            rows = [run for index, run in enumerate(world) if seed >> index & 1 and run.born <= bench.upstream_now]
            page = a_page(bench, naive, rows, seed, action)
            if action == "lost":
                count(page, bench.ledger, bench.rules, bench.moment)
            else:
                bench.put(page)
                committed.append((page, rows))
                judge(naive, page, rows, bench, target.floor)
                if action == "sweep":
                    bench.finish()
        elif action == "repeat" and committed:
            page, rows = committed[seed % len(committed)]
            if any(
                run.triggered is None and run.id not in known_lately(naive, rows, target.floor) for run in page.items
            ):
                continue  # below the floor a run without times cannot be told from a new one
            # told again now: the page is as old as it is, the upstream's clock is not
            page = replace(page, upstream_now=bench.upstream_now)
            bench.put(page)
            judge(naive, page, rows, bench, target.floor)
        elif action == "fail":
            bench.fail(gone=bool(seed & 1), drop_link=bool(seed & 2))
        else:
            goes_on(bench, action, seed, wrong)
        assert_only_forward(before, bench.ledger.series)
        for run_id, known in bench.ledger.open_runs.items():
            assert births.setdefault(run_id, known.birth) == known.birth
        assert bench.ledger.target is not None
        assert target.floor <= bench.ledger.target.floor <= bench.upstream_now - LIMITS.memory
    assert {outcome: number for outcome, number in naive.runs.items() if number} == bench.counted()
    assert bench.own(LATE_RUNS_SKIPPED.name) == naive.late
    assert bench.own(RUNS_EXPIRED.name) == naive.expired
    assert set(bench.ledger.open_runs) == {run_id for run_id, state in naive.states.items() if state == "open"}


def goes_on(bench: Bench, action: str, seed: int, wrong: Micros) -> None:
    """What happens between pages."""
    if action == "wait":
        bench.now += (1 + seed % 300) * MINUTE
    elif action == "long-wait":
        bench.now += (1 + seed % 5) * DAY
    elif action == "clock":
        step(bench, wrong if seed % 2 else 0)
    elif action == "finish":
        bench.finish()
    elif action == "restart":
        hold_all(bench.ledger)
    elif action == "show":
        show(bench)


def step(bench: Bench, ahead: Micros) -> None:
    """Our clock is set; the upstream's goes on."""
    upstream_now = bench.upstream_now
    bench.now, bench.upstream_skew = upstream_now + ahead, -ahead


def known_lately(naive: Naive, rows: list[Truth], floor: Micros) -> set[str]:
    """The runs that are known, and were born long enough after the floor for their ids to be there."""
    return {run.id for run in rows if run.id in naive.states and run.born >= floor + 2 * DAY}


def a_page(bench: Bench, naive: Naive, rows: list[Truth], seed: int, kind: str) -> Page[Run]:
    """A page of these rows: the newest first or in any order, some twice, some stale, some without their times."""
    now, broken = bench.upstream_now, kind == "broken"
    assert bench.ledger.target is not None
    known = known_lately(naive, rows, bench.ledger.target.floor)
    shown = []
    for index, run in enumerate(rows):
        blank = bool(seed >> (index + 3) & 1) and run.id in known
        stale = bool(seed >> (index + 5) & 1) and now - run.born < LIMITS.open_run_max_age
        shown.append(run.seen(now, stale=stale, without_times=blank))
        if seed >> (index + 7) & 1:
            shown.append(shown[-1])
    if seed & 1:
        shown.reverse()
    page = bench.a_page(
        *shown,
        kind="sweep" if kind == "sweep" else "ordinary",
        top=min(now, START + 28 * DAY),
        complete=not broken,
        link="next" if broken else None,
    )
    # what a sweep did not meet it did not look for: the absence of runs is a property of its own
    return replace(page, step=replace(page.step, depth=now + HOUR))


def judge(naive: Naive, page: Page[Run], rows: list[Truth], bench: Bench, floor: Micros) -> None:
    """Have the naive model see the page in the order of the rows' latest times."""
    truths = {run.id: run for run in rows}
    shown = list(page.items)
    latest = {id(run): truths[run.id].end if run.ended else truths[run.id].born for run in shown}
    for run in sorted(shown, key=lambda run: latest[id(run)]):
        naive.sees(run, truths[run.id], bench.upstream_now, floor, trusted=not bench.upstream_skew)


@SETTINGS
@given(worlds(), st.permutations(range(6)), st.integers(0, 2**16))
def test_listings_commute(world: list[Truth], order: list[int], seed: int) -> None:
    """Rule 1: whichever listing is committed first."""
    ledgers = []
    for sequence in (range(6), order):
        bench = Bench()
        bench.roster(*(f"w{index}" for index in range(6)))
        bench.now += 30 * DAY
        for listing in sequence:
            name = f"w{listing}"
            runs = [replace(run, id=f"{name} {run.id}") for run in world]
            bench.page(*(run.seen(bench.now)._replace(workload=name) for run in runs), listing=name, kind="sweep")
        ledgers.append((bench.ledger.series, bench.ledger.open_runs, bench.ledger.listings, bench.ledger.target))
    assert ledgers[0] == ledgers[1]


@SETTINGS
@given(st.lists(st.integers(0, 2**53), min_size=1, max_size=50), st.integers(0, 49))
def test_a_histogram_is_the_same_in_any_order_and_adds_up(durations: list[int], turn: int) -> None:
    results = []
    for order in (durations, durations[turn:] + durations[:turn]):
        bench = Bench()
        bench.roster("w")
        bench.now += HOUR
        runs = [
            run._replace(values=(amount,))
            for index, amount in enumerate(order)
            for run in [ended(f"{index}", bench.now - MINUTE)]
        ]
        bench.page(*runs)
        results.append(bench.ledger.series[SeriesKey(RUN_DURATION.name, ("w", "completed"))].shown)
    assert results[0] == results[1]
    assert sum(results[0][:-1]) == len(durations)
    assert results[0][-1] == sum(durations)


# Holds.


@SETTINGS
@given(st.lists(st.sampled_from(["add", "publish", "tick", "restart", "reload"]), max_size=60))
def test_held_series_show_the_old_value_first_and_everything_in_the_end(actions: list[str]) -> None:
    bench = Bench(holds=True)
    bench.roster("w")
    key = SeriesKey(RUNS.name, ("w", "completed"))
    monotonic, added, published_at = 0.0, 0, None
    old: int | None = 0
    for action in actions:
        if action == "add":
            added += 1
            bench.now += MINUTE
            bench.page(ended(f"{added}", bench.now))
        elif action == "publish":
            bench.ledger.begin_holds(list(bench.ledger.holding), monotonic)
            published_at = monotonic if published_at is None else published_at
        elif action == "tick":
            monotonic += 50.0
            over = bench.ledger.holds_over(monotonic, 120.0)
            bench.commit(release(bench.ledger, bench.rules, bench.moment, over))
            bench.ledger.end_holds(over)
            if published_at is not None and monotonic - published_at >= 120.0:
                old = None
        elif action == "restart":
            hold_all(bench.ledger)
            published_at, old = None, bench.ledger.series[key].shown[0]
        series = bench.ledger.series[key]
        assert series.shown[0] == (added if old is None else old)
        assert series.shown[0] + series.pending[0] == added


# Windows.


WRONG = st.sampled_from([-2 * DAY, -10 * MINUTE, 10 * MINUTE, 2 * DAY])
"""By how much our clock is ahead of the upstream's while it is wrong."""

BY_OURS = 2**13
"""A poll, by its seed: the answers tell the time, and were asked for by our clock."""
BY_THEIRS = 2**13 + 2**14
"""The same, asked for by the upstream's."""

WINDOW_ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "run",
                "run",
                "run",
                "poll",
                "poll",
                "poll",
                "undo",
                "requeue",
                "wait",
                "wait",
                "clock",
                "finish",
                "restart",
                "show",
            ]
        ),
        st.integers(0, 2**16),
    ),
    min_size=30,
    max_size=90,
)


@SETTINGS
@given(WINDOW_ACTIONS, st.booleans(), st.booleans(), WRONG, st.sampled_from([0, 1, 1000]))
@example([("run", 0), ("poll", 0), ("undo", 0), ("poll", 0), *[("wait", 60), ("poll", 1)] * 10], True, False, 0, 1000)
@example(
    # read by a clock that is behind, and no answer tells the time as the debt grows old
    [
        *[("wait", 399), ("run", 0), ("poll", BY_THEIRS), ("show", 0), ("clock", 1), ("poll", BY_THEIRS), ("poll", 0)],
        *[("wait", 120), ("poll", BY_OURS), ("wait", 29), ("poll", 0), ("finish", 0)],
    ],
    True,
    True,
    -2 * DAY,
    1000,
)
def test_windows_add_up_whatever_the_platform_tells(
    actions: list[tuple[str, int]], stubborn: bool, honest: bool, wrong: Micros, max_workloads: int
) -> None:
    """Truth = counter - debt - written off, over moves, forced ones too, with one lie a reading; counters only rise.

    ``stubborn``: something is always active in the closing part, so that every move is forced. ``honest``: no reading
    lies, and then only what fell is ever written off, although our clock is ``wrong`` for a while now and then.
    """
    rules = replace(WINDOWED, limits=replace(LIMITS, max_workloads=max_workloads))
    bench = Bench(rules=rules, holds=True)
    platform = Platform([Event("w1", "completed", START - HOUR), Event("w2", "failed", START - 20 * HOUR)])
    bench.put(platform.poll(None, START, START))
    told_at: Micros | None = None
    dated = True
    for action, seed in [*actions, *QUIET]:
        before = dict(bench.ledger.series)
        if action == "run":
            platform.events.append(Event(ITEMS[seed % 3], OUTCOMES[seed // 3 % 2], bench.upstream_now))
            bench.now += MINUTE
        elif action == "poll":
            lately = told_at is not None and bench.now - told_at < LIMITS.settle
            dated = bool(seed & (2**15 | BY_OURS)) or not (lately or not bench.upstream_skew)
            poll_windows(bench, platform, seed, dated=dated, active=stubborn, honest=honest)
            told_at = bench.now if dated else told_at
        elif action in ("undo", "requeue"):
            platform.takes_back(seed, bench.upstream_now, requeue=action == "requeue")
        elif action == "wait":
            bench.now += (1 + seed % 400) * 10 * MINUTE
        elif action == "clock":
            step(bench, wrong if seed % 2 else 0)
            told_at = None
        elif action == "finish":
            told = bench.upstream_now if dated else None
            bench.commit(finish(bench.ledger, bench.rules, bench.moment, told, LIMITS.interval))
            assert_old_enough(before, bench)
        elif action == "restart":
            hold_all(bench.ledger)
        elif action == "show":
            show(bench)
        assert_only_forward(before, bench.ledger.series)
        assert_owed(before, bench.ledger.series)
    counters = {key: series for key, series in bench.ledger.series.items() if key.family == RUNS.name}
    assert not any(series.debt for series in counters.values())  # absorbed, or written off in the end
    truth = {key.labels: series.shown[0] + series.pending[0] - series.written_off for key, series in counters.items()}
    slots = {item: state.slot for item, state in bench.ledger.workloads.items()}
    naive: Counter[tuple[str, ...]] = Counter()
    for (item, outcome), number in platform.counted().items():
        naive[slots[item], outcome] += number
    assert {labels: number for labels, number in truth.items() if number} == naive
    corrections = bench.ledger.series.get(SeriesKey(CORRECTIONS.name, (RUNS.name,)))
    written_off = sum(series.written_off for series in counters.values())
    assert (0 if corrections is None else sum(corrections.shown + corrections.pending)) == written_off
    if honest:
        assert written_off <= platform.fell


QUIET = [("clock", 0), ("wait", 1), ("poll", 2**15), ("wait", 399), ("wait", 99), ("poll", 2**15), ("finish", 0)]
"""The end of each test: the platform tells what is, whatever is owed becomes old, and the clocks have agreed for
``settle``, also by one that was two days ahead when they last did not."""


def assert_old_enough(before: dict[SeriesKey, Series], bench: Bench) -> None:
    """The end of a poll writes off only what fell ``settle`` ago, as the target was last read."""
    assert bench.ledger.target is not None
    for key, old in before.items():
        if bench.ledger.series[key].written_off > old.written_off:
            assert old.debt_since is not None
            assert (bench.ledger.target.data_at or 0) - old.debt_since >= LIMITS.settle


def poll_windows(bench: Bench, platform: Platform, seed: int, *, dated: bool, active: bool, honest: bool) -> None:
    """Poll as a fetch does, by the upstream's clock or, as after a start, by ours.

    ``dated``: the answers tell the time. They may tell none where our clock is right, or was found wrong by an answer
    within ``settle``.
    """
    lies = [TRUE] * 4
    if not (honest or seed & 2**15):  # one of the readings lies
        lies[seed % 4] = seed // 4 % 5 - 1
    asked = bench.upstream_now if dated and seed & (2**15 | 2**14) else bench.now
    state = bench.ledger.sources["list"]
    if asked > state.anchor:  # else the poll fails
        told = bench.upstream_now if dated else None
        batch = platform.poll(state, asked, told, lies=lies, active=active)
        for _ in range(1 + (seed >> 12 & 1)):  # a batch may be repeated
            bench.put(batch)


REASONS = st.sampled_from(["timeout", "quota", "tool", "filter", "unknown"])


TOLD = st.tuples(st.sampled_from("vw"), REASONS, st.integers(0, 3600), st.integers(0, 3600))
"""Workload, reason, seconds that it ran, and second of its end after the start of the test."""


@SETTINGS
@given(st.lists(TOLD, max_size=12), st.integers(1, 4))
def test_a_page_of_runs_is_counted_as_if_each_came_by_itself(told: list[tuple[str, str, int, int]], cap: int) -> None:
    """What they add is summed up first, runs that add the same are counted together: values, folding, exemplars and
    times of events are the same."""
    ledgers = []
    shared = {
        reason: Effect(
            (Add(RUNS, ("failed",)), Add(RUN_FAILURES, (reason, ""))),
            ((RUN_DURATION, ("failed",)),),
            ((LAST_RUN, ("failed",)),),
        )
        for _, reason, _, _ in told
    }
    for at_once, together in ((True, True), (True, False), (False, False)):
        bench = Bench(rules=replace(RULES, limits=replace(LIMITS, max_label_values=cap)))
        bench.roster("v", "w")
        bench.now += 2 * HOUR
        runs = []
        for number, (workload, reason, length, end) in enumerate(told):
            run = failed(f"run {number}", START + number * SECOND, after=HOUR, workload=workload)
            effect = shared[reason] if together else replace(shared[reason])
            runs.append(run._replace(effect=effect, values=(length * SECOND,), events=(START + end * SECOND,)))
        for page in [runs] if at_once else [[run] for run in runs]:
            bench.page(*page, listing="v")
        ledgers.append((bench.ledger.series, bench.ledger.exemplars, bench.ledger.marks))
    assert ledgers[0] == ledgers[1] == ledgers[2]
