"""What the rolling window says: means and quantiles of what ran, buckets, the endpoints most called."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.catalogue import granite as rows
from exporter.catalogue.model import MICRO, Metric
from exporter.observations import Labels
from exporter.platforms.granite import window
from exporter.platforms.granite.reading import read
from tests.platforms.support import document


def levels(
    metric: Metric, changes: dict[str, Any], *, settled: bool = True, most: int = 50
) -> dict[tuple[str | None, Labels], float]:
    """The levels of a metric, by workload and labels, when some members of the empty sample are others."""
    answer = {**document("granite/batch_empty"), **changes}
    told = window.levels(read(answer), "24h", bounds_settled=settled, max_endpoints=most)
    found = [level for level in told if level.metric is metric]
    assert len({(level.workload, level.labels) for level in found}) == len(found)
    return {(level.workload, level.labels): level.value for level in found}


@pytest.mark.parametrize(
    ("stats", "summary", "mean"),
    [(10.5, 20, 10.5), (None, 20, 20), (0, 20, 0), (None, None, None)],
)
def test_the_mean_is_that_of_the_distribution_else_of_the_summary(
    stats: float | None, summary: float | None, mean: float | None
) -> None:
    """In the summary it stands beside the sums; milliseconds become microseconds."""
    changes = {
        "summary": {"avg_duration_ms": summary},
        "duration_distribution": {"stats": {"avg_ms": stats}, "histogram": []},
    }
    expected = {} if mean is None else {(None, ("24h",)): mean * MICRO / 1000}
    assert levels(rows.WINDOW_DURATION_MEAN, changes) == expected


@pytest.mark.parametrize(("total", "told"), [(0, False), (1, True), (None, True)])
def test_nothing_took_no_time(total: int | None, told: bool) -> None:
    """A mean of nothing is not 0, nor is a quantile of it."""
    stats = {"total": total, "avg_ms": 0, "min_ms": 0, "max_ms": 0, "p50_ms": 0, "p99_ms": 0}
    changes = {"duration_distribution": {"stats": stats, "histogram": []}}
    lengths = (
        rows.WINDOW_DURATION_MEAN,
        rows.WINDOW_DURATION_MIN,
        rows.WINDOW_DURATION_MAX,
        rows.WINDOW_DURATION_QUANTILE,
    )
    assert [bool(levels(metric, changes)) for metric in lengths] == [told] * 4


@pytest.mark.parametrize(
    ("executions", "listed", "complexity", "mean"),
    [
        (2, 10, 20, 10),
        (2, None, 20, 20),
        (2, 0, 20, 0),
        (2, None, None, None),
        (None, 10, 20, 10),
        (0, 0, 20, None),
    ],
)
def test_the_mean_of_a_workflow_is_that_of_the_list_else_of_its_complexity(
    executions: int | None, listed: float | None, complexity: float | None, mean: float | None
) -> None:
    """And there is none of a workflow that did not run."""
    changes = {
        "top_automations": {"data": [{"workflow_name": "a", "executions": executions, "avg_duration_ms": listed}]},
        "workflow_complexity": {"data": [{"workflow_name": "a", "avg_duration_ms": complexity}]},
    }
    found = levels(rows.WINDOW_WORKFLOW_DURATION_MEAN, changes)
    assert found == ({} if mean is None else {("a", ("24h",)): mean * MICRO / 1000})


def usage(slug: str, invocations: int | None) -> dict[str, Any]:
    """What is told of an endpoint."""
    return {"endpoint_slug": slug, "http_method": "GET", "invocations": invocations, "avg_response_time_ms": 1}


@pytest.mark.parametrize(
    ("invocations", "most", "shown"),
    [
        ({"a": 1, "b": 3, "c": 2}, 50, "abc"),
        ({"a": 1, "b": 3, "c": 2}, 2, "bc"),
        ({"a": None, "b": 3}, 1, "b"),
        ({"a": None, "b": 3}, 2, "ab"),
        ({"a": 0, "b": 3}, 2, "b"),
    ],
)
def test_response_times_are_shown_of_the_endpoints_most_called(
    invocations: dict[str, int | None], most: int, shown: str
) -> None:
    """Means cannot be added up as ``_other``; one that was not called answered in no time at all."""
    changes = {"endpoint_usage": {"data": [usage(*each) for each in invocations.items()]}}
    found = levels(rows.WINDOW_ENDPOINT_RESPONSE_MEAN, changes, most=most)
    assert sorted(labels[1] for _, labels in found) == list(shown)


def test_buckets_of_one_bound_add_up() -> None:
    """One without an end has no bound; one without a number was not told."""
    buckets = [(1000, 2), (2500, 1), (1000, 3), (None, 4), (None, 5), (5000, None)]
    histogram = [{"bucket_start_ms": 0, "bucket_end_ms": end, "count": count} for end, count in buckets]
    changes = {"duration_distribution": {"stats": {"total": 15}, "histogram": histogram}}
    found = levels(rows.WINDOW_DURATION_DISTRIBUTION, changes)
    assert found == {(None, ("24h", "1")): 5, (None, ("24h", "2.5")): 1, (None, ("24h", "+Inf")): 9}
    assert levels(rows.WINDOW_DURATION_DISTRIBUTION, changes, settled=False) == {}
