"""Each sentence of rule 7, one at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from exporter.counting.states import ListingState
from exporter.errors import (
    InvalidResponse,
    NotFound,
    RateLimited,
    ServerFailed,
    TimedOut,
    Unauthorized,
    UpstreamError,
)
from exporter.observations import Page
from exporter.platforms.plan import Plan, plan
from exporter.platforms.trail import Row, Times, is_unsorted
from exporter.platforms.walk import Allowance, RawPage, Walk
from exporter.times import DAY, HOUR, MINUTE, SECOND, Micros
from tests.platforms.listing import LIMITS, START, Entry, Model, Upstream, entries, later

FLOOR = START - LIMITS.memory
CALM = ListingState(
    horizon=START - 3 * HOUR, last_whole=START, last_sweep=START, last_deep=START, newest=START - 2 * HOUR
)


def read_all(
    pages: Sequence[RawPage[str] | UpstreamError],
    state: ListingState | None = None,
    planned: Plan | None = None,
    allowed: float = math.inf,
) -> tuple[list[Page[str]], list[str | None], UpstreamError | None]:
    """Read canned pages in order; gives the batches, the links asked for, and the error at the end."""
    asked: list[str | None] = []

    def read(link: str | None) -> RawPage[str]:
        asked.append(link)
        page = pages[len(asked) - 1]
        if isinstance(page, UpstreamError):
            raise page
        return page

    walk = Walk(
        "listing",
        state,
        planned or plan(state, FLOOR, None, LIMITS, START),
        limits=LIMITS,
        allowance=Allowance(math.inf, allowed, 0.0, lambda: 1.0),
        read=read,
        clock=lambda: 0.0,
    )
    found: list[Page[str]] = []
    try:
        for batch in walk.pages():
            found.append(batch)
    except UpstreamError as error:
        return found, asked, error
    return found, asked, None


def page(
    *ages: Micros | None, link: str | None = None, name: str = "", now: Micros = START, seen: bool = False
) -> RawPage[str]:
    """A page of runs of these ages. ``seen`` gives every page the same ids."""
    ids = [f"{'' if seen else name or link}-{number}" for number in range(len(ages))]
    times = [() if age is None else (START - age,) for age in ages]
    return RawPage(tuple(ids), tuple(Row(*each) for each in zip(ids, times, strict=True)), link, now)


# How deep


def test_the_first_walk_goes_to_the_floor() -> None:
    """Two days back here; what lies below is not read."""
    pages, asked, error = read_all(
        [page(HOUR, 47 * HOUR, link="a"), page(47 * HOUR, 49 * HOUR, link="b"), page(49 * HOUR, link="c")]
    )
    assert error is None
    assert asked == [None, "a", "b"]
    assert [each.step.complete for each in pages] == [False, False, True]
    assert {each.step.kind for each in pages} == {"sweep"}
    assert pages[-1].step.link is None
    assert pages[-1].step.depth == FLOOR
    assert [each.sequence for each in pages] == [0, 1, 2]


def test_an_ordinary_walk_ends_at_the_horizon() -> None:
    """The page on which every run's latest time is below the horizon is the last."""
    pages, asked, _ = read_all([page(HOUR, 4 * HOUR, link="a"), page(4 * HOUR, link="b")], CALM)
    assert asked == [None, "a"]
    assert [(each.step.kind, each.step.complete, each.step.whole) for each in pages] == [
        ("ordinary", False, False),
        ("ordinary", True, True),
    ]


def test_the_end_of_the_listing_completes_every_walk() -> None:
    """No next link, nothing more to read; an empty listing too."""
    for first in (page(HOUR), page()):
        pages, asked, _ = read_all([first], CALM)
        assert asked == [None]
        assert (pages[0].step.complete, pages[0].step.whole) == (True, True)


def test_a_page_without_times_stops_no_walk() -> None:
    """Neither one without any times nor one whose times cannot be believed."""
    nonsense = START - 100 * DAY * 365
    unbelievable = RawPage(("x",), (Row("x", (nonsense, START + 2 * HOUR)),), "b", START)
    _, asked, _ = read_all([page(None, None, link="a"), unbelievable, page(4 * HOUR, link="c")], CALM)
    assert asked == [None, "a", "b"]


