"""The metric table: every family, its type, labels, help and where each platform feeds it from.

A full name is a literal that stands once, in its row; everybody else uses the row. ``docs/metrics.md`` is
generated from here, and the exposition is in the order of the rows.
"""

from __future__ import annotations

from typing import Final

from exporter.catalogue import foundry, granite, ledger, moderately, own, runs
from exporter.catalogue.model import Metric

ALL: Final[tuple[Metric, ...]] = (
    *runs.ROWS,
    *foundry.ROWS,
    *granite.ROWS,
    *moderately.ROWS,
    *ledger.ROWS,
    *own.ROWS,
)
BY_NAME: Final[dict[str, Metric]] = {metric.name: metric for metric in ALL}

TARGET_LABELS: Final = ("platform", "target")
"""What every series of a target carries first."""

RESERVED_LABELS: Final = frozenset(
    ("job", "instance", "namespace", "pod", "container", "service", "node", "endpoint", "le", "quantile")
)
"""Names that Prometheus, service discovery or the format itself sets: never ours, and not for the user either."""

LABEL_NAMES: Final[frozenset[str]] = RESERVED_LABELS.union(TARGET_LABELS, *(metric.labels for metric in ALL))
"""Names that a user's own ``labels:`` may not take."""

__all__ = ["ALL", "BY_NAME", "LABEL_NAMES", "RESERVED_LABELS", "TARGET_LABELS", "Metric"]
