"""The board on which faults are switched on and off."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import unquote

from exporter.simulator.faults.registry import Exchange, Fault, find
from exporter.simulator.messages import Json
from exporter.simulator.model import Platform


@dataclass
class Switch:
    """A fault that is on.

    It meets requests of ``platform`` (any) whose decoded path contains ``path`` (any), each with
    ``probability``, at most ``times`` of them, and not the first ``after``. With ``workload``, faults of times and
    values bend only records of that name.
    """

    number: int
    fault: Fault
    platform: Platform | None = None
    path: str | None = None
    workload: str | None = None
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Json] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The fault's name."""
        return self.fault.name

    def as_json(self) -> Json:
        """For the control endpoint."""
        return {
            "number": self.number,
            "name": self.name,
            "platform": self.platform,
            "path": self.path,
            "workload": self.workload,
            "times": self.times,
            "after": self.after,
            "probability": self.probability,
            "options": self.options,
        }


class FaultBoard:
    """All faults that are on. ``seed`` decides, with the order of requests, what probability brings.

    ``used`` counts by name how often a fault met a request. Safe for use by several threads.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)  # noqa: S311  reproducible on purpose
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._switches: list[Switch] = []
        self.used: Counter[str] = Counter()

    def on(
        self,
        name: str,
        *,
        platform: Platform | None = None,
        path: str | None = None,
        workload: str | None = None,
        times: int | None = None,
        after: int = 0,
        probability: float = 1.0,
        **options: Any,
    ) -> Switch:
        """Switch a fault on; ``options`` are the fault's own. ValueError for an unknown name or option."""
        fault = find(name)
        unknown = set(options) - set(fault.options)
        if unknown:
            raise ValueError(f"{name} has no option {sorted(unknown)[0]!r}; it has {sorted(fault.options)}")
        with self._lock:
            switch = Switch(next(self._numbers), fault, platform, path, workload, times, after, probability, options)
            self._switches = [*self._switches, switch]
            return switch

    def off(self, name: str | None = None, number: int | None = None) -> None:
        """Switch off the faults of that name, or the one of that number."""
        with self._lock:
            self._switches = [s for s in self._switches if s.name != name and s.number != number]

    def clear(self) -> None:
        """Switch everything off."""
        with self._lock:
            self._switches = []

    @contextmanager
    def active(self, name: str, **settings: Any) -> Iterator[Switch]:
        """The fault is on inside the block; arguments as for ``on``."""
        switch = self.on(name, **settings)
        try:
            yield switch
        finally:
            self.off(number=switch.number)

    @property
    def switches(self) -> tuple[Switch, ...]:
        """The faults that are on, in the order in which they were switched on."""
        return tuple(self._switches)

    def chosen(self, platform: Platform, path: str) -> list[Switch]:
        """The faults that meet this request; those with a number of times are used up by it."""
        decoded = unquote(path)
        with self._lock:
            met = [
                switch
                for switch in self._switches
                if switch.platform in (None, platform)
                and (switch.path is None or switch.path in decoded)
                and (switch.probability >= 1 or self._random.random() < switch.probability)
            ]
            early = [switch for switch in met if switch.after > 0]
            for switch in early:
                switch.after -= 1
            met = [switch for switch in met if switch not in early]
            for switch in met:
                self.used[switch.name] += 1
                if switch.times is not None:
                    switch.times -= 1
            self._switches = [s for s in self._switches if s.times is None or s.times > 0]
            return met

    def before(self, switches: list[Switch], exchange: Exchange) -> None:
        """Let the chosen faults bend the request, or answer it."""
        self._apply("before", switches, exchange)

    def after(self, switches: list[Switch], exchange: Exchange) -> None:
        """Let the chosen faults bend the answer."""
        self._apply("after", switches, exchange)
        exchange.workload = None
        for step in exchange.afterwards:
            step()

    def _apply(self, stage: str, switches: list[Switch], exchange: Exchange) -> None:
        for switch in switches:
            if switch.fault.stage == stage:
                exchange.memory = switch.memory
                exchange.workload = switch.workload
                exchange.random = self._random
                switch.fault.apply(exchange, **switch.options)
