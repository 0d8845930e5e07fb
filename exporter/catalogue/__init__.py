"""The metric table: every family, its type, labels, help and where each platform feeds it from.

A full name is a literal that stands once, in its row; everybody else uses the row. ``docs/metrics.md`` is
generated from here.
"""

from __future__ import annotations

from typing import Final

from exporter.catalogue import ledger, runs
from exporter.catalogue.model import Metric

ALL: Final[tuple[Metric, ...]] = (*runs.ROWS, *ledger.ROWS)
BY_NAME: Final[dict[str, Metric]] = {metric.name: metric for metric in ALL}

__all__ = ["ALL", "BY_NAME", "Metric"]
