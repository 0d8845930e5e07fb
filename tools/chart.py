"""What the Helm chart holds copies of: rules, dashboards, and in its schema the names of alerts and platforms.

A chart can read no file outside its folder, so it has its own; they come from the same tables as the originals.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from exporter.platforms import PLATFORMS
from tools import dashboards, rules
from tools.rules.model import Alert
from tools.rules.text import SHIPPED

ROOT: Final = Path(__file__).resolve().parent.parent
CHART: Final = "helm/automation-exporter"
SCHEMA: Final = f"{CHART}/values.schema.json"

OPTIONS: Final = replace(SHIPPED, runbooks="@runbooks@", dashboards="@dashboards@")
"""Links begin with what the chart's values say; its template fills these in."""


def alert_names() -> list[str]:
    """Return the names of all alerts, in order."""
    every = (rule for groups in rules.FILES.values() for group in groups for rule in group.rules)
    return sorted({rule.name for rule in every if isinstance(rule, Alert)})


def schema() -> str:
    """Return the schema of the chart's values, as it is written there but with the names that there are now."""
    text = json.loads((ROOT / SCHEMA).read_text())
    text["$defs"]["alertName"]["enum"] = alert_names()
    text["$defs"]["target"]["properties"]["platform"]["enum"] = list(PLATFORMS)
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
