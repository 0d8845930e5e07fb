"""``once``: one poll of everything, told on standard output and standard error."""

from __future__ import annotations

import logging
import re
from collections import Counter
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from exporter.app import Once, once
from exporter.app.once import table
from exporter.app.progress import CLEAR, PAUSE, Progress, shown_beside_the_log
from exporter.observations import ListingFailed
from exporter.poll import Report
from exporter.simulated import demo_settings
from exporter.simulator import ManualClock, Platform, Simulator
from tests.exact.world import PLATFORMS, START, HandClock, simulator_of


class Told:
    """What one call returned and printed."""

    def __init__(
        self, simulator: Simulator, clock: ManualClock, state: Path | None, only: tuple[str, ...] = ()
    ) -> None:
        transport = simulator.transport()
        options = Once(state=state, only=only, transports=lambda _: transport, clock=HandClock(clock))
        out, err = StringIO(), StringIO()
        settings = demo_settings(simulator.endpoints(), simulator.credentials, Path("unused.db"))
        self.code = once(settings, options, out, err)
        self.metrics = out.getvalue()
        self.table = {line.split()[0]: line for line in err.getvalue().splitlines()}
        self.headings = err.getvalue().splitlines()[0].split("  ")


@pytest.fixture
def clock() -> ManualClock:
    """World time."""
    return ManualClock(START)


@pytest.fixture
def simulator(clock: ManualClock) -> Simulator:
    """A small world."""
    return simulator_of(clock, pace=60.0, workloads=3, history_days=0.05)


def counted(told: Told) -> set[str]:
    """Platforms of which a run was counted."""
    lines = [line for line in told.metrics.splitlines() if line.startswith("automation_runs_total{")]
    return {line.partition('platform="')[2].partition('"')[0] for line in lines if not line.endswith(" 0")}


def test_without_a_state_every_counter_is_zero(simulator: Simulator, clock: ManualClock) -> None:
    """What ended before is history, also when it is called again."""
    for _ in range(2):
        told = Told(simulator, clock, None)
        assert told.code == 0
        assert counted(told) == set()
        assert {f"demo-{platform}" for platform in PLATFORMS} < set(told.table)
        clock.advance(600)


def test_with_a_state_the_difference_is_counted_and_shown(
    simulator: Simulator, clock: ManualClock, tmp_path: Path
) -> None:
    """At once: a call is a life of its own, and nobody scrapes it."""
    state = tmp_path / "state.db"
    assert counted(Told(simulator, clock, state)) == set()
    clock.advance(600)
    told = Told(simulator, clock, state)
    assert told.code == 0
    assert counted(told) == set(PLATFORMS)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_target_that_fails(simulator: Simulator, clock: ManualClock, platform: Platform) -> None:
    """Exit code 1, one attempt, the reason in the table; the other targets are good."""
    with simulator.faults.active("server_error", platform=platform):
        told = Told(simulator, clock, None)
    assert told.code == 1
    assert " failed " in told.table[f"demo-{platform}"]
    assert "server_error: " in told.table[f"demo-{platform}"]
    assert simulator.faults.used["server_error"] == 1
    for other in set(PLATFORMS) - {platform}:
        assert " good " in told.table[f"demo-{other}"]


class Terminal(StringIO):
    """A terminal, as far as anybody asks."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_tells_how_far_it_is(simulator: Simulator, clock: ManualClock) -> None:
    """On one line that is written over, and empty when the table comes."""
    settings = demo_settings(simulator.endpoints(), simulator.credentials, Path("unused.db"))
    options = Once(state=None, transports=lambda _: simulator.transport(), clock=HandClock(clock))
    out, err = StringIO(), Terminal()
    assert once(settings, options, out, err) == 0
    *shown, table = err.getvalue().split(CLEAR)
    assert re.search(r"demo-\w+: \d+ workloads, \d+ runs", "".join(shown))
    assert "\n" not in "".join(shown)
    assert table.startswith("target ")


def test_what_is_logged_meanwhile_has_a_line_of_its_own() -> None:
    terminal = Terminal()
    handler = logging.StreamHandler(terminal)
    logging.getLogger().addHandler(handler)
    try:
        progress = Progress(terminal, lambda: 0.0)
        with shown_beside_the_log(progress):
            progress("fleet", Report())
            logging.getLogger("some").warning("said")
        logging.getLogger("some").warning("later")
    finally:
        logging.getLogger().removeHandler(handler)
    assert terminal.getvalue() == f"{CLEAR}fleet: 0 workloads, 0 runs{CLEAR}said\nlater\n"


def test_progress_is_not_shown_too_often_and_fits_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out, now = Terminal(), [0.0]
    progress = Progress(out, lambda: now[0])
    report = Report(workloads=3, runs=Counter(completed=12_345), oldest_run=START)
    for _ in range(5):
        progress("fleet", report)
        now[0] += PAUSE / 2
    progress.finished("fleet")
    now[0] += PAUSE
    progress("office", Report())
    assert out.getvalue().split(CLEAR)[1:] == [
        *["fleet: 3 workloads, 12,345 runs, bac..."] * 3,
        "office: 0 workloads, 0 runs",
    ]


def test_a_name_that_an_upstream_chose_steers_no_terminal() -> None:
    """Nor does it break the table's line."""
    target = SimpleNamespace(name="t", labels=SimpleNamespace(platform="foundry"), requests=lambda: 3)
    failed = ListingFailed("a\x1b[2J\nb", "not_found", "found HTTP 404")
    told = table([cast(Any, target)], [Report(listings_failed=[failed])])
    assert told.splitlines()[1].endswith("a?[2J?b: found HTTP 404")


def test_only_the_targets_that_were_named(simulator: Simulator, clock: ManualClock) -> None:
    """The others are not asked."""
    told = Told(simulator, clock, None, only=(f"demo-{PLATFORMS[0]}",))
    assert told.code == 0
    assert {entry.platform for entry in simulator.log} == {PLATFORMS[0]}
    assert "target" in told.headings
