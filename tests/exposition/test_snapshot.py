"""What is exposed after updates and removals, whole and in order, and that a reader never sees half of it."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.catalogue import granite, ledger, runs
from exporter.catalogue.model import Metric
from exporter.counting.states import Exemplar, Value, zero
from exporter.exposition import OwnFamily, Piece, Snapshot, header
from exporter.exposition.chunk import BLOCK_LINES
from exporter.exposition.series import line_count
from exporter.families import Family, TargetLabels
from exporter.observations import Labels
from tests.conftest import Golden
from tests.exposition.samples import COUNT, FLEET, SUPPORT, expositions

DURATIONS = Family(
    runs.RUN_DURATION,
    {("triage", "completed"): (1, 2, *(0,) * 12, 1, 90_012_500_000), ("triage", "failed"): (0,) * 16},
    dict.fromkeys([("triage", "completed"), ("triage", "failed")], 1_772_442_000_000_000),
    {
        ("triage", "completed"): {
            1: Exemplar("run-7", 4_200_000, 1_772_442_300_000_000),
            14: Exemplar("run-8", 90_000_000_000, 1_772_442_300_000_001),
        }
    },
)
FAILURES = Family(
    runs.RUN_FAILURES,
    {("triage", 'quote " and \\ and\nline', "500"): (2**53 + 1,), ("triage", "a", ""): (1,)},
    {("triage", "a", ""): 1_772_442_000_500_000},
    {("triage", "a", ""): {0: Exemplar("run-9", 1, 1_772_442_300_250_000)}},
)
FLEET_RUNS = Family(runs.RUNS, {("build 100%", "failed"): (0,), ("build 100%", "completed"): (7,)})
SUPPORT_RUNS = Family(runs.RUNS, {("triage", "completed"): (40,)})
GAP = Family(ledger.GAP_SECONDS, {(): (12_500_000,)})
LAST_RUN = Family(runs.LAST_RUN, {("triage", "completed"): 1_772_442_300_000_001})
DISTRIBUTION = Family(
    granite.WINDOW_DURATION_DISTRIBUTION, {("24h", "310"): 15, ("24h", "10"): 10, ("24h", "60.5"): 90}
)


def filled(*, created: bool) -> Snapshot:
    snapshot = Snapshot(created=created)
    snapshot.update(SUPPORT, [FAILURES, DURATIONS, GAP, LAST_RUN, SUPPORT_RUNS, DISTRIBUTION])
    snapshot.update(FLEET, [FLEET_RUNS])
    return snapshot


def text_of(snapshot: Snapshot) -> str:
    return snapshot.publish(0).text.decode()


@pytest.mark.parametrize(
    ("name", "created"), [("text.txt", True), ("openmetrics.txt", False), ("openmetrics_created.txt", True)]
)
def test_the_exposition_is_as_written(name: str, created: bool, golden: Golden) -> None:
    """Two targets with all types, exemplars, created times, escapes and exact numbers."""
    rendered = filled(created=created).publish(5)
    golden(name)((rendered.text if name == "text.txt" else rendered.openmetrics).decode())
    assert rendered.at == 5


def test_the_text_format_knows_nothing_of_created_times() -> None:
    """They would be further series."""
    assert filled(created=True).publish(0).text == filled(created=False).publish(0).text


def test_nothing_is_current_before_the_first_publication() -> None:
    """Readiness hangs on this."""
    snapshot = filled(created=False)
    assert snapshot.current is None
    rendered = snapshot.publish(1)
    assert snapshot.current is rendered


def test_an_empty_exposition_is_valid() -> None:
    """A service without data yet answers its scrapes."""
    rendered = Snapshot().publish(0)
    assert rendered.text == b""
    assert rendered.openmetrics == b"# EOF\n"
    assert gzip.decompress(rendered.text_gzip) == b""


def test_what_was_published_stays_while_updates_come() -> None:
    """A reader keeps its bytes; the next publication is another object."""
    snapshot = filled(created=False)
    before = snapshot.publish(0)
    kept, reader = before.text, before.body("text", gzip=False)
    snapshot.update(SUPPORT, [replace(SUPPORT_RUNS, samples={("triage", "completed"): (50,)})])
    assert snapshot.current is before
    assert snapshot.publish(1).text == kept.replace(b'outcome="completed"} 40\n', b'outcome="completed"} 50\n')
    assert before.body("text", gzip=False) is reader
    assert reader == kept


def test_families_that_are_not_given_stay() -> None:
    """An update replaces what it names."""
    snapshot = filled(created=False)
    snapshot.update(SUPPORT, [])
    assert text_of(snapshot) == text_of(filled(created=False))


def test_a_family_without_samples_leaves_with_its_header() -> None:
    """Levels that went stale leave nothing behind."""
    snapshot = filled(created=False)
    snapshot.update(SUPPORT, [replace(LAST_RUN, samples={}), replace(SUPPORT_RUNS, samples={})])
    text = text_of(snapshot)
    assert runs.LAST_RUN.name not in text
    assert text.count(f"# TYPE {runs.RUNS.name} ") == 1
    assert 'target="support",workload="triage",outcome="completed"} 40' not in text


def test_a_removed_target_leaves_whole() -> None:
    """Nothing of it is left, and others stay."""
    snapshot = filled(created=False)
    snapshot.remove(SUPPORT.target)
    snapshot.remove("never heard of")
    alone = Snapshot()
    alone.update(FLEET, [FLEET_RUNS])
    assert text_of(snapshot) == text_of(alone)


def test_new_labels_of_a_target_reach_the_families_it_updates() -> None:
    """After a reload of the configuration."""
    snapshot = filled(created=False)
    snapshot.update(TargetLabels("roboto", "fleet", (("team", "planning"),)), [FLEET_RUNS])
    assert 'target="fleet",team="planning",workload="build 100%"' in text_of(snapshot)
    assert "perception" not in text_of(snapshot)


def test_a_family_that_comes_twice_is_exposed_once(caplog: pytest.LogCaptureFixture) -> None:
    """Two series with equal labels would lose the whole scrape; the first is kept, and the bug is logged."""
    snapshot = Snapshot()
    with caplog.at_level(logging.ERROR):
        snapshot.update(SUPPORT, [SUPPORT_RUNS, replace(SUPPORT_RUNS, samples={("triage", "completed"): (9,)})])
    assert text_of(snapshot).endswith('outcome="completed"} 40\n')
    assert "came twice" in caplog.text


def test_own_families_stand_after_those_of_targets_and_never_twice(caplog: pytest.LogCaptureFixture) -> None:
    """A name that the ledger feeds is left out of what the process tells."""
    own = OwnFamily("process_open_fds", (Piece.of(b"process_open_fds 6\n", b"process_open_fds 6\n", 1),))
    double = OwnFamily(ledger.GAP_SECONDS.name, (header(ledger.GAP_SECONDS),))
    snapshot = filled(created=False)
    plain = text_of(snapshot)
    snapshot.update_own([own, double])
    with caplog.at_level(logging.ERROR):
        assert text_of(snapshot) == f"{plain}process_open_fds 6\n"
    assert ledger.GAP_SECONDS.name in caplog.text
    snapshot.update_own([])
    assert text_of(snapshot) == plain


def test_only_blocks_that_changed_are_rendered_anew() -> None:
    """The bytes of all other blocks are the same objects as before."""
    snapshot = Snapshot()
    samples: dict[tuple[str, ...], tuple[int, ...] | float] = {
        (f"workload-{index:04d}", "failed"): (index,) for index in range(10 * BLOCK_LINES)
    }
    snapshot.update(SUPPORT, [Family(runs.RUNS, samples)])
    chunk = snapshot._chunks[runs.RUNS.name][SUPPORT.target]
    before = chunk.pieces
    samples = {**samples, ("workload-0300", "failed"): (0,)}
    snapshot.update(SUPPORT, [Family(runs.RUNS, samples)])
    same = [new is old for new, old in zip(chunk.pieces, before, strict=True)]
    assert same == [True, True, False, *[True] * 7]


@given(st.lists(expositions(), min_size=1, max_size=4), st.booleans())
@settings(max_examples=60, deadline=None)
def test_an_updated_snapshot_equals_a_fresh_one(
    steps: list[list[tuple[TargetLabels, list[Family]]]], created: bool
) -> None:
    """Whatever was kept from before, the bytes are those of a rendering from nothing."""
    kept = Snapshot(created=created)
    latest: dict[str, dict[str, tuple[TargetLabels, Family]]] = {}
    for step in steps:
        for target, families in step:
            kept.update(target, families)
            for each in families:
                latest.setdefault(target.target, {})[each.metric.name] = (target, each)
        rendered = kept.publish(0)
        fresh = Snapshot(created=created)
        for found in latest.values():
            for labels, each in found.values():
                fresh.update(labels, [each])
        from_nothing = fresh.publish(0)
        assert (rendered.text, rendered.openmetrics) == (from_nothing.text, from_nothing.openmetrics)
        assert (rendered.text_gzip, rendered.openmetrics_gzip) == (
            from_nothing.text_gzip,
            from_nothing.openmetrics_gzip,
        )
        assert gzip.decompress(rendered.text_gzip) == rendered.text
        assert gzip.decompress(rendered.openmetrics_gzip) == rendered.openmetrics


def test_series_of_a_target_are_counted_as_they_are_shown() -> None:
    """A histogram is its buckets, sum and count; another target's series are not its own."""
    snapshot = Snapshot()
    counter = Family(runs.RUNS, {("a", "failed"): (1,), ("b", "failed"): (2,)})
    histogram = Family(runs.RUN_WAIT, {("a",): zero(len(runs.RUN_WAIT.bounds) + 2)})
    snapshot.update(TargetLabels("foundry", "one"), [counter, histogram])
    snapshot.update(TargetLabels("foundry", "two"), [counter])
    assert snapshot.series("one") == 2 + len(runs.RUN_WAIT.bounds) + 3
    assert snapshot.series("two") == 2
    assert snapshot.series("none") == 0


