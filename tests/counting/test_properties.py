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
from exporter.counting import count, release
from exporter.counting.states import Series, SeriesKey
from exporter.observations import Add, Effect, Page, Run
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros
from tests.counting.kit import LIMITS, OUTCOMES, RULES, START, WINDOWED, Bench, Parts, ended, failed, running

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

    def sees(self, run: Run, truth: Truth, now: Micros, floor: Micros) -> None:
        """Take in a row, in the order in which the page is judged."""
        state = self.states.get(run.id)
        if state == "done":
            return
        if state == "open":
            if run.ended:
                self._done(run.id, run.outcome)
            elif now - truth.born > LIMITS.open_run_max_age:
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
        elif now - truth.born > LIMITS.open_run_max_age:
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
    """Runs around the baseline and for four weeks after it, some very long."""
    number = draw(st.integers(1, 14))
    minutes = st.integers(-3 * 24 * 60, 28 * 24 * 60)
    lengths = st.one_of(st.integers(0, 120), st.integers(0, 12 * 24 * 60))
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
        st.sampled_from(["page", "sweep", "repeat", "lost", "wait", "long wait", "finish", "restart", "show"]),
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
@given(worlds(), ACTIONS)
def test_any_order_of_pages_counts_each_run_once(world: list[Truth], actions: list[tuple[str, int]]) -> None:
    """Pages in any order and with any rows, repeated, lost before they were committed; prunings; restarts."""
    bench = Bench(holds=True)
    bench.roster("w")
    naive = Naive(baseline=START)
    births: dict[str, Micros] = {}
    committed: list[tuple[Page[Run], list[Truth]]] = []
    for action, seed in actions:
        before = dict(bench.ledger.series)
        target = bench.ledger.target
        assert target is not None
        if action in ("page", "sweep", "lost"):
            rows = [run for index, run in enumerate(world) if seed >> index & 1 and run.born <= bench.now]
            page = a_page(bench, naive, rows, seed, sweep=action == "sweep")
            if action == "lost":
                count(page, bench.ledger, bench.rules, bench.moment)
            else:
                bench.put(page)
                committed.append((page, rows))
                judge(naive, page, rows, bench.now, target.floor)
        elif action == "repeat" and committed:
            page, rows = committed[seed % len(committed)]
            if any(
                run.triggered is None and run.id not in known_lately(naive, rows, target.floor) for run in page.items
            ):
                continue  # below the floor a run without times cannot be told from a new one
            # told again now: the page is as old as it is, the upstream's clock is not
            page = replace(page, upstream_now=bench.now)
            bench.put(page)
            judge(naive, page, rows, bench.now, target.floor)
        elif action == "wait":
            bench.now += (1 + seed % 300) * MINUTE
        elif action == "long wait":
            bench.now += (1 + seed % 5) * DAY
        elif action == "finish":
            bench.finish()
        elif action == "restart":
            bench.ledger.hold_all()
        elif action == "show":
            show(bench)
        assert_only_forward(before, bench.ledger.series)
        for run_id, known in bench.ledger.open_runs.items():
            assert births.setdefault(run_id, known.birth) == known.birth
        assert bench.ledger.target is not None
        assert bench.ledger.target.floor >= target.floor
    assert {outcome: number for outcome, number in naive.runs.items() if number} == bench.counted()
    assert bench.own(LATE_RUNS_SKIPPED.name) == naive.late
    assert bench.own(RUNS_EXPIRED.name) == naive.expired
    assert set(bench.ledger.open_runs) == {run_id for run_id, state in naive.states.items() if state == "open"}


def known_lately(naive: Naive, rows: list[Truth], floor: Micros) -> set[str]:
    """The runs that are known, and were born long enough after the floor for their ids to be there."""
    return {run.id for run in rows if run.id in naive.states and run.born >= floor + 2 * DAY}


def a_page(bench: Bench, naive: Naive, rows: list[Truth], seed: int, *, sweep: bool) -> Page[Run]:
    """A page of these rows: the newest first or in any order, some twice, some stale, some without their times."""
    assert bench.ledger.target is not None
    known = known_lately(naive, rows, bench.ledger.target.floor)
    shown = []
    for index, run in enumerate(rows):
        blank = bool(seed >> (index + 3) & 1) and run.id in known
        stale = bool(seed >> (index + 5) & 1) and bench.now - run.born < LIMITS.open_run_max_age
        shown.append(run.seen(bench.now, stale=stale, without_times=blank))
        if seed >> (index + 7) & 1:
            shown.append(shown[-1])
    if seed & 1:
        shown.reverse()
    page = bench.a_page(*shown, kind="sweep" if sweep else "ordinary", top=min(bench.now, START + 28 * DAY))
    # what a sweep did not meet it did not look for: the absence of runs is a property of its own
    return replace(page, step=replace(page.step, depth=bench.now + HOUR))


