"""A mistake in the configuration, and how it is shown."""

from __future__ import annotations

import unicodedata
from typing import Final, NamedTuple

from exporter.redaction import redact

Path = tuple[str | int, ...]
"""Keys and indexes from the top of the file, such as ``("targets", 0, "interval")``."""

_LAST_OF_FOUR_DIGITS: Final = 0xFFFF


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
        text += f"[{part}]" if isinstance(part, int) else f".{visible(part)}"
    return text.removeprefix(".")


def visible(text: str) -> str:
    """Return ``text`` with an escape, such as \\u00a0, for each character that nobody sees."""
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) <= _LAST_OF_FOUR_DIGITS else f"\\U{ord(character):08x}"


def unseen(text: str) -> str:
    """Name the first character of ``text`` that nobody sees, tabs left out; "" when there is none."""
    found = next((each for each in text if not each.isprintable() and each not in "\t\r\n"), None)
    if found is None:
        return ""
    name = unicodedata.name(found, "")
    return f"the invisible character U+{ord(found):04X}" + (f" ({name})" if name else "")
