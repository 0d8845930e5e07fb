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


def help_text(metric: Metric) -> str:
    """Return what ``# HELP`` says: the row's own sentence, then the field of each platform that feeds the family."""
    sources = " | ".join([f"{platform}: {field}" for platform, field in metric.sources.items()])
    return f"{metric.help} Sources: {sources}" if sources else metric.help


def header(metric: Metric) -> Piece:
    """Return the lines before a family's samples; none in text for what is OpenMetrics only."""
    name, said = openmetrics_name(metric), help_text(metric)
    openmetrics = f"# HELP {name} {escaped_help(said, openmetrics=True)}\n# TYPE {name} {metric.type}\n"
    text = f"# HELP {metric.name} {escaped_help(said, openmetrics=False)}\n# TYPE {metric.name} {metric.type}\n"
    if metric.openmetrics_only:
        text = ""
    return Piece(encoded(text), encoded(openmetrics), 2)


END = Piece(b"", b"# EOF\n", 1)