NAMES = [("triage", outcome) for outcome in ("a", "b", "c", "d", "e%", "f")]
TOLD = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(st.integers(0, 9), st.dictionaries(st.integers(0, 3), st.builds(Exemplar, st.just("r%d"), COUNT, COUNT))),
    max_size=3,
)


@given(
    st.lists(TOLD, min_size=2, max_size=6),
    st.sampled_from([runs.RUNS, runs.RUN_DURATION, runs.LAST_RUN]),
    st.booleans(),
)
@settings(deadline=None)
def test_lines_that_changed_are_put_between_those_that_did_not(
    steps: list[dict[tuple[str, str], tuple[int, dict[int, Exemplar]]]], metric: Metric, created: bool
) -> None:
    """The same series again and again, of which some change, or only an exemplar of theirs."""
    width = line_count(metric) - 1 if metric.type == "histogram" else 1
    is_gauge = metric.type == "gauge"
    born: dict[Labels, int] = {} if is_gauge else dict.fromkeys(NAMES[:3], 5_000_000)
    kept = Snapshot(created=created)
    samples: dict[Labels, Value | float] = dict.fromkeys(NAMES, 0 if is_gauge else zero(width))
    exemplars: dict[Labels, Mapping[int, Exemplar]] = {}
    for step in steps:
        for labels, (count, marks) in step.items():
            samples[labels] = count * 100_000 if is_gauge else (count,) * width
            exemplars[labels] = {index: each for index, each in marks.items() if index < width and not is_gauge}
        family = Family(metric, dict(samples), born, dict(exemplars))
        fresh = Snapshot(created=created)
        for snapshot in (kept, fresh):
            snapshot.update(SUPPORT, [family])
        assert kept.publish(0).openmetrics == fresh.publish(0).openmetrics
        assert kept.publish(0).text == fresh.publish(0).text


