"""Dashboards as they are read: what is asked of Prometheus, by whom, with variables filled in as Grafana does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Json = Mapping[str, Any]

VARIABLE: Final = re.compile(r"\$(?:\{(?P<braced>\w+)(?::[^}]*)?\}|(?P<plain>\w+))")
SPECIAL: Final = re.compile(r"([\\^$.*+?()\[\]{}|])")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a panel, variable or annotation; ``place`` says which one, for people."""

    place: str
    expr: str
    instant: bool
    legend: str
    panel: Json
    ref: str


def load(folder: Path) -> list[Json]:
    """Read all dashboards of a folder."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def panels(dashboard: Json) -> Iterator[Json]:
    """Yield all panels but headings, those in folded rows too."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def place(dashboard: Json, panel: Json, ref: str = "") -> str:
    """Say which panel is meant."""
    return " / ".join(filter(None, (dashboard["uid"], panel.get("title") or f"panel {panel.get('id')}", ref)))


def questions(dashboard: Json) -> Iterator[Asked]:
    """Yield what the panels ask."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            ref = target.get("refId", "")
            yield Asked(
                place(dashboard, panel, ref),
                target["expr"],
                bool(target.get("instant")),
                target.get("legendFormat") or "",
                panel,
                ref,
            )


def variables(dashboard: Json) -> dict[str, Json]:
    """Return the variables by name."""
    return {variable["name"]: variable for variable in dashboard["templating"]["list"]}


def label_values(variable: Json) -> tuple[str, str] | None:
    """Return the selector and the label of a variable that is filled by label values; None for others."""
    if variable["type"] != "query":
        return None
    match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
    return (match[1], match[2]) if match else None


def escaped(value: str) -> str:
    """Escape a value for a regular expression inside a PromQL string."""
    return SPECIAL.sub(r"\\\\\1", value)


def chosen(values: Sequence[str]) -> str:
    """Return the regular expression for several values of a variable."""
    return escaped(values[0]) if len(values) == 1 else f"({'|'.join(map(escaped, values))})"


def filled(text: str, values: Mapping[str, str]) -> str:
    """Fill in variables; KeyError for one that is not there."""
    return VARIABLE.sub(lambda match: values[match["braced"] or match["plain"]], text)
