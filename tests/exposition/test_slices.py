"""Parts of the exposition: the right lines, valid by themselves, made once a publication."""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.catalogue import ledger, runs
from exporter.exposition import Choice, Slices, Snapshot
from exporter.exposition.negotiation import Format
from exporter.exposition.slices import MOST_SLICES
from exporter.families import Family, TargetLabels
from exporter.selfmetrics import SelfMetrics
from tests.exposition.parsers import parse_openmetrics

TARGETS = (TargetLabels("foundry", "b"), TargetLabels("roboto", "a"), TargetLabels("foundry", "c"))


@pytest.fixture
def snapshot() -> Snapshot:
    """Three targets with families of the ledger, and the exporter's own."""
    made, metrics = Snapshot(), SelfMetrics()
    for target in TARGETS:
        made.update(target, [Family(runs.RUNS, {("w", "failed"): (1,)}), Family(ledger.GAP_SECONDS, {(): (5,)})])
        metrics.add_target(target.platform, target.target)
        metrics.poll_finished(target.platform, target.target, 0.5, None)
    made.update_own(metrics.render())
    made.publish(0)
    return made


def text(snapshot: Snapshot, choice: Choice) -> str:
    body = Slices(lambda: snapshot.content).body(choice, "text", gzip=False)
    assert body is not None
    return body.decode()


def names(exposition: str) -> set[str]:
    """The targets in an exposition; ``""`` stands for series without one."""
    lines = [line for line in exposition.splitlines() if not line.startswith("#")]
    found = (re.search(r'target="([^"]*)"', line) for line in lines)
    return {match[1] if match else "" for match in found}


@pytest.mark.parametrize(
    ("choice", "held"),
    [
        (Choice(frozenset("a")), {"a"}),
        (Choice(frozenset("ac")), {"a", "c"}),
        (Choice(platforms=frozenset({"foundry"})), {"b", "c"}),
        (Choice(frozenset("ab"), frozenset({"foundry"})), {"b"}),
        (Choice(frozenset("a"), frozenset({"foundry"})), set()),
        (Choice(process=True), {""}),
        (Choice(frozenset("a"), process=True), {"", "a"}),
        (Choice(), set()),
    ],
)
def test_a_slice_holds_the_series_of_its_targets(snapshot: Snapshot, choice: Choice, held: set[str]) -> None:
    """Those of the exporter about them too; of the process only when asked for."""
    assert names(text(snapshot, choice)) == held


def test_the_slices_together_are_the_whole(snapshot: Snapshot) -> None:
    """No line is lost, none comes twice."""
    choices = [*(Choice(frozenset({target.target})) for target in TARGETS), Choice(process=True)]
    parts = [line for choice in choices for line in text(snapshot, choice).splitlines() if line[0] != "#"]
    assert snapshot.current is not None
    whole = [line for line in snapshot.current.text.decode().splitlines() if line[0] != "#"]
    assert sorted(parts) == sorted(whole)
    everything = Choice(platforms=frozenset({"foundry", "roboto"}), process=True)
    assert text(snapshot, everything) == snapshot.current.text.decode()


@pytest.mark.parametrize("choice", [Choice(frozenset("a")), Choice(frozenset("a"), process=True), Choice()])
def test_a_slice_is_an_exposition(snapshot: Snapshot, choice: Choice) -> None:
    """In both formats, compressed or not; a slice of nothing too."""
    slices = Slices(lambda: snapshot.content)
    forms: tuple[Format, Format] = ("text", "openmetrics")
    plain = {form: slices.body(choice, form, gzip=False) for form in forms}
    assert plain["text"] is not None
    assert plain["openmetrics"] is not None
    assert bool(list(text_string_to_metric_families(plain["text"].decode()))) is (choice != Choice())
    assert bool(list(parse_openmetrics(plain["openmetrics"].decode()))) is (choice != Choice())
    for form in forms:
        compressed = slices.body(choice, form, gzip=True)
        assert compressed is not None
        assert gzip.decompress(compressed) == plain[form]


