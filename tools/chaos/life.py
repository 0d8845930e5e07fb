"""One life: a world and a state file, the exporter started and killed over them, and the comparison at the end."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
import traceback
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from exporter import killpoints
from exporter.catalogue import ledger
from exporter.catalogue.runs import RUNS
from tools.chaos import truth
from tools.chaos.clock import SECOND, SharedClock
from tools.chaos.deck import Bend
from tools.chaos.plan import Cycle, FaultOn, Life
from tools.chaos.processes import Nursery, Process, Trouble, free_port, start, wait_for
from tools.chaos.report import GOOD, Result
from tools.chaos.scrapes import Scrapes
from tools.chaos.settings import USUAL, Patience, settings, target_name
from tools.chaos.worlds import ANSWERED_WITHIN, LISTED, SPANNING_UNTIL, WINDOWED, WORKLOADS

START: Final = 1_790_000_000 * SECOND
READY_WITHIN: Final = 300.0
COMPARE_EVERY: Final = 2.0
TERMINATE_WITHIN: Final = 60.0
"""What takes longer hangs, however busy the machine is."""
ANSWER_WITHIN: Final = 60.0

SETTLING: Final = (
    (USUAL, 120.0),
    (Patience(interval=6.0, timeout=6.0), 180.0),
    (Patience(interval=30.0, timeout=20.0), 300.0),
)
"""How patient the exporter is while all comes to rest, and for how many seconds. On a machine so busy that no poll ends
in time, it is started again with more patience. Together less than the 900 s after which open runs expire."""


def live(life: Life, platforms: tuple[str, ...], folder: Path) -> Result:
    """Live a life in ``folder``, which stays unless all was good."""
    folder.mkdir(parents=True)
    result = Result(life)
    body: _Body | None = None
    try:
        body = _Body(life, platforms, folder, result)
        body.run()
    except Exception as error:  # noqa: BLE001  a life that breaks is not finished, and the others go on
        _broke(result, error, folder)
    try:
        if body is not None:
            body.close()
    except Exception as error:  # noqa: BLE001  the same
        _broke(result, error, folder)
    result.errors += _tracebacks(folder / "exporter.log")
    if result.verdict == GOOD:
        shutil.rmtree(folder)
    return result


def _broke(result: Result, error: Exception, folder: Path) -> None:
    result.unfinished.append(f"{type(error).__name__}: {error}")
    with (folder / "life.log").open("a") as log:
        traceback.print_exception(error, file=log)


class _Body:
    def __init__(self, life: Life, platforms: tuple[str, ...], folder: Path, result: Result) -> None:
        self._life = life
        self._platforms = platforms
        self._folder = folder
        self._result = result
        self._clock = SharedClock.beginning_now(START, life.speed)
        self._state = folder / "state.db"
        self._config = folder / "config.yaml"
        self._port = free_port()
        upstream_port = free_port()
        self._upstream = httpx.Client(
            base_url=f"http://127.0.0.1:{upstream_port}", timeout=ANSWER_WITHIN, trust_env=False
        )
        arguments = [
            f"--clock={self._clock}",
            f"--port={upstream_port}",
            f"--seed={life.seed * 1000 + life.number}",
            f"--keyed-by={life.keyed_by}",
            f"--order={life.order}",
            "--page-size=4",
            *(f"--open-at-rest={name}" for name in platforms if not _would_give_up(life, name)),
        ]
        self._simulator = start("tools.chaos.upstream", arguments, folder / "upstream.log")
        try:
            self._nursery = Nursery(folder / "exporter.log")
        except Exception:
            self._end("upstream", self._simulator)
            raise
        self._exporter: Process | None = None
        self._scrapes = Scrapes(self._port)
        self._anchors: frozenset[tuple[Any, ...]] = frozenset()
        self._pruned = 0

    def run(self) -> None:
        """Start, kill, restart; then settle and compare."""
        wait_for(self._upstream_answers, "the simulator answers", READY_WITHIN)
        self._configure(USUAL)
        self._scrapes.start()
        self._wake()
        for cycle in self._life.cycles:
            self._cycle(cycle)
        self._clear()
        self._upstream.post("/_chaos/rest").raise_for_status()
        self._settle_and_compare()

    def close(self) -> None:
        """End what still runs."""
        self._scrapes.stop()
        self._result.fell = self._scrapes.fell
        self._result.unfinished += [self._scrapes.trouble] if self._scrapes.trouble else []
        if self._exporter is not None:
            self._result.stopped_in = self._end("exporter", self._exporter)
        self._end("upstream", self._simulator)
        self._nursery.close()
        self._upstream.close()

    def _end(self, name: str, process: Process) -> float:
        """Send SIGTERM; return how many seconds the end took."""
        if process.poll() is not None:
            return 0.0
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(TERMINATE_WITHIN)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # it writes down where its threads stand
            process.wait()
            said = f"did not end within {TERMINATE_WITHIN:g} s of SIGTERM; where its threads stood is in {name}.log"
            self._result.errors.append(f"the {name} {said}")
        return time.monotonic() - asked

    # Start and kill

    def _wake(self) -> None:
        """Kill it a few times before it has a baseline, if it does not take one at once; then let the world begin."""
        for cycle in self._life.early:
            if not self._has_baselines():
                self._cycle(cycle)
        self._clear()
        if not self._has_first_walks():
            exporter = self._start_exporter(None)
            wait_for(self._has_first_walks, "the baseline is taken and every listing was read", READY_WITHIN)
            exporter.kill()
            exporter.wait()
        self._upstream.post("/_chaos/wake").raise_for_status()

    def _cycle(self, cycle: Cycle) -> None:
        self._clear()
        for fault in cycle.faults:
            self._switch_on(fault)
        if cycle.incident:
            body = {"name": cycle.incident, "seconds": self._clock.lasting(cycle.seconds) / SECOND}
            self._upstream.post("/_simulator/incidents", json=body).raise_for_status()
        exporter = self._start_exporter(cycle.aim)
        if not cycle.from_launch:
            wait_for(lambda: exporter.poll() is not None or self._ready(), "the exporter is ready", READY_WITHIN)
        try:
            code = exporter.wait(cycle.seconds)
            self._result.kills[cycle.point or "random"] += 1
            if code != -signal.SIGKILL:
                self._result.errors.append(f"the exporter ended by itself with exit code {code}")
        except subprocess.TimeoutExpired:
            exporter.kill()
            exporter.wait()
            self._result.kills["random"] += 1
        anchors, pruned = truth.progress(self._state)
        self._result.moves += len(anchors - self._anchors) if self._anchors else 0
        self._result.prunings += 0 < self._pruned < pruned
        self._anchors, self._pruned = anchors or self._anchors, pruned

    def _start_exporter(self, aim: str | None) -> Process:
        arguments = [f"--clock={self._clock}", f"--config={self._config}", f"--port={self._port}"]
        env = {killpoints.VARIABLE: aim} if aim else {}
        self._exporter = self._nursery.start(arguments, self._folder / "exporter.log", env)
        return self._exporter

    def _has_baselines(self) -> bool:
        return len(truth.baselines(self._state)) == len(self._platforms)

    def _has_first_walks(self) -> bool:
        """Whether all is read that there was before the world begins: of a run that tells no time, nobody could say
        whether it was there when its listing is read for the first time later."""
        walks = {"foundry": len(WORKLOADS["foundry"]), "moderately": 1}
        known = (name for name in self._platforms if name in LISTED)
        return self._has_baselines() and all(truth.walked(self._state, target_name(n)) == walks[n] for n in known)

    def _switch_on(self, fault: FaultOn) -> None:
        body = {name: value for name, value in asdict(fault).items() if value is not None}
        answer = self._upstream.post("/_simulator/faults", json=body)
        if answer.status_code != 200:
            raise Trouble(f"{fault.name} cannot be switched on: {answer.text}")

    def _clear(self) -> None:
        self._upstream.delete("/_simulator/faults").raise_for_status()
        self._upstream.delete("/_simulator/incidents").raise_for_status()
        for fault in self._life.always:
            self._switch_on(fault)

    def _upstream_answers(self) -> bool:
        if self._simulator.poll() is not None:
            raise Trouble(f"the simulator ended with exit code {self._simulator.returncode}")
        try:
            return self._upstream.get("/_simulator/time").status_code == 200
        except httpx.TransportError:
            return False

    # Compare

    def _settle_and_compare(self) -> None:
        """Compare until all is at rest and equal, and equal once more when everything was read anew: nothing may be
        counted twice. What still differs when all is at rest and the time is over is wrong."""
        rested = self._clock()
        for patience, seconds in SETTLING:
            self._configure(patience)
            exporter = self._start_exporter(None)
            wait_for(self._ready, "the exporter is ready", READY_WITHIN)
            if self._settles(exporter, seconds):
                break
            left = self._unread_since(rested)
            if patience is not SETTLING[-1][0]:
                self._end("exporter", exporter)
            elif left:
                self._result.unfinished.append(f"not at rest within {sum(each for _, each in SETTLING):g} s: {left}")
        self._result.faults.update(self._upstream.get("/_simulator/faults").json()["used"])

    def _settles(self, exporter: Process, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        equal_at: int | None = None
        while time.monotonic() < deadline:
            time.sleep(COMPARE_EVERY)
            if exporter.poll() is not None:
                raise Trouble(f"the exporter ended by itself with exit code {exporter.returncode}")
            moment = self._clock()
            if self._compare():
                if equal_at is not None and not self._unread_since(equal_at):
                    return True
                equal_at = moment if equal_at is None else equal_at
        return False

    def _unread_since(self, moment: int) -> str:
        """What was not read whole since then, or is counted and not shown yet; empty when all is at rest."""
        left = []
        for platform in self._platforms:
            name = target_name(platform)
            if platform in LISTED:
                read, ahead = truth.sweeps(self._state, name), 0
            else:
                read, ahead = truth.read(self._state, name), self._life.skew * SECOND
            if read is None or read <= moment + ahead:
                left.append(f"{name} was not read whole")
            if truth.held_back(self._state, name):
                left.append(f"{name} holds back what it counted")
        return ", ".join(left)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._port}/-/ready", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _compare(self) -> bool:
        """Compare all targets once; returns whether nothing differs and nothing is held back."""
        result = self._result
        answer = httpx.get(f"http://127.0.0.1:{self._port}/metrics", timeout=ANSWER_WITHIN, trust_env=False)
        text = answer.raise_for_status().text
        result.runs = result.compared = result.lost = result.doubled = result.wrong_gauges = 0
        result.late = result.expired = result.written_off = 0
        result.differences = []
        held = False
        for platform in self._platforms:
            held |= self._compare_target(platform, text)
        return not (held or result.differences)

    def _compare_target(self, platform: str, text: str) -> bool:
        result, target = self._result, target_name(platform)
        baseline = truth.baselines(self._state)[target]
        # A listing's first instant is included; a window is one of the upstream's clock.
        began = baseline if platform in LISTED else baseline - self._life.skew * SECOND
        since = began - 1 if platform in LISTED else began
        answer = self._truth(platform, since, began)
        counted = truth.exposed(text, target)
        corrected = truth.corrections(self._state, target)
        numbers = counted.numbers.copy()
        numbers.subtract(corrected)
        late = counted.own.get(ledger.LATE_RUNS_SKIPPED.name, 0)
        expired = counted.own.get(ledger.RUNS_EXPIRED.name, 0)
        bends = self._life.bends | (frozenset({Bend.OUTCOME, Bend.TIMES}) if expired else frozenset())
        found = truth.differences(numbers, truth.happened(answer["samples"]), bends)
        spanning = self._clock.start + self._clock.lasting(SPANNING_UNTIL)
        if found and platform in WINDOWED and 0 <= spanning - began < self._ended_with_the_first_answer:
            later = self._truth(platform, spanning, spanning)
            found = truth.differences(numbers, truth.happened(later["samples"]), bends)
        gauges = truth.differences(counted.active, truth.active(answer["active"]), frozenset())
        of_runs = [each for each in found if each.name == RUNS.name]
        lost = sum(max(0, each.expected - each.counted) for each in of_runs)
        result.late += late
        result.expired += expired
        result.written_off += counted.own.get(ledger.CORRECTIONS.name, 0)
        result.lost += max(0, lost - late)
        result.doubled += sum(max(0, each.counted - each.expected) for each in of_runs)
        result.wrong_gauges += len(gauges)
        result.differences += [*truth.unexplained(found, late), *gauges]
        result.compared += len(numbers) + len(counted.active)
        result.runs += sum(number for (name, _), number in numbers.items() if name == RUNS.name)
        return truth.held_back(self._state, target)

    @property
    def _ended_with_the_first_answer(self) -> int:
        """For so long after the baseline may runs have ended that are in its reading: windows end when they are asked
        for, but one that is widened, or names runs by their beginning, holds what had ended when it was read."""
        looks_later = self._life.bounds is not None or self._life.keyed_by == "creation"
        return self._clock.lasting(ANSWERED_WITHIN) if looks_later else 0

    def _truth(self, platform: str, since: int, baseline: int) -> dict[str, Any]:
        asked = {"platform": platform, "since": str(since), "baseline": str(baseline)}
        found: dict[str, Any] = self._upstream.get("/_simulator/truth", params=asked).raise_for_status().json()
        return found

    def _configure(self, patience: Patience) -> None:
        base = str(self._upstream.base_url).rstrip("/")
        found = settings(self._life, self._platforms, base, str(self._state), patience)
        self._config.write_text(yaml.safe_dump(found, sort_keys=False))


def _would_give_up(life: Life, platform: str) -> bool:
    """Whether a run that never ends would not stay in the gauge until the end."""
    return life.short_memory if platform in LISTED else life.short_windows


def _tracebacks(log: Path) -> list[str]:
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    found: Counter[str] = Counter()
    for block in text.split("Traceback (most recent call last):")[1:]:
        lines = [line for line in block.split("\n") if line and not line.startswith(" ")]
        found[lines[0] if lines else "?"] += 1
    return [f"traceback, {number} times: {last}" for last, number in found.items()]
