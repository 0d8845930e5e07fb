"""What every row of the metric table must keep to, and that its names are fit for Prometheus."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from exporter import catalogue
from exporter.catalogue import own
from exporter.catalogue.model import MICRO, Metric
from exporter.exposition.series import openmetrics_name

PREFIXES = ("automation_", "foundry_", "granite_", "moderately_")
SUFFIXES = {
    "counter": ("_total", "_created"),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "gaugehistogram": ("_bucket", "_gsum", "_gcount"),
}

each_row = pytest.mark.parametrize("row", catalogue.ALL, ids=lambda row: row.name)


def test_names_are_unique_and_found_by_name() -> None:
    """A second row of a name would expose a family twice."""
    assert [name for name, count in Counter(row.name for row in catalogue.ALL).items() if count > 1] == []
    assert all(catalogue.BY_NAME[row.name] is row for row in catalogue.ALL)


def test_no_sample_name_belongs_to_two_families() -> None:
    """A strict OpenMetrics parser refuses such a scrape."""
    names = [
        name
        for row in catalogue.ALL
        for name in {openmetrics_name(row), *(f"{openmetrics_name(row)}{suffix}" for suffix in SUFFIXES[row.type])}
    ]
    assert [name for name, count in Counter(names).items() if count > 1] == []


@each_row
def test_a_name_says_what_it_is(row: Metric) -> None:
    """Prefix by whose it is, ``_total`` on counters and nothing else, base units at the end."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]", row.name)
    assert row.name.startswith(PREFIXES)
    assert row.name.endswith("_total") == (row.type == "counter")
    assert not row.name.endswith(("_count", "_sum", "_bucket", "_created"))
    assert not re.search(r"_(ms|milliseconds|minutes|hours)(_|$)", row.name)
    if row.unit == MICRO:
        assert "_seconds" in row.name


@each_row
def test_a_row_has_help_in_one_line(row: Metric) -> None:
    """A sentence that ends."""
    assert row.help.endswith(".")
    assert "\n" not in row.help
    assert row.help == row.help.strip()


@each_row
def test_labels_are_valid_and_nobody_elses(row: Metric) -> None:
    """Names that Prometheus or service discovery sets are never used, nor those that each series has anyway."""
    assert len(set(row.labels)) == len(row.labels)
    for label in row.labels:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", label)
        assert label not in catalogue.RESERVED_LABELS
        assert label not in catalogue.TARGET_LABELS
    assert set(row.open_labels) <= set(row.labels) - {"workload"}
    assert "workload" not in row.labels[1:]


@each_row
def test_bounds_belong_to_histograms_and_rise(row: Metric) -> None:
    """In the row where the ledger keeps the histogram, in ``own.BOUNDS`` where the process does."""
    bounds = row.bounds or own.BOUNDS.get(row.name, ())
    assert bool(bounds) == (row.type == "histogram")
    assert list(bounds) == sorted(set(bounds))
    assert (row.type == "gaugehistogram") == row.openmetrics_only


@each_row
def test_what_counts_a_platforms_runs_is_durable(row: Metric) -> None:
    """Of counters and histograms only those of the process start anew; a gauge that lives on is a time or a debt."""
    if row in own.ROWS:
        assert not row.durable
    elif row.type in ("counter", "histogram"):
        assert row.durable


@each_row
def test_what_only_a_preview_feeds_is_preview(row: Metric) -> None:
    """Foundry routines are a preview API."""
    only_foundry = set(row.sources) == {"foundry"}
    right = 'stability="preview"' if only_foundry else 'no stability="preview"'
    assert (row.stability == "preview") == only_foundry, f"fed by {sorted(row.sources)}: write {right} in its row"


@each_row
def test_a_vendors_family_is_fed_by_that_vendor(row: Metric) -> None:
    """And the exporter's own by none."""
    prefix = row.name.partition("_")[0]
    if prefix == "automation":
        assert not (row.name.startswith("automation_exporter_") and row.sources)
    else:
        assert set(row.sources) == {prefix}
    assert all(row.sources.values())


def test_names_for_users_labels_exclude_all_of_ours() -> None:
    """A user's label may not meet one of ours on any series."""
    assert {"platform", "target", "workload", "outcome", "job", "le", "q"} <= catalogue.LABEL_NAMES
    assert "team" not in catalogue.LABEL_NAMES
