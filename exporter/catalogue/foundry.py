"""What only Microsoft Foundry routines have. Their API is a preview, so the rows are too."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.model import Metric

DISPATCHES = Metric(
    "foundry_dispatches_total",
    "counter",
    "Ended runs of a routine by what made the attempt, what it did and how it ended.",
    ("workload", "attempt_source", "action_type", "outcome"),
    {"foundry": "attempt_source, action_type; status and phase as outcome"},
    open_labels=("attempt_source", "action_type"),
    durable=True,
    stability="preview",
)

ROWS: Final = (DISPATCHES,)