def test_a_row_without_times_does_not_hold_a_page_up() -> None:
    """The rows with times decide."""
    _, asked, _ = read_all([page(None, 4 * HOUR, link="a")], CALM)
    assert asked == [None]


def test_a_late_time_of_a_long_run_keeps_its_page_above_the_depth() -> None:
    """Born below the horizon, ended above it."""
    long = RawPage(("x",), (Row("x", (START - 9 * HOUR, START - 9 * HOUR, START - HOUR)),), "a", START)
    _, asked, _ = read_all([long, page(5 * HOUR, link="b")], CALM)
    assert asked == [None, "a"]


@pytest.mark.parametrize(
    ("state", "oldest_open", "kind", "depth"),
    [
        (None, None, "sweep", FLOOR),
        (ListingState(), None, "sweep", FLOOR),
        (CALM, None, "ordinary", START - 3 * HOUR),
        (CALM._replace(last_sweep=START - HOUR), None, "sweep", FLOOR),
        (CALM._replace(last_sweep=None), None, "sweep", FLOOR),
        (CALM._replace(last_deep=START - 10 * MINUTE), START - 9 * HOUR, "deep", START - 10 * HOUR),
        (CALM._replace(last_deep=None), START - 9 * HOUR, "deep", START - 10 * HOUR),
        (CALM, START - 9 * HOUR, "ordinary", START - 3 * HOUR),
        (CALM._replace(last_deep=None), START - HOUR, "ordinary", START - 3 * HOUR),
        (CALM._replace(last_deep=None, last_sweep=None), START - 9 * HOUR, "sweep", FLOOR),
        (CALM._replace(last_sweep=START + DAY), None, "sweep", FLOOR),  # a time to come: our clock was wrong
        (CALM._replace(last_deep=START + DAY), START - 9 * HOUR, "deep", START - 10 * HOUR),
    ],
)
def test_what_is_due(state: ListingState | None, oldest_open: Micros | None, kind: str, depth: Micros) -> None:
    """A sweep when one is due, else a deeper read for open runs when one is due, else down to the horizon."""
    assert plan(state, FLOOR, oldest_open, LIMITS, START) == (kind, depth, False)


def test_no_page_cap() -> None:
    """A listing may be as long as it likes."""
    model = Model(Upstream(list(entries(800, START, 30 * SECOND)), size=2))
    assert len(model.poll()) == 400
    assert len(model.delivered) == 800


# Going on after a break


BROKEN = CALM._replace(
    link="stored",
    top=START - 2 * HOUR,
    kind="ordinary",
    walk_started=START - 5 * MINUTE,
    depth=START - 9 * HOUR,
)


def test_a_broken_walk_is_resumed_from_the_top_and_then_at_its_link() -> None:
    """The top part ends a page below the former top less the overlap; nothing is kept of it but its runs."""
    pages, asked, _ = read_all(
        [
            page(MINUTE, link="a"),
            page(2 * HOUR, link="b"),
            page(4 * HOUR, link="c"),
            page(5 * HOUR, link="d"),
            page(10 * HOUR, link="e"),
        ],
        BROKEN,
    )
    assert asked == [None, "a", "b", "stored", "d"]
    steps = [each.step for each in pages]
    assert [step.keep_link for step in steps] == [True, True, False, False, False]
    assert [step.link for step in steps] == [None, None, "stored", "d", None]
    assert [step.top for step in steps] == [START - 2 * HOUR] * 2 + [START - MINUTE] * 3
    assert {step.started for step in steps} == {START - 5 * MINUTE}
    assert {step.depth for step in steps} == {START - 9 * HOUR}
    assert {step.read_started for step in steps} == {START}
    assert [step.complete for step in steps] == [False] * 4 + [True]


def test_a_top_part_that_meets_the_link_itself_goes_on_there() -> None:
    """No overlap is read twice when the pages join."""
    pages, asked, _ = read_all([page(MINUTE, link="stored"), page(4 * HOUR, link="y"), page(10 * HOUR)], BROKEN)
    assert asked == [None, "stored", "y"]
    assert [each.step.keep_link for each in pages] == [False] * 3
    assert [each.step.link for each in pages] == ["stored", "y", None]


