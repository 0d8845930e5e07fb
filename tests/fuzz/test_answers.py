"""Bent answers through the whole program: fetch, observe, count, commit, render.

Each poll ends in observations or in a counted error; without a committed batch nothing has changed; counters never
fall; a good answer is read afterwards. ``./run test -m nightly tests/fuzz`` does twenty times as much.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from exporter.simulator import Platform
from tests.exact.world import PLATFORMS
from tests.fuzz.harness import Fuzzed

POLLS = 10
"""Of one target, so that bent answers meet what earlier ones left behind."""


CASES = 5_000
MANY_CASES = 100_000
PARTS = 10
"""The long run is cut into parts, so that several cores share it."""


def fuzz(platform: Platform, seeds: Iterator[int], cases: int) -> None:
    """Poll targets until so many answers were bent; a failure names its seed."""
    bent = 0
    while bent < cases:
        seed = next(seeds)
        fuzzed = Fuzzed(platform, seed, probability=(0.2, 0.6, 1.0)[seed % 3])
        try:
            for _ in range(POLLS):
                fuzzed.poll()
            fuzzed.exposes()
            fuzzed.read_well()
        except Exception as error:
            error.add_note(f"platform {platform}, seed {seed}")
            raise
        finally:
            fuzzed.close()
        bent += fuzzed.bent


@pytest.mark.parametrize("platform", PLATFORMS)
def test_bent_answers(platform: Platform) -> None:
    """Whatever they say: no crash, no lie, and no trace of what was refused."""
    fuzz(platform, count(), CASES // len(PLATFORMS))


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_hundred_thousand_bent_answers(platform: Platform, part: int) -> None:
    """The same for long."""
    fuzz(platform, count(10_000_000 * (part + 1)), MANY_CASES // len(PLATFORMS) // PARTS)
