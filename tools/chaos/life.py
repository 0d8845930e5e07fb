"""One life: a world and a state file, the exporter started and killed over them, and the comparison at the end."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from exporter import killpoints
from exporter.catalogue import ALL, ledger
from exporter.catalogue.runs import RUNS
from exporter.cli import demo_target
from exporter.simulator import Credentials
from exporter.simulator.foundry import FoundryFace
from exporter.simulator.granite import GraniteFace
from exporter.simulator.moderately import ModeratelyFace
from exporter.simulator.roboto import RobotoFace
from tools.chaos import truth
from tools.chaos.clock import SECOND, SharedClock
from tools.chaos.deck import Bend
from tools.chaos.plan import Cycle, FaultOn, Life
from tools.chaos.processes import Nursery, Process, Trouble, free_port, start, wait_for
from tools.chaos.report import Result
from tools.chaos.worlds import LISTED, WORKLOADS

START: Final = 1_790_000_000 * SECOND
READY_WITHIN: Final = 180.0
SETTLE_WITHIN: Final = 240.0
LOOK_EVERY: Final = 0.4
COMPARE_EVERY: Final = 2.0
TERMINATE_WITHIN: Final = 60.0
"""What takes longer hangs, however busy the machine is."""

_WATCHED: Final = tuple(metric.name for metric in ALL if metric.durable and metric.type in ("counter", "histogram"))


def live(life: Life, platforms: tuple[str, ...], folder: Path) -> Result:
    """Live a life in ``folder``, which stays when something was wrong."""
    folder.mkdir(parents=True)
    result = Result(life)
    body = _Body(life, platforms, folder, result)
    try:
        body.run()
    except Exception as error:  # noqa: BLE001  a life that breaks is wrong, and the others go on
        result.errors.append(f"{type(error).__name__}: {error}")
    finally:
        body.close()
    result.errors += _tracebacks(folder / "exporter.log")
    if not result.wrong:
        shutil.rmtree(folder)
    return result


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
        self._upstream = httpx.Client(base_url=f"http://127.0.0.1:{upstream_port}", timeout=30, trust_env=False)
        arguments = [
            f"--clock={self._clock}",
            f"--port={upstream_port}",
            f"--seed={life.seed * 1000 + life.number}",
            f"--keyed-by={life.keyed_by}",
            "--page-size=4",
            *(f"--open-at-rest={name}" for name in platforms if not _would_give_up(life, name)),
        ]
        self._simulator = start("tools.chaos.upstream", arguments, folder / "upstream.log")
        self._nursery = Nursery(folder / "exporter.log")
        self._exporter: Process | None = None
        self._scrapes = _Scrapes(self._port)
        self._anchors: frozenset[tuple[Any, ...]] = frozenset()
        self._pruned = 0

    def run(self) -> None:
        """Start, kill, restart; then settle and compare."""
        wait_for(self._upstream_answers, "the simulator answers", READY_WITHIN)
        self._config.write_text(yaml.safe_dump(self._settings(), sort_keys=False))
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
        return self._has_baselines() and all(truth.walked(self._state, _target(n)) == walks[n] for n in known)

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
        exporter = self._start_exporter(None)
        wait_for(self._ready, "the exporter is ready", READY_WITHIN)
        deadline = time.monotonic() + SETTLE_WITHIN
        swept: int | None = None
        while True:
            time.sleep(COMPARE_EVERY)
            if exporter.poll() is not None:
                raise Trouble(f"the exporter ended by itself with exit code {exporter.returncode}")
            equal = self._compare()
            if equal and swept is None:
                swept = self._clock()  # once more after everything was read anew: nothing may be counted twice
            if time.monotonic() > deadline or (equal and swept is not None and self._all_swept_since(swept)):
                break
        self._result.faults.update(self._upstream.get("/_simulator/faults").json()["used"])
        self._result.fell = self._scrapes.fell

    def _ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._port}/-/ready", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _all_swept_since(self, moment: int) -> bool:
        found = [truth.sweeps(self._state, _target(platform)) for platform in self._platforms if platform in LISTED]
        return all(swept is not None and swept > moment for swept in found)

    def _compare(self) -> bool:
        """Compare all targets once; returns whether nothing differs and nothing is held back."""
        result = self._result
        text = httpx.get(f"http://127.0.0.1:{self._port}/metrics", trust_env=False).text
        result.runs = result.compared = result.lost = result.doubled = result.wrong_gauges = 0
        result.late = result.expired = result.written_off = 0
        result.differences = []
        held = False
        for platform in self._platforms:
            held |= self._compare_target(platform, text)
        return not (held or result.differences)

    def _compare_target(self, platform: str, text: str) -> bool:
        result, target = self._result, _target(platform)
        baseline = truth.baselines(self._state)[target]
        # A listing's first instant is included; a window is one of the upstream's clock.
        began = baseline if platform in LISTED else baseline - self._life.skew * SECOND
        since = began - 1 if platform in LISTED else began
        asked = {"platform": platform, "since": str(since), "baseline": str(began)}
        answer = self._upstream.get("/_simulator/truth", params=asked).json()
        counted = truth.exposed(text, target)
        corrected = truth.corrections(self._state, target)
        numbers = counted.numbers.copy()
        numbers.subtract(corrected)
        late = counted.own.get(ledger.LATE_RUNS_SKIPPED.name, 0)
        expired = counted.own.get(ledger.RUNS_EXPIRED.name, 0)
        bends = self._life.bends | (frozenset({Bend.OUTCOME, Bend.TIMES}) if expired else frozenset())
        found = truth.differences(numbers, truth.happened(answer["samples"]), bends)
        gauges = truth.differences(counted.active, truth.active(answer["active"]), frozenset())
        of_runs = [each for each in found if each.name == RUNS.name]
        lost = sum(max(0, each.expected - each.counted) for each in of_runs)
        result.late += late
        result.expired += expired
        result.written_off += counted.own.get(ledger.CORRECTIONS.name, 0)
        result.lost += max(0, lost - late)
        result.doubled += sum(max(0, each.counted - each.expected) for each in of_runs)
        result.wrong_gauges += len(gauges)
        result.differences += [*found, *gauges] if lost != late or late == 0 else gauges
        result.compared += len(numbers) + len(counted.active)
        result.runs += sum(number for (name, _), number in numbers.items() if name == RUNS.name)
        return truth.held_back(self._state, target)

    def _settings(self) -> dict[str, Any]:
        def world(seconds: float) -> str:
            return f"{max(60, round(seconds * self._life.speed))}s"

        def pause(seconds: float) -> str:
            return f"{round(seconds * 1000 * self._life.speed)}ms"

        endpoints: dict[str, str] = {
            face.platform: face.prefix for face in (RobotoFace, FoundryFace, GraniteFace, ModeratelyFace)
        }
        base = str(self._upstream.base_url).rstrip("/")
        targets = [
            {**demo_target(name, base + endpoints[name], Credentials()), "name": _target(name)}  # type: ignore[arg-type]
            for name in self._platforms
        ]
        pace = {
            "interval": "1s",
            "timeout": "1500ms",
            "zero_hold": "1s",
            "requests_per_minute": 100_000,
            "max_response_bytes": "1MiB",
            "overlap": pause(4),
            "deep_interval": pause(1.5),
            "sweep_interval": pause(3),
            "settle": world(20),
            "max_window": world(25 if self._life.short_windows else 900),
            "open_run_max_age": world(60 if self._life.short_memory else 900),
            "memory": world(70 if self._life.short_memory else 910),
            "stale_after": pause(30),
            "forget_after": world(3000),
        }
        return {"targets": targets, "defaults": pace, "state": str(self._state)}


def _target(platform: str) -> str:
    return f"chaos-{platform}"


def _would_give_up(life: Life, platform: str) -> bool:
    """Whether a run that never ends would not stay in the gauge until the end."""
    return life.short_memory if platform in LISTED else life.short_windows


class _Scrapes:
    """Scrapes all the time, as Prometheus would, and notes counters that fall."""

    def __init__(self, port: int) -> None:
        self.fell = 0
        self._url = f"http://127.0.0.1:{port}/metrics"
        self._seen: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        with httpx.Client(timeout=5, trust_env=False) as client:
            while not self._stop.wait(LOOK_EVERY):
                try:
                    text = client.get(self._url).text
                except httpx.HTTPError:
                    continue
                self._note(text)

    def _note(self, text: str) -> None:
        for line in text.split("\n"):
            if line.startswith(_WATCHED):
                series, _, number = line.rpartition(" ")
                value = float(number)
                if value < self._seen.get(series, 0.0):
                    self.fell += 1
                self._seen[series] = value


def _tracebacks(log: Path) -> list[str]:
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    found: Counter[str] = Counter()
    for block in text.split("Traceback (most recent call last):")[1:]:
        lines = [line for line in block.split("\n") if line and not line.startswith(" ")]
        found[lines[0] if lines else "?"] += 1
    return [f"traceback, {number} times: {last}" for last, number in found.items()]
