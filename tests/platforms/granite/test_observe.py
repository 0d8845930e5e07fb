"""What Granite says beside the sums: failed runs for the feed, levels that were not told, whose state it is."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.catalogue.granite import WINDOW_EXECUTIONS_BY_STATUS
from exporter.catalogue.runs import ACTIVE_RUNS
from exporter.observations import Reading, Source, Windows
from exporter.platforms.granite import window
from exporter.platforms.granite.observe import observe
from exporter.platforms.granite.reading import read
from exporter.platforms.granite.records import Answer
from exporter.platforms.granite.settings import GraniteSettings
from exporter.times import DAY, HOUR
from tests.platforms.support import NOW, document


def settings(**more: Any) -> GraniteSettings:
    """A target with a key."""
    return GraniteSettings.model_validate({"name": "office", "platform": "granite", "api_key": "example-key", **more})


def test_recent_failures_go_to_the_run_feed_and_count_nothing() -> None:
    """Each with its ids, where one is told; the sums are the same without them."""
    told = document("granite/batch_ok")
    found = {}
    for name, answer in {"with": told, "without": {**told, "recent_failures": {"data": []}}}.items():
        source = Source("list", Reading(NOW - DAY, NOW, (Answer(read(answer), "list"),)))
        found[name] = observe(Windows((source,), NOW), settings(), NOW)
    failures = told["recent_failures"]["data"]
    assert found["with"].failed
    assert [each.run_id for each in found["with"].failed] == [each["run_id"] for each in failures]
    assert [dict(each.ids)["execution_id"] for each in found["with"].failed] == [e["execution_id"] for e in failures]
    assert found["without"].failed == ()
    assert found["with"].sources == found["without"].sources


FAILURE = {
    "execution_id": "ex",
    "run_id": "run",
    "workflow_name": "w",
    "error_category": "timeout",
    "started_at": "2026-06-02T08:00:00Z",
    "duration_ms": 1500,
}
BEGUN = NOW - HOUR


@pytest.mark.parametrize(
    ("changes", "run", "times", "last"),
    [
        ({}, "run", (BEGUN, BEGUN + 1_500_000), BEGUN + 1_500_000),
        ({"run_id": None}, "ex", (BEGUN, BEGUN + 1_500_000), BEGUN + 1_500_000),
        ({"run_id": None, "execution_id": None}, None, None, BEGUN + 1_500_000),
        ({"workflow_name": None}, "run", None, None),
        ({"duration_ms": None}, "run", (BEGUN, None), BEGUN),
        ({"started_at": None}, "run", (None, None), None),
        ({"started_at": "2026-06-02T12:00:00Z"}, "run", (None, None), None),
    ],
)
def test_a_recent_failure_that_lacks_something(
    changes: dict[str, Any], run: str | None, times: tuple[int | None, int | None] | None, last: int | None
) -> None:
    """Without an id it is no example, without a workflow it is in no feed; a time that cannot be believed is none."""
    answer = document("granite/batch_ok")
    answer["recent_failures"] = {"data": [{**FAILURE, **changes}]}
    source = Source("list", Reading(NOW - DAY, NOW, (Answer(read(answer), "list"),)))
    found = observe(Windows((source,), NOW), settings(), NOW)
    assert found.failed is not None
    assert [(each.run_id, each.started, each.finished) for each in found.failed] == (
        [] if times is None else [(run, *times)]
    )
    assert [example.run_id for example in found.examples] == ([] if run is None else [run])
    assert [mark.at for _, mark in found.marks] == ([] if last is None else [last])


@pytest.mark.parametrize(("column", "state"), [("running", "running"), ("pending", "queued")])
def test_a_column_that_was_not_told_whole_is_no_level(column: str, state: str) -> None:
    """One null among its numbers, and their sum would be too small."""
    answer = document("granite/batch_ok")
    answer["executions_over_time"]["data"][0][column] = None
    levels = window.levels(read(answer), "24h", bounds_settled=True, max_endpoints=50)
    assert (state,) not in {level.labels for level in levels if level.metric is ACTIVE_RUNS}
    assert ("24h", column) not in {level.labels for level in levels if level.metric is WINDOW_EXECUTIONS_BY_STATUS}
    others = {level.labels for level in levels if level.metric is WINDOW_EXECUTIONS_BY_STATUS}
    assert ("24h", "completed") in others


def test_sums_under_other_filters_are_another_upstream() -> None:
    """Rule 28: they cannot be compared with those before."""
    plain, filtered = settings(), settings(filters={"triggered_by": "scheduled"})
    assert plain.identity != filtered.identity
    assert filtered.identity == settings(filters={"triggered_by": "scheduled"}, header_name="X-Other").identity