def test_a_top_part_that_reaches_the_depth_completes_the_walk() -> None:
    """The link is of no use any more."""
    for last in (page(10 * HOUR, link="b"), page(MINUTE)):
        pages, asked, _ = read_all([page(MINUTE, link="a"), last], BROKEN)
        assert asked == [None, "a"]
        step = pages[-1].step
        assert (step.complete, step.keep_link, step.link, step.top) == (True, False, None, START - MINUTE)


def test_a_link_without_a_former_top_starts_anew() -> None:
    """Without a time nobody knows where the two parts meet."""
    assert plan(BROKEN._replace(top=None), FLOOR, None, LIMITS, START) == ("ordinary", CALM.horizon, False)


def test_the_pages_of_the_overlap_are_no_circle() -> None:
    """A stored link may lead to pages that the top part has just read."""
    same = [page(5 * HOUR, 5 * HOUR, name=f"p{number}", link=f"l{number}") for number in range(3)]
    top = [page(MINUTE, name="p0", link="l0"), page(4 * HOUR, name="p1", link="l1")]
    _, asked, error = read_all([*top, *same, page(10 * HOUR)], BROKEN)
    assert error is None
    assert asked == [None, "l0", "stored", "l0", "l1", "l2"]


def test_the_top_is_no_later_than_the_upstreams_now() -> None:
    """A birth that lies ahead must not hide what is born until then."""
    pages, _, _ = read_all([page(-30 * MINUTE, HOUR, link="a"), page(4 * HOUR)], CALM)
    assert pages[0].step.top == START


def test_a_break_leaves_the_link_of_the_page_that_failed() -> None:
    """The pages before it stand."""
    model = Model(Upstream(list(entries(9, START, MINUTE)), fails_at=frozenset({2})))
    model.poll()
    assert len(model.delivered) == 6
    assert (model.state.link, model.state.horizon) == (f"{START - 5 * MINUTE}/r5", None)
    model.upstream.fails_at = frozenset()
    model.poll()
    assert len(model.delivered) == 9
    assert model.state.link is None


@pytest.mark.parametrize(
    ("error", "since_whole", "dropped"),
    [
        (InvalidResponse("", status=400), 0, True),
        (Unauthorized("", status=401), 0, True),
        (NotFound("", status=404), 0, True),
        (NotFound("", status=410), 0, True),
        (RateLimited("", status=429), 0, False),
        (TimedOut("", status=408), 0, False),
        (TimedOut(""), 2 * HOUR, False),
        (ServerFailed("", status=500), 0, False),
        (ServerFailed("", status=500), HOUR, True),
        (InvalidResponse("HTML"), 0, False),
        (InvalidResponse("HTML"), HOUR, True),
    ],
)
def test_a_stored_link_that_is_refused_is_dropped(error: UpstreamError, since_whole: Micros, dropped: bool) -> None:
    """Any 4xx that is about the link, and whatever stands in the way for longer than the pace of sweeps."""
    state = BROKEN._replace(last_whole=START - since_whole)
    answers: list[RawPage[str] | UpstreamError] = [page(4 * HOUR, link="a"), error]
    walk = walk_over(answers, state)
    with pytest.raises(type(error)):
        list(walk.pages())
    failed = walk.failed(error)
    assert (failed.drop_link, failed.gone, failed.reason) == (dropped, False, error.reason)


@pytest.mark.parametrize(
    ("last_whole", "walk_started", "dropped"),
    [
        (None, START - HOUR, True),
        (None, START - MINUTE, False),
        (START - MINUTE, START - HOUR, False),
        (None, None, False),
    ],
)
def test_how_long_a_link_is_in_the_way(last_whole: Micros | None, walk_started: Micros | None, dropped: bool) -> None:
    """Since the listing was last read whole, else since its walk began."""
    error = ServerFailed("", status=500)
    state = BROKEN._replace(last_whole=last_whole, walk_started=walk_started)
    walk = walk_over([page(4 * HOUR, link="a"), error], state)
    with pytest.raises(ServerFailed):
        list(walk.pages())
    assert walk.failed(error).drop_link is dropped


