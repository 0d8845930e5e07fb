"""What the Helm chart holds copies of: rules, dashboards, and in its schema what the program says.

A chart can read no file outside its folder, so it has its own; they come from the same tables as the originals.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from exporter.config import PLATFORMS
from tools import configuration_schema, dashboards, rules
from tools.rules.model import Alert
from tools.rules.text import SHIPPED

ROOT: Final = Path(__file__).resolve().parent.parent
CHART: Final = "helm/automation-exporter"
SCHEMA: Final = f"{CHART}/values.schema.json"

OPTIONS: Final = replace(SHIPPED, runbooks="@runbooks@", dashboards="@dashboards@", exporter="@exporter@")
"""Links begin with what the chart's values say; its template fills these in."""


def alert_names() -> list[str]:
    """Return the names of all alerts, in order."""
    every = (rule for groups in rules.FILES.values() for group in groups for rule in group.rules)
    return sorted({rule.name for rule in every if isinstance(rule, Alert)})


def schema() -> str:
    """Return the schema of the chart's values: what is written there, with what the program says now put in.

    That is the names of alerts, and the schema of the configuration: a target is held against that of its platform
    alone, so that an error is about what is wrong in it.
    """
    text = json.loads((ROOT / SCHEMA).read_text())
    definitions = text["$defs"]
    definitions["alertName"]["enum"] = alert_names()
    definitions |= json.loads(configuration_schema.page())["$defs"]
    definitions["target"]["properties"]["platform"]["enum"] = list(PLATFORMS)
    definitions["target"]["allOf"] = [
        {
            "if": {"properties": {"platform": {"const": name}}},
            "then": {"$ref": f"#/$defs/{settings.__name__}"},
        }
        for name, settings in PLATFORMS.items()
    ]
    return json.dumps(text, indent=2) + "\n"


def _copies() -> dict[str, Callable[[], str]]:
    copies = {
        f"{CHART}/files/rules/{PurePosixPath(path).name}": partial(rules.page, path, OPTIONS) for path in rules.FILES
    }
    return copies | {
        f"{CHART}/files/dashboards/{PurePosixPath(path).name}": text for path, text in dashboards.GENERATED.items()
    }


GENERATED: Final[Mapping[str, Callable[[], str]]] = {SCHEMA: schema, **_copies()}
"""Path and text of every file of the chart that is generated."""
