"""The circuit: opens after repeated failures, probes within the interval, closes at once."""

from __future__ import annotations

import random

import pytest

from exporter.http import Circuit


def circuit_of(interval: float = 60, threshold: int = 5) -> Circuit:
    return Circuit(interval, threshold=threshold, rng=random.Random(1))


def test_opens_after_five_failures_and_closes_at_the_first_success() -> None:
    """Four are bad luck, five are a dead upstream."""
    circuit = circuit_of()
    states = []
    for number in range(6):
        circuit.failure(number * 60.0)
        states.append(circuit.open)
    assert states == [False, False, False, False, True, True]
    assert circuit.failures == 6
    circuit.success()
    assert (circuit.open, circuit.failures, circuit.backoff_seconds) == (False, 0, 0.0)
    assert circuit.allow(0.0)


def test_a_lasting_failure_opens_at_once() -> None:
    """Wrong credentials are not mended by asking more often."""
    circuit = circuit_of()
    circuit.failure(0.0, lasting=True)
    assert circuit.open


def test_backoff_grows_with_jitter_and_stays_below_the_interval() -> None:
    """Half to all of 1, 2, 4 ... seconds, at most 0.8 intervals."""
    circuit = circuit_of(interval=60)
    for number in range(100):
        circuit.failure(0.0)
        ceiling = min(2.0**number, 48.0)
        assert ceiling / 2 <= circuit.backoff_seconds <= ceiling


@pytest.mark.parametrize("interval", [1.0, 5.0, 60.0, 3600.0])
def test_a_dead_upstream_that_returns_is_seen_within_one_interval(interval: float) -> None:
    """Polls come every 0.9 to 1.1 intervals; each one is allowed, so the first after the return succeeds."""
    rng = random.Random(7)
    circuit = circuit_of(interval)
    now = 0.0
    for _ in range(500):
        assert circuit.allow(now)
        circuit.failure(now)
        now += interval * rng.uniform(0.9, 1.1)


def test_a_poll_out_of_turn_waits_for_the_backoff() -> None:
    """A reload must not hammer a dead upstream."""
    circuit = circuit_of()
    for _ in range(8):
        circuit.failure(100.0)
    assert not circuit.allow(100.0)
    assert not circuit.allow(100.0 + circuit.backoff_seconds - 0.001)
    assert circuit.allow(100.0 + circuit.backoff_seconds)