@pytest.mark.parametrize(
    ("answers", "gone"),
    [([NotFound("", status=404)], True), ([page(MINUTE, link="a"), NotFound("", status=404)], False)],
)
def test_only_the_stored_link_is_dropped_and_only_a_first_404_is_gone(
    answers: list[RawPage[str] | UpstreamError], gone: bool
) -> None:
    """An error at the top says nothing about the link."""
    walk = walk_over(answers, BROKEN)
    with pytest.raises(NotFound):
        list(walk.pages())
    failed = walk.failed(NotFound("", status=404))
    assert (failed.drop_link, failed.gone) == (False, gone)


def walk_over(answers: Sequence[RawPage[str] | UpstreamError], state: ListingState | None) -> Walk[str]:
    remaining = iter(answers)

    def read(link: str | None) -> RawPage[str]:
        answer = next(remaining)
        if isinstance(answer, UpstreamError):
            raise answer
        return answer

    return Walk(
        "listing",
        state,
        plan(state, FLOOR, None, LIMITS, START),
        limits=LIMITS,
        allowance=Allowance(math.inf, math.inf, 0.0, lambda: 1.0),
        read=read,
        clock=lambda: 0.0,
    )


# Slices


def test_a_sweep_is_sliced_below_the_horizon_and_goes_on_at_the_next_poll() -> None:
    """The ordinary part is never cut, one page below it is always read, and the poll is whole."""
    due = CALM._replace(last_sweep=None)
    canned = [page(age * HOUR, name=f"p{age}", link=f"l{age}") for age in (1, 2, 4, 5, 6)]
    pages, asked, error = read_all(canned, due, allowed=1)
    assert error is None
    assert asked == [None, "l1", "l2", "l4"]
    steps = [each.step for each in pages]
    assert [(step.whole, step.complete) for step in steps] == [(False, False)] * 3 + [(True, False)]
    assert steps[-1].link == "l5"
    stored = due._replace(
        link="l5", top=steps[-1].top, kind="sweep", walk_started=steps[-1].started, depth=steps[-1].depth
    )
    pages, asked, _ = read_all([page(4 * HOUR, link="x"), page(6 * HOUR, link="l6")], stored, allowed=0)
    assert asked == [None, "l5"]
    assert (pages[-1].step.whole, pages[-1].step.complete, pages[-1].step.link) == (True, False, "l6")


def test_the_first_walk_is_sliced_from_its_second_page_on() -> None:
    """There is no horizon yet."""
    pages, asked, _ = read_all([page(MINUTE, link="a"), page(2 * MINUTE, link="b")], None, allowed=0)
    assert asked == [None, "a"]
    assert (pages[-1].step.whole, pages[-1].step.link) == (True, "b")


def test_ordinary_and_deep_walks_are_not_sliced() -> None:
    """They are what the poll is for."""
    for kind in ("ordinary", "deep"):
        state = BROKEN._replace(kind=kind)
        canned = [page(4 * HOUR, link="a"), *(page(5 * HOUR, name=f"{n}", link=f"l{n}") for n in range(5))]
        pages, asked, _ = read_all([*canned, page(10 * HOUR)], state, allowed=0)
        assert len(asked) == 7
        assert pages[-1].step.complete


def test_a_slice_ends_in_order_when_our_own_budget_is_spent() -> None:
    """An empty page says that the poll has read what it owes, and where the sweep goes on."""
    pages, _, error = read_all([page(MINUTE, link="a"), RateLimited("no request allowed")])
    assert error is None
    assert (pages[-1].items, pages[-1].step.link, pages[-1].step.whole) == ((), "a", True)


def test_a_slice_ends_in_order_when_its_request_outlasts_the_poll() -> None:
    """Its time is over, whatever the upstream would have answered."""
    left = 1.0

    def read(link: str | None) -> RawPage[str]:
        nonlocal left
        if link is None:
            return page(MINUTE, link="a")
        left = 0.0
        raise TimedOut("not answered in time")

    walk = Walk(
        "listing",
        None,
        plan(None, FLOOR, None, LIMITS, START),
        limits=LIMITS,
        allowance=Allowance(math.inf, math.inf, 0.1, lambda: left),
        read=read,
        clock=lambda: 0.0,
    )
    pages = list(walk.pages())
    assert (pages[-1].items, pages[-1].step.link, pages[-1].step.whole) == ((), "a", True)


