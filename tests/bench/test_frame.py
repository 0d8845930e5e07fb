"""The frame of the benchmarks: what they refuse, what they keep, and the page that is written from it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import patch

import pytest

import bench.__main__ as command
from bench import ingest, refresh
from bench.kit import machine, page, results, tables
from bench.kit.population import SERIES_OF_WORKLOAD, population
from bench.kit.processes import Process, Processes
from bench.kit.results import Result
from bench.kit.rounds import interleaved
from bench.kit.script import Bench, Found, Goal, scripts
from bench.kit.state import in_memory
from bench.kit.tools import Tool
from exporter.exposition import Snapshot
from exporter.publisher import Publisher
from exporter.selfmetrics import SelfMetrics
from exporter.times import SystemClock
from tools.chaos.processes import wait_for

ABSENT = Tool("Frobnicator", "no-such-program", "apt-get install frobnicator")


class Sample:
    """A script."""

    TITLE = "A sample"
    ORDER = 1
    TOOLS: Sequence[Tool] = ()

    def measure(self, bench: Bench) -> Found:
        bench.has(ABSENT)
        return {"seconds": 0.5}

    def goals(self, found: Found) -> list[Goal]:
        return [Goal("speed", "at most 1 s", tables.seconds(found["seconds"]), found["seconds"] <= 1)]

    def section(self, found: Found) -> str:
        return f"It took {found['seconds']}."


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sample:
    """The only script there is; the page is written beside it."""
    script = Sample()
    for module in (command, page):
        monkeypatch.setattr(module, "scripts", lambda: {"sample": script})
    monkeypatch.setattr(page, "PATH", tmp_path / "performance.md")
    monkeypatch.setattr(page, "ROOT", tmp_path)
    monkeypatch.setattr(machine, "busy", lambda: "")
    return script


def test_a_missing_peer_is_refused_with_the_way_to_get_it(
    sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample.TOOLS = (ABSENT,)
    assert command.main(["--results", str(tmp_path)]) == 2
    assert "Frobnicator is missing (apt-get install frobnicator)" in capsys.readouterr().err
    assert not (tmp_path / "sample.json").exists()


def test_what_was_left_out_stands_on_the_page(sample: Sample, tmp_path: Path) -> None:
    sample.TOOLS = (ABSENT,)
    assert command.main(["--skip-missing", "--results", str(tmp_path)]) == 0
    text = (tmp_path / "performance.md").read_text()
    assert "Left out: Frobnicator: it is missing (apt-get install frobnicator)." in text
    assert "| [A sample](#a-sample) | speed | at most 1 s | 500 ms | yes |" in text
    assert "## A sample\n\nIt took 0.5." in text


def test_a_busy_machine_is_refused_unless_told_otherwise(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "busy", lambda: "the machine is busy")
    assert command.main(["--results", str(tmp_path)]) == 2
    assert "the machine is busy" in capsys.readouterr().err
    assert command.main(["--anyway", "--results", str(tmp_path)]) == 0
    assert "the machine is busy" in (tmp_path / "performance.md").read_text()


def test_a_try_keeps_nothing(sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--quick", "--results", str(tmp_path)]) == 0
    assert "It took 0.5." in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_script_that_fails_does_not_hide_the_others(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Sample()
    monkeypatch.setattr(broken, "measure", lambda _bench: 1 / 0)
    monkeypatch.setattr(command, "scripts", lambda: {"broken": broken, "sample": sample})
    assert command.main(["--results", str(tmp_path)]) == 1
    assert "failed: broken" in capsys.readouterr().err
    assert (tmp_path / "sample.json").exists()


def test_an_unknown_script_is_named(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["nonsense"]) == 2
    assert "there is no script nonsense; there are sample" in capsys.readouterr().err


def test_a_result_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    result = Result("sample", {"rows": [[1, 2.5], None]}, ["a peer"], {"processor": "p"}, "2026-01-31", "")
    results.save(result, tmp_path)
    assert results.load("sample", tmp_path) == result
    assert results.load("other", tmp_path) is None


def test_every_script_has_all_that_a_script_has() -> None:
    for name, script in scripts().items():
        for attribute in ("TITLE", "ORDER", "TOOLS", "measure", "goals", "section"):
            assert hasattr(script, attribute), (name, attribute)


@pytest.mark.parametrize("platform", ingest.SDKS)
@pytest.mark.parametrize("stage", ingest.STAGES)
def test_a_stopwatch_finds_what_it_is_put_on(stage: str, platform: str) -> None:
    """A stage whose function moved would be found out by the long lane only."""
    assert callable(patch(ingest.STAGES[stage].format(platform=platform)).get_original()[0])


def test_the_library_that_compresses_is_named() -> None:
    assert refresh.library() in ("zlib", "isal.isal_zlib")


def test_contestants_take_turns_and_another_begins_each_round() -> None:
    order: list[str] = []

    def contestant(name: str) -> Callable[[], str]:
        def turn() -> str:
            order.append(name)
            return name

        return turn

    answers = interleaved(3, {name: contestant(name) for name in "abc"})
    assert "".join(order) == "abcbcacab"
    assert answers == {"a": ["a"] * 3, "b": ["b"] * 3, "c": ["c"] * 3}


def test_processes_end_with_their_children_whatever_happens(tmp_path: Path) -> None:
    program = (
        "import subprocess; child = subprocess.Popen(['sleep', '600']); print(child.pid, flush=True); child.wait()"
    )
    started: list[Process] = []

    def fail_after_a_start() -> None:
        with Processes(tmp_path) as processes:
            process = processes.start("parent", (sys.executable, "-c", program))
            started.append(process)
            process.wait_until(lambda: process.log.read_text().strip(), "it has a child")
            raise RuntimeError("as planned")

    with pytest.raises(RuntimeError, match="as planned"):
        fail_after_a_start()
    (process,) = started
    assert not process.alive()
    stat = Path(f"/proc/{int(process.log.read_text())}/stat")
    wait_for(lambda: not stat.exists() or stat.read_text().split()[2] == "Z", "the child is dead", within=10)


@pytest.mark.parametrize(
    ("value", "said"), [(2.5, "2.50 s"), (0.0123, "12.3 ms"), (0.000064, "64.0 µs"), (None, "–"), (671.2, "671 s")]
)
def test_lengths_of_time_as_people_read_them(value: float | None, said: str) -> None:
    assert tables.seconds(value) == said


def test_a_population_has_the_shape_that_it_tells(tmp_path: Path) -> None:
    members = population(2 * 5 * SERIES_OF_WORKLOAD, targets=2)
    snapshot = Snapshot()
    publisher = Publisher(snapshot, SelfMetrics(), SystemClock())
    targets = in_memory(members, tmp_path)
    for target in targets:
        publisher.refresh(target)
    text = publisher.publish(force=True) and snapshot.current and snapshot.current.text.decode()
    assert text
    samples = [line for line in text.splitlines() if not line.startswith("#") and "correction_debt" not in line]
    assert len(samples) == members.series == 1130
    of_histograms = [line for line in samples if line.split("{")[0].endswith(("_bucket", "_sum", "_count"))]
    counters = [line for line in samples if line.split("{")[0].endswith("_total")]
    assert (len(of_histograms), len(counters)) == (680, 340)
