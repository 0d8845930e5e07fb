"""Rendered lines: the unit that is joined, compressed and kept while it does not change."""

from __future__ import annotations

from typing import NamedTuple, Self

from exporter.catalogue.model import Metric
from exporter.exposition.lines import Lines
from exporter.exposition.series import openmetrics_name
from exporter.exposition.syntax import encoded, escaped_help


class Piece(NamedTuple):
    """Some lines in both formats; the same object twice where they do not differ."""

    text: Lines
    openmetrics: Lines

    @classmethod
    def of(cls, text: bytes, openmetrics: bytes, count: int) -> Self:
        """Return a piece of about so many lines."""
        lines = Lines(text, count)
        return cls(lines, lines if openmetrics == text else Lines(openmetrics, count))

    @property
    def lines(self) -> int:
        """About how many lines there are."""
        return self.openmetrics.count


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
    return Piece.of(encoded(text), encoded(openmetrics), 2)


EMPTY = Piece.of(b"", b"", 0)
END = Piece.of(b"", b"# EOF\n", 1)
