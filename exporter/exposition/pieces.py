"""Rendered lines: the unit that is joined, compressed and kept while it does not change."""

from __future__ import annotations

from typing import NamedTuple

from exporter.catalogue.model import Metric
from exporter.exposition.series import openmetrics_name
from exporter.exposition.syntax import encoded, escaped_help


class Piece(NamedTuple):
    """Some lines in both formats; the same object twice where they do not differ. ``lines`` is about how many."""

    text: bytes
    openmetrics: bytes
    lines: int


def header(metric: Metric) -> Piece:
    """Return the lines before a family's samples; none in text for what is OpenMetrics only."""
    name = openmetrics_name(metric)
    openmetrics = f"# HELP {name} {escaped_help(metric.help, openmetrics=True)}\n# TYPE {name} {metric.type}\n"
    text = (
        f"# HELP {metric.name} {escaped_help(metric.help, openmetrics=False)}\n# TYPE {metric.name} {metric.type}\n"
        if not metric.openmetrics_only
        else ""
    )
    return Piece(encoded(text), encoded(openmetrics), 2)


END = Piece(b"", b"# EOF\n", 1)
