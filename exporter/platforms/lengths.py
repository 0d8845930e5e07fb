"""Lengths of time between two moments of a run, as what they add. Pure."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.ledger import RECORDS_SKIPPED
from exporter.catalogue.model import Metric
from exporter.observations import Add, Labels
from exporter.times import Micros

NEGATIVE_DURATION: Final = "negative_duration"
"""The reason for which a length that ends before it begins is left out (rule 18)."""


def lasted(metric: Metric, own: Labels, start: Micros | None, end: Micros | None) -> tuple[Add, ...]:
    """Observe a length of time, unless one end is missing; a negative one is told of instead."""
    if start is None or end is None:
        return ()
    return (Add(metric, own, end - start) if end >= start else Add(RECORDS_SKIPPED, (NEGATIVE_DURATION,)),)
