"""Lengths of time between two moments of a run, as what they add. Pure."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.ledger import RECORDS_SKIPPED
from exporter.catalogue.model import Metric
from exporter.observations import Add, Labels
from exporter.times import Micros

NEGATIVE: Final = Add(RECORDS_SKIPPED, ("negative_duration",))
"""What is told of a length that ends before it begins, which is left out (rule 18)."""

Length = tuple[Metric, Labels, Micros | None, Micros | None]
"""A histogram, its labels after ``workload``, and the two ends of a length of time."""


def lengths(*told: Length) -> tuple[Add, ...]:
    """Observe lengths of time, those excepted of which one end is missing; a negative one is told of instead."""
    return tuple(
        [
            Add(metric, own, end - start) if end >= start else NEGATIVE
            for metric, own, start, end in told
            if start is not None and end is not None
        ]
    )
