"""A mistake in the configuration, and how it is shown."""

from __future__ import annotations

from typing import NamedTuple

from exporter.redaction import redact

Path = tuple[str | int, ...]
"""Keys and indexes from the top of the file, such as ``("targets", 0, "interval")``."""


class Problem(NamedTuple):
    """One mistake. ``line`` counts from 1; None when it belongs to the file as a whole."""

    path: Path
    text: str
    line: int | None = None

    def render(self, file: str) -> str:
        """Return ``file:line: path: text``."""
        place = file if self.line is None else f"{file}:{self.line}"
        # Nothing secret gets into a text by intent; blanking what is known guards against what nobody thought of.
        return redact(f"{place}: {dotted(self.path)}: {self.text}" if self.path else f"{place}: {self.text}")


def dotted(path: Path) -> str:
    """Return ``targets[0].interval``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")
