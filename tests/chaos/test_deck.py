"""The deck against the simulator: every fault that is dealt bends something wherever it is dealt."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from exporter.platforms.foundry import api as foundry
from exporter.platforms.moderately import api as moderately
from exporter.simulator import ManualClock, Platform
from exporter.simulator.messages import Request, Response
from tests.exact.attack import HandTime
from tests.exact.world import PLATFORMS, START, program
from tools.chaos.deck import DECK
from tools.chaos.upstream import Upstream

PACE = 60
"""Seconds of the world in one of the chaos tool's."""
TO_ALL = {"oversized_body", "gzip_bomb", "deep_json"}
"""What these do they do to every answer, and it takes them seconds."""


class Heard(Upstream):
    """An upstream in the middle of a life that keeps what it was asked by a poll, and what it answered."""

    platform: Platform
    asked: list[Request]
    answered: list[str]

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        self.asked.append(request)
        return super().handle(request)

    def again(self) -> list[str]:
        """Answer the same questions again; 3 and 3.0 are different answers."""
        return [repr(super(Heard, self).handle(request)) for request in self.asked]


@pytest.fixture(scope="module", params=PLATFORMS)
def heard(request: pytest.FixtureRequest) -> Heard:
    """Heard by the poll of one platform: a sweep, or a move of an anchor."""
    clock = ManualClock(START)
    simulator = Heard(3, HandTime(START, 0, PACE, clock), [request.param])
    simulator.platform, simulator.asked, simulator.roboto.page_size = request.param, [], 4
    pace: Any = {"interval": f"{PACE}s", "deep_interval": f"{PACE}s", "sweep_interval": f"{PACE}s", "settle": "10m"}
    with pytest.MonkeyPatch.context() as patch, program(simulator, clock, platforms=[request.param], **pace) as made:
        for api in (foundry, moderately):
            patch.setattr(api, "PAGE_SIZE", 8)
        assert made.poll(request.param).good
        simulator.script.wake()
        for _ in range(22):
            clock.advance(PACE)
            simulator.asked.clear()
            assert made.poll(request.param).good
    simulator.answered = simulator.again()
    return simulator


@pytest.mark.parametrize("name", sorted(DECK.keys() - TO_ALL))
def test_a_fault_bends_what_it_meets(name: str, heard: Heard) -> None:
    """Else a table of faults met would tell of attacks that never were."""
    card = DECK[name]
    if card.platforms and heard.platform not in card.platforms:
        return
    for seed in range(4):
        with heard.faults.active(name, **card.options(Random(seed))):
            if heard.again() != heard.answered:
                return
    pytest.fail(f"of {len(heard.asked)} answers none is another one")
