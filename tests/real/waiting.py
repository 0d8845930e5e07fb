"""Waiting for something outside this process: with a deadline, never for a fixed time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import httpx

T = TypeVar("T")

INTERVAL = 0.05
"""Seconds between two looks."""


def wait_for(
    look: Callable[[], T | None],
    what: str,
    *,
    within: float,
    details: Callable[[], str] = str,
) -> T:
    """The first truthy answer of ``look``, which is asked again until then.

    A server that cannot be reached counts as no answer yet. After ``within`` seconds an AssertionError says
    ``what`` did not come true, the last answer, and ``details()``: a server's log, for example.
    """
    deadline = time.monotonic() + within
    last: object = None
    while True:
        try:
            answer = look()
        except httpx.TransportError as error:
            last = error
        else:
            if answer:
                return answer
            last = answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}; last answer: {last!r}\n{details()}")
        threading.Event().wait(INTERVAL)
