"""What a query asks for."""

from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from exporter.web.selection import MOST_RUNS, BadQueryError, RunFilter, run_filter
from exporter.web.views import RunView
from tests.web.samples import FAILED, GIVEN_UP, LATE, RUNNING

EVERY = (FAILED, LATE, GIVEN_UP, RUNNING)


def fits(chosen: RunFilter, run: RunView) -> bool:
    """Whether a run is wanted, ended or open."""
    right = chosen.may_be_open() if run.outcome == "open" else chosen.may_have_ended(run.outcome, run.late)
    right = right and chosen.may_be(run.run_id)
    return right and chosen.may_be_of(run.target) and chosen.may_be_from(run.workload, run.series)


@pytest.mark.parametrize(
    ("query", "fitting"),
    [
        ("", EVERY),
        ("target=&workload=&outcome=", EVERY),
        ("target=support", (FAILED, RUNNING)),
        ("target=support&target=agents", EVERY),
        ("target=nobody", ()),
        ("workload=nightly+%3Creport%3E", (FAILED,)),
        ("workload=_other", (FAILED,)),  # an alert knows the label's value only
        ("outcome=failed", (FAILED,)),
        ("outcome=failed&outcome=unknown", (FAILED, GIVEN_UP)),
        ("outcome=open", (RUNNING,)),
        ("late=true", (FAILED, LATE)),
        ("late=false", EVERY),
        ("late=true&late=false&late=true", (FAILED, LATE)),  # the last one holds
        (f"run_id={LATE.run_id}", (LATE,)),
        ("run_id=none", ()),
        ("target=agents&outcome=completed&late=true&other=ignored", (LATE,)),
    ],
)
def test_runs_are_chosen(query: str, fitting: tuple[object, ...]) -> None:
    """Values of one key widen the choice, further keys narrow it."""
    chosen = run_filter(QueryParams(query))
    assert tuple(run for run in EVERY if fits(chosen, run)) == fitting


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("outcome=faild", "There is no such outcome; there are failed, completed, cancelled, unknown, open."),
        ("late=yes", "late is true or false."),
        *((f"limit={text}", "limit is a number from 1 to 1000.") for text in ("0", "1001", "-1", "x", "9" * 5000, "²")),
    ],
)
def test_a_mistyped_value_is_refused(query: str, message: str) -> None:
    """It would read as: nothing failed."""
    with pytest.raises(BadQueryError, match=message):
        run_filter(QueryParams(query))


def test_a_filter_can_be_asked_for_again() -> None:
    """What is linked to is what is shown."""
    chosen = RunFilter(("a", "b"), ("c d",), ("failed",), late=True, run_ids=("r&1",))
    assert run_filter(QueryParams(list(chosen.query))) == chosen


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [(RunFilter(), True), (RunFilter(outcomes=("open",)), True), (RunFilter(outcomes=("failed",)), False)],
)
def test_open_runs_are_looked_up_only_when_wanted(chosen: RunFilter, wanted: bool) -> None:
    """There may be thousands."""
    assert chosen.may_be_open() is wanted


@pytest.mark.parametrize(("query", "limit"), [("", MOST_RUNS), ("limit=", MOST_RUNS), ("limit=7", 7)])
def test_lists_are_bounded(query: str, limit: int) -> None:
    """A thousand targets remember two hundred runs each."""
    assert run_filter(QueryParams(query)).limit == limit
