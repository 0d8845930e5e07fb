"""No run is lost and no walk stops early, whatever breaks off, is sliced, or is inserted meanwhile (rule 7)."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.times import DAY, HOUR, MINUTE, Micros
from tests.platforms.listing import LIMITS, START, Entry, Model, Upstream

DISORDER = 20 * MINUTE
"""How far before its place in the listing a run may have been triggered; less than the overlap."""


class Poll(NamedTuple):
    """What happens before and in one poll. ``new`` runs: minutes before the poll, lead of the trigger, length."""

    wait: int
    new: list[tuple[int, int, int]]
    slice_pages: int
    fails_at: frozenset[int]
    refuses: bool
    kill_after: int | None


def minutes(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most)


new_runs = st.lists(st.tuples(minutes(60), minutes(20), minutes(600)), max_size=12)
polls = st.builds(
    Poll,
    wait=st.integers(1, 90),
    new=new_runs,
    slice_pages=st.integers(1, 6),
    fails_at=st.frozensets(st.integers(0, 12), max_size=2),
    refuses=st.sampled_from([False, False, False, True]),
    kill_after=st.one_of(st.none(), st.none(), st.integers(0, 6)),
)
history = st.lists(st.tuples(minutes(3 * 24 * 60), minutes(20), minutes(2000)), max_size=40)


def entry(number: int, created: Micros, lead: int, length: int) -> Entry:
    triggered = created - lead * MINUTE
    return Entry(f"run{number:04}", created, triggered, created + length * MINUTE)


def must_be_known(model: Model, since: Micros, before: Micros) -> None:
    """Every run that was there at ``before`` and born after ``since`` has been delivered."""
    there = [run for run in model.upstream.entries if max(run.created, run.visible) <= before]
    lost = [run.id for run in there if run.created - DISORDER >= since and run.id not in model.delivered]
    assert not lost


@settings(deadline=None, max_examples=60)
@given(history=history, story=st.lists(polls, min_size=1, max_size=12), size=st.integers(1, 5))
def test_every_run_newer_than_the_floor_is_delivered(
    history: list[tuple[int, int, int]], story: list[Poll], size: int
) -> None:
    """At each complete walk all that was there before is known; in quiet times all ends are seen."""
    upstream = Upstream(size=size)
    numbers = iter(range(10_000))
    upstream.entries += [entry(next(numbers), START - age * MINUTE, lead, length) for age, lead, length in history]
    model = Model(upstream)
    for each in story:
        upstream.now += each.wait * MINUTE
        # everything is visible at once, so a new run stands above all that were there
        upstream.entries += [
            entry(next(numbers), upstream.now - min(ago, each.wait) * MINUTE + 1, lead, length)
            for ago, lead, length in each.new
        ]
        upstream.fails_at, upstream.refuses = each.fails_at, each.refuses
        begun = upstream.now
        floor = model.floor
        for page in model.poll(each.slice_pages, each.kill_after):
            if page.step.complete:
                must_be_known(model, since=floor, before=begun)
    upstream.fails_at, upstream.refuses = frozenset(), False
    upstream.now += DAY // 2  # all runs born within the memory have ended
    for _ in range(60):
        upstream.now += MINUTE
        model.poll(slice_pages=5)
    must_be_known(model, since=model.floor, before=upstream.now)
    due = [run for run in upstream.entries if run.id in model.delivered and run.created - DISORDER >= model.floor]
    assert [run.id for run in due if run.ended <= upstream.now - HOUR and run.id not in model.ended] == []


@settings(deadline=None, max_examples=30)
@given(
    late=st.lists(st.tuples(st.integers(2 * 60, 40 * 60), st.integers(1, 300)), min_size=1, max_size=6),
    slice_pages=st.integers(1, 4),
)
def test_runs_that_became_visible_late_are_found_by_the_next_sweeps(
    late: list[tuple[int, int]], slice_pages: int
) -> None:
    """A run that appears deep in the listing is delivered within two sweeps."""
    upstream = Upstream()
    upstream.entries += [entry(number, START - number * 30 * MINUTE, 0, 1) for number in range(90)]
    upstream.entries += [
        Entry(f"late{number}", created := START - age * MINUTE, created, created, visible=START + after * MINUTE)
        for number, (age, after) in enumerate(late)
    ]
    model = Model(upstream)
    for _ in range(120):
        upstream.now += 5 * MINUTE
        model.poll(slice_pages)
    visible = {run.id for run in upstream.visible() if run.created >= model.floor + LIMITS.overlap}
    assert visible <= model.delivered