@given(
    st.lists(st.dictionaries(st.integers(0, 79), st.none() | st.integers(0, 5), max_size=12), min_size=1, max_size=6),
    st.booleans(),
)
@settings(deadline=None)
def test_what_is_said_to_have_changed_is_all_that_is_looked_at(
    steps: list[dict[int, int | None]], created: bool
) -> None:
    """Series come, change and go, few at a time and many: the bytes are those of a rendering from nothing."""
    kept = Snapshot(created=created)
    samples: dict[Labels, Value | float] = {(f"w{index:02d}", "failed"): (index,) for index in range(20, 60)}
    exemplars: dict[Labels, dict[int, Exemplar]] = {}
    kept.update(SUPPORT, [Family(runs.RUNS, dict(samples))])
    for step in steps:
        changed = {(f"w{index:02d}", "failed"): count for index, count in step.items()}
        for labels, count in changed.items():
            samples.pop(labels, None)  # what comes again comes last, as in a ledger
            if count is not None:
                samples[labels] = (count,)
                exemplars[labels] = {0: Exemplar(f"run {count}", 1, 5)}
        kept.update(SUPPORT, [Family(runs.RUNS, dict(samples), exemplars=exemplars, changed=changed)])
        fresh = Snapshot(created=created)
        fresh.update(SUPPORT, [Family(runs.RUNS, dict(samples), exemplars=exemplars)])
        assert kept.publish(0).openmetrics == fresh.publish(0).openmetrics


def test_series_that_did_not_change_are_not_looked_at() -> None:
    """Else a poll that changes little would cost what all series of its target cost."""
    snapshot = Snapshot()
    samples: dict[Labels, Value | float] = {(f"w{index:02d}", "failed"): (index,) for index in range(60)}
    snapshot.update(SUPPORT, [Family(runs.RUNS, samples)])
    told: dict[Labels, Value | float] = dict.fromkeys(samples, (7,))  # others changed too, and nobody says so
    snapshot.update(SUPPORT, [Family(runs.RUNS, told, changed=[("w05", "failed")])])
    assert text_of(snapshot).count("} 7\n") == 2
