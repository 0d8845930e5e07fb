"""Of the four forms of a body those are ready that somebody asks for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from exporter.catalogue.runs import RUNS
from exporter.exposition import Body, Format, Rendered, Snapshot
from exporter.exposition.rendered import USUAL, Form
from exporter.exposition.snapshot import WANTED_FOR
from exporter.families import Family
from tests.exposition.samples import SUPPORT

RUNS_OF_SUPPORT = Family(RUNS, {("triage", "completed"): (40,)})
OTHERS: list[tuple[Format, bool]] = [("text", False), ("text", True), ("openmetrics", False)]


def snapshot() -> Snapshot:
    made = Snapshot()
    made.update(SUPPORT, [RUNS_OF_SUPPORT])
    return made


def test_what_every_prometheus_asks_for_is_ready_before_it_asks() -> None:
    rendered = snapshot().publish(0)
    assert rendered.ready(USUAL.format, gzip=USUAL.gzip) == rendered.openmetrics_gzip


@pytest.mark.parametrize(("form", "gzip"), OTHERS)
def test_what_was_asked_for_once_is_ready_from_then_on(form: Format, gzip: bool) -> None:
    """For as long as no scrape interval is longer; then it is made no more."""
    published = snapshot()
    assert published.publish(0).ready(form, gzip=gzip) is None
    later = (published.publish(at) for at in (1, WANTED_FOR, 1 + WANTED_FOR, 2 + WANTED_FOR))
    # Each of these looks for what is there without asking for it.
    assert [Form(form, gzip) in each._bodies for each in later] == [True, True, True, False]


def test_a_form_that_is_asked_for_again_and_again_stays_ready() -> None:
    published = snapshot()
    published.publish(0).ready("text", gzip=True)
    for round_ in range(1, 5):
        assert published.publish(round_ * WANTED_FOR).ready("text", gzip=True) is not None


@pytest.mark.parametrize(("form", "gzip"), OTHERS)
def test_a_body_that_is_made_late_is_that_of_its_publication(form: Format, gzip: bool) -> None:
    """A reader that asked before the next publication gets what it asked for."""
    first, second = snapshot(), snapshot()
    early, late = first.publish(0), second.publish(0)
    expected = early.body(form, gzip=gzip)
    second.update(SUPPORT, [replace(RUNS_OF_SUPPORT, samples={("triage", "completed"): (50,)})])
    second.publish(1)
    assert late.body(form, gzip=gzip) == expected


def test_a_reader_that_does_not_read_costs_no_further_body_unless_somebody_asks() -> None:
    """It keeps one body and the newest is the other. Once a client had to wait for the third, no other has to."""
    published = snapshot()
    stalled = published.publish(0).body("text", gzip=False)
    published.publish(1).ready("text", gzip=False)
    begun = bytes(stalled)
    found = []
    for count in range(50, 60):
        published.update(SUPPORT, [replace(RUNS_OF_SUPPORT, samples={("triage", "completed"): (count,)})])
        found.append(Form("text", False) in published.publish(count)._bodies)
    assert {*found} == {True, False}
    assert len(published._buffers["text"]._kept) == 2
    waits = []
    for count in range(60, 70):
        published.update(SUPPORT, [replace(RUNS_OF_SUPPORT, samples={("triage", "completed"): (count,)})])
        rendered = published.publish(count)
        waits.append(rendered.ready("text", gzip=False) is None)
        assert b"} %d\n" % count in rendered.text
    assert sum(waits) <= 1
    assert len(published._buffers["text"]._kept) == 3
    assert stalled == begun
    del stalled
    assert [Form("text", False) in published.publish(at)._bodies for at in (70, 71, 72)] == [True] * 3


def test_many_who_ask_at_once_share_one_making() -> None:
    makings: list[Form] = []
    together = threading.Barrier(8)

    def make(form: Form) -> bytes:
        makings.append(form)
        return b"body"

    rendered = Rendered(make, 0)

    def ask(_: int) -> Body:
        together.wait()
        return rendered.body("text", gzip=True)

    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(ask, range(8)))
    assert makings == [Form("text", True)]
    assert len({id(body) for body in bodies}) == 1
