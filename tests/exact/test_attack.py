"""Random faults, restarts and kills in mid-poll, on a hand clock: what ``./run chaos`` does, in seconds and in process.

A seed that fails fails again. The faults and what they bend are those of ``tools/chaos/deck.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exporter import killpoints
from exporter.catalogue.ledger import RUNS_EXPIRED
from exporter.counting.ledger import SeriesKey
from exporter.simulator import ManualClock, Platform, Simulator
from tests.exact.world import PLATFORMS, START, Program, program, simulator_of
from tools.chaos import truth
from tools.chaos.deck import DECK, Bend

STEPS = 120
SETTINGS = {
    "deep_interval": "90s",
    "sweep_interval": "3m",
    "overlap": "4m",
    "settle": "20m",
    "open_run_max_age": "10h",
    "memory": "11h",
    "max_response_bytes": "1MiB",
    "timeout": "1s",
}
TOO_SLOW = frozenset({"oversized_body", "gzip_bomb", "deep_json"})
"""They cost seconds in a test of many steps, and have tests of their own."""


class Killed(BaseException):
    """The process is gone."""


class Attack:
    """One platform under attack, all of it decided by the seed."""

    def __init__(self, platform: Platform, seed: int, state: Path, *, strict: bool, max_window: str) -> None:
        self.platform = platform
        self.strict = strict
        self.random = Random(f"{platform} {seed}")
        self.clock = ManualClock(START)
        self.simulator: Simulator = simulator_of(self.clock, seed, pace=50.0, workloads=4, failures=0.2, requeues=0.3)
        self.state = state
        self.settings: dict[str, Any] = {**SETTINGS, "max_window": max_window}
        self.bends: set[Bend] = set()

    def run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Attack, settle, compare."""
        names = [n for n, card in DECK.items() if n not in TOO_SLOW and not (self.strict and card.bends)]
        with self._program() as made:
            assert made.poll(self.platform).good
        step = 0
        while step < STEPS:
            try:
                with self._program() as made:
                    for _ in range(self.random.randint(1, 25)):
                        step += 1
                        self._switch(self.random.sample(names, 3) if self.random.random() < 0.7 else [])
                        self.clock.advance(self.random.choice((5, 20, 60, 60, 200)))
                        self._aim(monkeypatch)
                        made.poll(self.platform)
            except Killed:
                continue
        monkeypatch.setattr(killpoints, "reached", lambda point: None)
        self._switch([])
        self.simulator.world.end_at(self.clock())
        with self._program() as made:
            for _ in range(80):
                self.clock.advance(60)
                made.poll(self.platform)
            self._compare(made)

    @contextmanager
    def _program(self) -> Iterator[Program]:
        with program(self.simulator, self.clock, self.state, [self.platform], **self.settings) as made:
            yield made

    def _aim(self, monkeypatch: pytest.MonkeyPatch) -> None:
        left = self.random.randint(1, 6) if self.random.random() < 0.15 else 0

        def reached(point: killpoints.Point) -> None:
            nonlocal left
            del point
            left -= 1
            if left == 0:
                raise Killed

        monkeypatch.setattr(killpoints, "reached", reached)

    def _switch(self, names: list[str]) -> None:
        self.simulator.faults.clear()
        for name in names:
            card = DECK[name]
            if card.platforms and self.platform not in card.platforms:
                continue
            self.bends |= card.bends
            times = self.random.choice((None, 1, 3))
            probability = self.random.uniform(0.1, 0.7) if times is None else 1.0
            self.simulator.faults.on(name, times=times, probability=probability, **card.options(self.random))

    def _compare(self, made: Program) -> None:
        ledger = made.targets[self.platform].ledger
        expired = ledger.series.get(SeriesKey(RUNS_EXPIRED.name, ()))
        if expired is not None and sum(expired.shown):
            self.bends |= {Bend.OUTCOME, Bend.TIMES}
        counted = truth.exposed(made.text(), made.targets[self.platform].name).numbers
        counted.subtract(truth.corrections(self.state, made.targets[self.platform].name))
        happened = truth.happened(self.simulator.totals(self.platform).as_json())
        found = truth.differences(Counter(counted), happened, frozenset(self.bends))
        assert found == [], "\n".join(map(str, found[:10]))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_attack(platform: Platform, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the upstream does and whenever the process dies, the totals are exact in the end."""
    attack = Attack(platform, seed, tmp_path / "s.db", strict=seed % 2 == 0, max_window=("25m", "15h")[seed // 2 % 2])
    attack.run(monkeypatch)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 40))
@pytest.mark.parametrize("platform", PLATFORMS)
def test_many_attacks(platform: Platform, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for long."""
    attack = Attack(platform, seed, tmp_path / "s.db", strict=seed % 2 == 0, max_window=("25m", "15h")[seed // 2 % 2])
    attack.run(monkeypatch)
