"""Lines are the same, kept plain or deflated, and nothing that was published is kept twice."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.catalogue import runs
from exporter.counting.states import Exemplar, Value
from exporter.exposition import Snapshot, checksum, lines
from exporter.exposition.lines import ALONE, Lines
from exporter.exposition.rendered import Form
from exporter.families import Family
from exporter.observations import Labels
from tests.exposition.samples import SUPPORT


@pytest.mark.parametrize("name", ["zlib", "isal.isal_zlib"])
@given(plain=st.binary(max_size=300))
def test_what_is_deflated_comes_back(name: str, plain: bytes) -> None:
    """With either library; whoever asks twice gets the same object."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "zlib", pytest.importorskip(name))
        some = Lines(plain, ALONE)
        assert some.plain is plain
        deflated = some.deflate()
        assert (some.plain, some.size, deflated.checksum) == (plain, len(plain), zlib.crc32(plain))
        assert some.deflate() is deflated


@given(st.binary(max_size=20), st.binary(max_size=3000))
def test_the_checksum_of_both_follows_from_those_of_each(first: bytes, second: bytes) -> None:
    """As the library finds it that reads them."""
    given = zlib.crc32(first), zlib.crc32(second), len(second)
    assert checksum.in_python(*given) == checksum.combine(*given) == zlib.crc32(first + second)


def held(snapshot: Snapshot) -> tuple[int, int]:
    """Bytes of lines that a snapshot keeps plain, and how many bodies have."""
    assert snapshot.current is not None
    assert snapshot.content is not None
    pieces = [piece for _, chunks in snapshot.content.families for _, found in chunks.values() for piece in found]
    every = {id(each): each for piece in pieces for each in (piece.text, piece.openmetrics)}.values()
    plain = sum(len(each._kept) for each in every if isinstance(each._kept, bytes))
    return plain, len(snapshot.current.openmetrics)


def samples_of(count: int, shown: int) -> dict[Labels, Value | float]:
    return {(f"workload-{index:04d}", "completed"): (shown,) for index in range(count)}


def test_what_prometheus_scrapes_is_not_kept_plain_as_well() -> None:
    """After a start, and after everything changed: plain lines would be most of what a series takes."""
    snapshot = Snapshot()
    for shown in (1, 2):
        snapshot.update(SUPPORT, [Family(runs.RUNS, samples_of(1000, shown))])
        snapshot.publish(0)
        plain, body = held(snapshot)
        assert plain < body / 10


def test_lines_are_deflated_before_the_next_block_is_rendered() -> None:
    """At a start: memory in which all of them stood plain for a moment would stay with the process."""
    snapshot = Snapshot()
    snapshot.update(SUPPORT, [Family(runs.RUNS, samples_of(1000, 1))])
    blocks = snapshot._chunks[runs.RUNS.name][SUPPORT.target].pieces
    assert [isinstance(each.text._kept, bytes) for each in blocks if each.text.alone] == [False] * 8


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.integers(0, 149), st.integers(0, 10**6), max_size=5),
            st.sets(st.sampled_from([Form("text", False), Form("openmetrics", False), Form("text", True)])),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_plain_bodies_are_whole_whoever_asked_before(
    steps: list[tuple[dict[int, int], set[Form]]],
) -> None:
    """Lines come from the body before, from their own bytes, or deflated; gauges and exemplars change within them."""
    kept = Snapshot()
    counters = samples_of(150, 0)
    gauges: dict[Labels, Value | float] = dict.fromkeys(counters, 0)
    exemplars: dict[Labels, dict[int, Exemplar]] = {}
    readers = []
    for changed, asked in steps:
        for index, shown in changed.items():
            labels = (f"workload-{index:04d}", "completed")
            counters[labels], gauges[labels] = (shown,), shown
            exemplars[labels] = {0: Exemplar(f"run-{shown}", 1, 5)} if shown % 2 else {}
        families = [Family(runs.RUNS, dict(counters), {}, dict(exemplars)), Family(runs.LAST_RUN, dict(gauges))]
        fresh = Snapshot()
        for each in (kept, fresh):
            each.update(SUPPORT, families)
        ours, theirs = kept.publish(0), fresh.publish(0)
        for form in asked:
            ours.ready(form.format, gzip=form.gzip)
            readers.append((ours.body(form.format, gzip=form.gzip), bytes(theirs.body(form.format, gzip=form.gzip))))
        assert gzip.decompress(ours.openmetrics_gzip) == theirs.openmetrics
    assert all(found == expected for found, expected in readers)
