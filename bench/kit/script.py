"""What a script is, and what it is given."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import bench
from bench.kit.processes import Processes
from bench.kit.tools import Tool, missing

Found = dict[str, Any]
"""What a script measured: anything that JSON can keep."""


class Goal(NamedTuple):
    """Something that must be reached: what, how much was asked, how much was measured."""

    what: str
    asked: str
    measured: str
    reached: bool


@dataclass
class Bench:
    """What a script works with. ``folder`` is empty and goes away; ``quick`` asks for the smallest sizes."""

    name: str
    folder: Path
    processes: Processes
    quick: bool = False
    skipped: list[str] = field(default_factory=list)
    """Sentences on what was left out; they stand on the page."""

    def say(self, text: str) -> None:
        """Tell who waits."""
        print(f"bench {self.name}: {text}", file=sys.stderr, flush=True)

    def has(self, tool: Tool) -> bool:
        """Whether a program is there; where it is not, the page says what was left out for that."""
        if not missing([tool]):
            return True
        self.skip(f"{tool.name}: it is missing ({tool.remedy})")
        return False

    def skip(self, sentence: str) -> None:
        """Note what was left out, and why."""
        self.say(f"skipped {sentence}")
        self.skipped.append(sentence)


class Script(Protocol):
    """A module of ``bench``. ``goals`` and ``section`` read nothing but what ``measure`` returned."""

    TITLE: str
    """Its heading on the page."""
    ORDER: int
    """Its place there, and the order in which scripts run."""
    TOOLS: Sequence[Tool]
    """Programs that it needs beside Python."""

    def measure(self, bench: Bench) -> Found:
        """Measure; whatever it starts it starts through ``bench.processes``."""

    def goals(self, found: Found) -> list[Goal]:
        """What must be reached, and whether it was."""

    def section(self, found: Found) -> str:
        """The Markdown below its heading: tables, and how they came about."""


def scripts() -> Mapping[str, Script]:
    """Every script by name, in their order."""
    names = [module.name for module in pkgutil.iter_modules(bench.__path__) if not module.ispkg]
    found = {name: cast(Script, importlib.import_module(f"bench.{name}")) for name in names if not name.startswith("_")}
    return dict(sorted(found.items(), key=lambda item: item[1].ORDER))
