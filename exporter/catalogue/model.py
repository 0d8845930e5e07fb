"""What a row of the metric table says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MetricType = Literal["counter", "gauge", "histogram", "gaugehistogram"]
Stability = Literal["stable", "preview"]
PlatformName = Literal["roboto", "foundry", "granite", "moderately"]

MICRO = 1_000_000
"""One second in the integers that the ledger keeps."""


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One family: what a user sees, and how the ledger keeps it. Each is made once, and equal to itself only.

    ``labels`` are those after ``platform`` and ``target``; a row with a ``workload`` has it first.
    ``sources`` names, for each platform that feeds the family, the platform's own field.
    ``open_labels`` are filled by the upstream without a closed list; they are capped and folded.
    ``unit`` is what one unit of the stored integer is worth: counts are stored as they are (1), times and
    durations in microseconds (``MICRO`` to the second).
    ``bounds`` are a histogram's upper bounds in the exposed unit, without ``+Inf``.
    ``joined`` says which sample of a gauge is shown when a label is dropped and several become one.
    ``durable`` families live in the ledger; others are levels, or belong to the exporter itself.
    """

    name: str
    type: MetricType
    help: str
    labels: tuple[str, ...] = ()
    sources: Mapping[PlatformName, str] = field(default_factory=dict)
    open_labels: tuple[str, ...] = ()
    unit: int = 1
    bounds: tuple[int, ...] = ()
    joined: Literal["max", "min"] = "max"
    durable: bool = False
    per_target: bool = True
    openmetrics_only: bool = False
    stability: Stability = "stable"

    @property
    def per_workload(self) -> bool:
        """Whether the first label is the workload."""
        return bool(self.labels) and self.labels[0] == "workload"