def test_a_slice_is_made_once_a_publication(snapshot: Snapshot) -> None:
    """Until the next publication the same bytes are sent, also while updates come."""
    slices = Slices(lambda: snapshot.content)
    choice = Choice(frozenset("a"))
    first = slices.body(choice, "text", gzip=True)
    snapshot.update(TARGETS[1], [Family(runs.RUNS, {("w", "failed"): (2,)})])
    assert slices.body(choice, "text", gzip=True) is first
    snapshot.publish(1)
    assert slices.body(choice, "text", gzip=True) != first


def test_a_removed_target_leaves_its_slice(snapshot: Snapshot) -> None:
    """With the publication that leaves it out."""
    snapshot.remove("a")
    snapshot.update_own(())
    snapshot.publish(1)
    assert text(snapshot, Choice(frozenset("a"))) == ""


def test_before_the_first_publication_there_is_none() -> None:
    """The scrape is told so."""
    assert Slices(lambda: Snapshot().content).body(Choice(frozenset("a")), "text", gzip=False) is None


def test_slices_that_are_kept_are_bounded(snapshot: Snapshot) -> None:
    """Whoever asks for many pays with time, not with our memory."""
    slices = Slices(lambda: snapshot.content)
    first = slices.body(Choice(frozenset("a")), "text", gzip=False)
    for number in range(MOST_SLICES):
        slices.body(Choice(frozenset({"a", str(number)})), "text", gzip=False)
    again = slices.body(Choice(frozenset("a")), "text", gzip=False)
    assert again == first
    assert again is not first


class Counted(dict[str, object]):
    """A mapping that counts what is looked at."""

    looked = 0

    def __getitem__(self, key: str) -> object:
        Counted.looked += 1
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        Counted.looked += len(self)
        return super().__iter__()


def test_what_is_kept_is_bounded_in_bytes_too(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty slices of nearly everything are sixty times the memory. The one asked for last stays, however large."""
    slices, choices = Slices(lambda: snapshot.content), [Choice(frozenset(each)) for each in ("ab", "ac", "bc")]
    first, second, third = (slices.body(each, "text", gzip=False) or b"" for each in choices)
    assert slices.body(choices[0], "text", gzip=False) is first
    monkeypatch.setattr("exporter.exposition.slices.MOST_BYTES", len(first) + len(third))
    assert slices.body(choices[0], "text", gzip=False) is first
    assert slices.body(choices[2], "text", gzip=False) is third
    assert slices.body(choices[1], "text", gzip=False) is not second
    monkeypatch.setattr("exporter.exposition.slices.MOST_BYTES", 1)
    last = slices.body(choices[2], "text", gzip=False)
    assert slices.body(choices[2], "text", gzip=False) is last


def test_nothing_of_an_earlier_publication_is_kept(snapshot: Snapshot) -> None:
    """A slice that somebody asked for once must not hold all the lines of that day for ever."""
    slices, old = Slices(lambda: snapshot.content), snapshot.content
    before = sys.getrefcount(old)
    for each in "abc":
        assert slices.body(Choice(frozenset(each)), "text", gzip=True)
    assert sys.getrefcount(old) > before
    snapshot.publish(1)
    assert slices.body(Choice(frozenset("a")), "text", gzip=True)
    assert sys.getrefcount(old) == before - 1, "the snapshot has another one"


def test_a_slice_of_one_target_costs_the_same_however_many_there_are() -> None:
    """A job for each of a thousand targets, at every scrape, must not look at all of them each time."""
    looked = []
    for number in (10, 1000):
        made, metrics = Snapshot(), SelfMetrics()
        for index in range(number):
            made.update(TargetLabels("foundry", f"t{index}"), [Family(runs.RUNS, {("w", "failed"): (1,)})])
            metrics.add_target("foundry", f"t{index}")
        made.update_own(metrics.render())
        made.publish(0)
        assert made.content is not None
        content = made.content._replace(
            families=tuple((head, Counted(chunks)) for head, chunks in made.content.families),  # type: ignore[misc]
            own=tuple(own._replace(targets=Counted(own.targets)) for own in made.content.own),  # type: ignore[arg-type]
        )
        Counted.looked = 0
        body = Slices(lambda content=content: content).body(Choice(frozenset(["t7"])), "text", gzip=False)  # type: ignore[misc]
        assert body is not None
        assert b'target="t7"' in body
        looked.append(Counted.looked)
    assert looked[0] == looked[1]