def judge(naive: Naive, page: Page[Run], rows: list[Truth], now: Micros, floor: Micros) -> None:
    """Have the naive model see the page in the order of the rows' latest times."""
    truths = {run.id: run for run in rows}
    shown = list(page.items)
    latest = {id(run): truths[run.id].end if run.ended else truths[run.id].born for run in shown}
    for run in sorted(shown, key=lambda run: latest[id(run)]):
        naive.sees(run, truths[run.id], now, floor)


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
            bench.ledger.hold_all()
            published_at, old = None, bench.ledger.series[key].shown[0]
        series = bench.ledger.series[key]
        assert series.shown[0] == (added if old is None else old)
        assert series.shown[0] + series.pending[0] == added


# Windows.


@dataclass(slots=True)
class Event:
    """An ended run as a windowed platform files it."""

    item: str
    outcome: str
    at: Micros


@dataclass(slots=True)
class Platform:
    """Sums over windows, of runs that come, go, and change their outcome; answers that lie now and then."""

    events: list[Event] = field(default_factory=list)

    def told(self, start: Micros, end: Micros, lacks: int = -1) -> dict[tuple[str, str], int]:
        """The sums over ``[start, end)``; ``lacks`` 0 is an empty answer, 1 or more lacks an item."""
        if lacks == 0:
            return {}
        sums = Counter((event.item, event.outcome) for event in self.events if start <= event.at < end)
        items = [f"w{number}" for number in (1, 2, 3) if number != lacks]
        return {(item, outcome): sums[item, outcome] for item in items for outcome in OUTCOMES[:2]}


WINDOW_ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["run", "run", "poll", "poll", "undo", "requeue", "wait", "wait", "finish", "restart", "show"]),
        st.integers(0, 2**16),
    ),
    min_size=30,
    max_size=90,
)


@SETTINGS
@given(WINDOW_ACTIONS, st.booleans(), st.sampled_from([0, 1, 1000]))
@example([("run", 0), ("poll", 0), ("undo", 0), ("poll", 0), *[("wait", 60), ("poll", 1)] * 10], True, 1000)
def test_windows_add_up_whatever_the_platform_tells(
    actions: list[tuple[str, int]], stubborn: bool, max_workloads: int
) -> None:
    """Truth = counter - debt - written off, over moves, forced ones too, with one lie a reading; counters only rise.

    ``stubborn``: something is always active in the closing part, so that every move is forced.
    """
    rules = replace(WINDOWED, limits=replace(LIMITS, max_workloads=max_workloads))
    bench = Bench(rules=rules, holds=True)
    platform = Platform([Event("w1", "completed", START - HOUR), Event("w2", "failed", START - 20 * HOUR)])
    bench.windows(platform.told(START - DAY, START), anchor=START - DAY)
    for action, seed in [*actions, ("wait", 1), ("poll", 2**15)]:
        before = dict(bench.ledger.series)
        if action == "run":
            item, outcome = f"w{1 + seed % 3}", OUTCOMES[seed // 3 % 2]
            platform.events.append(Event(item, outcome, bench.now))
            bench.now += MINUTE
        elif action == "poll":
            poll_windows(bench, platform, seed, active=stubborn)
        elif action in ("undo", "requeue"):
            young = [event for event in platform.events if event.at >= max(START, bench.now - 12 * HOUR)]
            if young:
                event = young[seed % len(young)]
                platform.events.remove(event)
                if action == "requeue":
                    platform.events.append(Event(event.item, OUTCOMES[seed % 2], event.at))
        elif action == "wait":
            bench.now += (1 + seed % 400) * 10 * MINUTE
        elif action == "finish":
            bench.finish()
        elif action == "restart":
            bench.ledger.hold_all()
        elif action == "show":
            show(bench)
        assert_only_forward(before, bench.ledger.series)
    counters = {key: series for key, series in bench.ledger.series.items() if key.family == RUNS.name}
    truth = sum(series.shown[0] + series.pending[0] - series.debt - series.written_off for series in counters.values())
    assert truth == sum(event.at >= START for event in platform.events)
    corrections = bench.ledger.series.get(SeriesKey(CORRECTIONS.name, (RUNS.name,)))
    written_off = sum(series.written_off for series in counters.values())
    assert (0 if corrections is None else sum(corrections.shown + corrections.pending)) == written_off


def poll_windows(bench: Bench, platform: Platform, seed: int, *, active: bool) -> None:
    """Read the window as a platform's fetch does: with the readings of a move when one is due."""
    state = bench.ledger.sources["list"]
    lies = [-1, -1, -1, -1]
    if not seed & 2**15:  # one of the readings lies
        lies[seed % 4] = seed // 4 % 5 - 1
    now, parts = bench.now, None
    tried = state.moved_try
    if now - state.anchor >= 2 * LIMITS.settle and (tried is None or now - tried >= LIMITS.sweep_interval):
        to = now - LIMITS.settle
        parts = Parts(
            to,
            closed=platform.told(state.anchor, to, lies[1]),
            rest=platform.told(to, now, lies[2]),
            again=platform.told(state.anchor, now, lies[3]),
            active=active,
        )
    bench.windows(platform.told(state.anchor, now, lies[0]), anchor=state.anchor, move=parts)


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