@pytest.mark.parametrize("error", [RateLimited("", status=429), ServerFailed("", status=500), TimedOut("")])
def test_a_slice_that_fails_is_a_broken_walk(error: UpstreamError) -> None:
    """The upstream's refusals are errors, in a slice as elsewhere."""
    pages, _, found = read_all([page(MINUTE, link="a"), error])
    assert found is error
    assert not pages[-1].step.whole


def test_the_budget_is_no_excuse_for_an_ordinary_walk() -> None:
    """What a poll owes is owed."""
    _, _, error = read_all([page(MINUTE, link="a"), RateLimited("no request allowed")], CALM)
    assert isinstance(error, RateLimited)


def test_the_allowance_ends_with_time_requests_or_the_reserve() -> None:
    """Whichever is first."""
    assert not Allowance(1.0, 1, 0.5, lambda: 1.0).used_up
    for seconds, requests, left in ((0.5, 9, 1.0), (9.0, 1, 1.0), (9.0, 9, 0.5)):
        allowance = Allowance(seconds, requests, 0.5, lambda left=left: left)  # type: ignore[misc]
        allowance.spend(0.5)
        assert allowance.used_up


# Circles


def circle(number: int, make: Callable[[int], RawPage[str]]) -> tuple[list[Page[str]], UpstreamError | None]:
    pages, _, error = read_all([make(each) for each in range(number)], CALM)
    return pages, error


def test_a_repeated_link_is_a_circle() -> None:
    """The page that leads back is kept, and read again next time: the link may be mended."""
    pages, _, error = read_all([page(1, link="a"), page(2, link="b"), page(3, link="a", name="c")], CALM)
    assert isinstance(error, InvalidResponse)
    assert [each.step.link for each in pages] == ["a", "b", "b"]
    assert not pages[-1].step.whole


def test_a_link_to_its_own_page_is_a_circle() -> None:
    """The shortest one."""
    _, asked, error = read_all([page(1, link="a"), page(2, link="a", name="b")], CALM)
    assert isinstance(error, InvalidResponse)
    assert asked == [None, "a"]


def test_two_pages_running_without_a_new_id_are_a_circle() -> None:
    """One such page may come from rows that moved down."""
    _, error = circle(3, lambda number: page(1, 2, link=f"l{number}", seen=True))
    assert isinstance(error, InvalidResponse)
    fresh = page(3, 4, 5, name="other", link="l9")
    same = [page(1, 2, link=f"m{number}", seen=True) for number in range(4)]
    _, _, error = read_all([same[0], same[1], fresh, same[2], page(4 * HOUR)], CALM)
    assert error is None


def test_ten_empty_pages_running_are_a_circle() -> None:
    """Nine are a server's way of filtering."""
    _, error = circle(10, lambda number: page(link=f"l{number}"))
    assert isinstance(error, InvalidResponse)
    nine = [page(link=f"l{number}") for number in range(9)]
    _, _, error = read_all([*nine, page(MINUTE, link="x"), *[page(link=f"m{n}") for n in range(9)], page()], CALM)
    assert error is None


def test_the_last_page_is_never_a_circle() -> None:
    """Without a link to follow there is nothing to go round."""
    _, _, error = read_all([page(1, link="a", seen=True), page(1, link="b", seen=True), page(1, seen=True)], CALM)
    assert error is None


# Order


def ages(*found: int) -> list[Times]:
    return [(START - age * HOUR,) for age in found]


