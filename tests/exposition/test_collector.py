"""Our bytes parse to the same families and samples as what prometheus_client renders of the shipped collector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric as ClientMetric
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from exporter.catalogue import granite, runs
from exporter.collector import Collector
from exporter.exposition import Snapshot
from exporter.families import Family, TargetLabels
from exporter.observations import Labels
from tests.exposition.parsers import generate_openmetrics, parse_openmetrics
from tests.exposition.samples import FLEET, SUPPORT, expositions

Exposition = list[tuple[TargetLabels, list[Family]]]


def registry_of(exposition: Exposition, *, created: bool) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Collector(lambda: exposition, created=created))
    return registry


def snapshot_of(exposition: Exposition, *, created: bool) -> Snapshot:
    snapshot = Snapshot(created=created)
    for target, families in exposition:
        snapshot.update(target, families)
    return snapshot


def comparable(parsed: Iterable[ClientMetric]) -> dict[str, Any]:
    """Families by name, in their order, each with its samples in any order."""
    return {metric.name: (metric.type, metric.documentation, sorted(map(said, metric.samples))) for metric in parsed}


def said(sample: Sample) -> tuple[Any, ...]:
    """What one sample says; numbers as floats, since ours are written without a point where they are whole."""
    exemplar: tuple[Any, ...] = ()
    if sample.exemplar is not None:
        found = sample.exemplar
        exemplar = (sorted(found.labels.items()), float(found.value), float(found.timestamp or 0))
    return sample.name, sorted(sample.labels.items()), float(sample.value), sample.timestamp, exemplar


@given(expositions())
@settings(max_examples=100, deadline=None)
def test_text_says_the_same(exposition: Exposition) -> None:
    """For any families with any label values; what is OpenMetrics only stands in neither."""
    ours = snapshot_of(exposition, created=False).publish(0).text.decode()
    spoken = [
        (target, [each for each in families if not each.metric.openmetrics_only]) for target, families in exposition
    ]
    theirs = generate_latest(registry_of(spoken, created=False)).decode()
    parsed = comparable(parse_text(ours))
    assert parsed == comparable(parse_text(theirs))
    assert list(parsed) == list(comparable(parse_text(theirs)))


@pytest.mark.parametrize("created", [False, True])
@given(exposition=expositions())
@settings(max_examples=100, deadline=None)
def test_openmetrics_says_the_same_to_the_strict_parser(exposition: Exposition, created: bool) -> None:
    """Exemplars, created times and gauge histograms too."""
    ours = snapshot_of(exposition, created=created).publish(0).openmetrics.decode()
    theirs = generate_openmetrics(registry_of(exposition, created=created)).decode()
    assert comparable(parse_openmetrics(ours)) == comparable(parse_openmetrics(theirs))


def test_a_family_of_two_targets_is_collected_once() -> None:
    """Prometheus refuses a second TYPE line."""
    exposition: Exposition = [
        (FLEET, [Family(runs.RUNS, {("build", "failed"): (1,)})]),
        (SUPPORT, [Family(runs.RUNS, {("triage", "failed"): (2,)}), Family(runs.ENABLED, {})]),
    ]
    collected = list(Collector(lambda: exposition).collect())
    assert [(metric.name, len(metric.samples)) for metric in collected] == [("automation_runs", 2)]


def test_a_histogram_of_levels_has_one_last_bucket() -> None:
    """The platform's own where it tells one, else one with all that the others hold; counts become cumulative."""
    samples: dict[Labels, float] = {("24h", "2.5"): 1, ("24h", "+Inf"): 3, ("24h", "10"): 2, ("48h", "1"): 4}
    exposition: Exposition = [(FLEET, [Family(granite.WINDOW_DURATION_DISTRIBUTION, samples)])]
    (metric,) = Collector(lambda: exposition).collect()
    assert metric.type == "gaugehistogram"
    assert [(each.labels["window"], each.labels["le"], each.value) for each in metric.samples] == [
        ("24h", "2.5", 1),
        ("24h", "10.0", 3),
        ("24h", "+Inf", 6),
        ("48h", "1.0", 4),
        ("48h", "+Inf", 4),
    ]


def test_a_registry_takes_one_collector_only() -> None:
    """It describes its families without collecting, and a second one is refused."""
    registry = registry_of([], created=False)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        registry.register(Collector(lambda: []))