@pytest.mark.parametrize(
    ("rows", "unsorted"),
    [
        (ages(1, 2, 3, 4), False),
        (ages(), False),
        (ages(4, 3, 2, 1), True),
        (ages(4, 2), False),
        (ages(9, 1, 2, 3, 4), False),
        (ages(1, 2, 3, 4, 0), False),
        (ages(1, 2, 3, 40, 4, 5), False),
        (ages(9, 8, 1, 2, 3), True),
        (ages(3, 2, 4, 3), False),
        (ages(4, 1, 5, 2), True),
        ([*ages(5, 6, 0), (START - 9 * HOUR, START - HOUR)], False),  # one wrong time, and a run that took long
    ],
)
def test_when_a_page_is_unsorted(rows: list[Times], unsorted: bool) -> None:
    """By more than the overlap, and by more than one row with a wrong time."""
    assert is_unsorted(rows, HOUR) is unsorted


def test_a_sweep_of_an_unsorted_listing_reads_it_whole() -> None:
    """The floor says nothing there; a sweep that finds order says so with its last page."""
    deep = [page(age * HOUR, link=f"l{age}") for age in (60, 50, 1)]
    jumbled = page(90 * HOUR, 80 * HOUR, MINUTE, 2 * MINUTE, link="a")
    pages, asked, _ = read_all([jumbled, *deep, page(70 * HOUR)])
    assert len(asked) == 5
    assert all(each.step.unsorted for each in pages)
    known = CALM._replace(unsorted=True, last_sweep=None)
    pages, asked, _ = read_all([*deep, page(70 * HOUR)], known)
    assert len(asked) == 4
    assert [each.step.unsorted for each in pages] == [True, True, True, False]
    pages, asked, _ = read_all([page(4 * HOUR, link="a")], known._replace(last_sweep=START))
    assert (len(asked), pages[0].step.unsorted) == (1, False)


def test_a_walk_that_goes_on_in_an_unsorted_listing_reads_a_few_pages_at_its_top() -> None:
    """No page there need be below the former top; to read on to the link would cost more at every poll."""
    broken_off = CALM._replace(
        unsorted=True, last_sweep=None, link="far", top=START - HOUR, kind="sweep", walk_started=START, depth=FLOOR
    )
    jumbled = [page(MINUTE, 90 * HOUR, link=f"l{number}") for number in range(3)]
    pages, asked, error = read_all([*jumbled, page(80 * HOUR, link="farther")], broken_off, allowed=0)
    assert error is None
    assert asked == [None, "l0", "l1", "far"]
    assert (pages[-1].step.whole, pages[-1].step.complete, pages[-1].step.link) == (True, False, "farther")


def test_a_sweep_that_goes_on_does_not_say_that_an_unsorted_listing_is_sorted() -> None:
    """It has read only a part of it, even when it comes to the end."""
    broken_off = CALM._replace(
        unsorted=True, last_sweep=None, link="far", top=START - HOUR, kind="sweep", walk_started=START, depth=FLOOR
    )
    top = [page(number * MINUTE, link=f"l{number}") for number in range(3)]
    pages, asked, _ = read_all([*top, page(80 * HOUR)], broken_off)
    assert asked[-1] == "far"
    assert (pages[-1].step.complete, pages[-1].step.unsorted) == (True, True)


# What open runs and late runs need


def test_an_open_run_below_the_horizon_is_met_by_a_deeper_read() -> None:
    """Every deep_interval, without waiting for a sweep."""
    upstream = Upstream([Entry("long", START - 9 * HOUR, START - 9 * HOUR, START + 5 * MINUTE)])
    upstream.entries += entries(30, START, 10 * MINUTE)
    model = Model(upstream)
    model.poll()
    assert "long" not in model.ended
    for _ in range(12):
        upstream.now += MINUTE
        model.poll()
    assert "long" in model.ended
    assert model.kinds.count("deep") == 1
    assert model.kinds.count("sweep") == 1


def test_a_run_that_became_visible_late_is_found_by_a_sweep() -> None:
    """Below the horizon, above the floor."""
    hidden = later(Entry("late", START - 9 * HOUR, START - 9 * HOUR, START - 9 * HOUR), by=9 * HOUR + MINUTE)
    model = Model(Upstream([hidden, *entries(30, START, 30 * MINUTE)]))
    for _ in range(62):
        model.poll()
        assert ("late" in model.delivered) == (model.kinds.count("sweep") == 2)
        model.upstream.now += MINUTE
    assert "late" in model.delivered
