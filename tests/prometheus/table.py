"""The rules as the files have them, for the tests beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

Json = Mapping[str, Any]

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PROMETHEUS: Final = ROOT / "prometheus"
RULE_FILES: Final = tuple(sorted((PROMETHEUS / "rules").glob("*.yaml")))
TEST_FILES: Final = tuple(sorted((PROMETHEUS / "tests").glob("*.yaml")))


GROUPS: Final = tuple(group for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"])
ALERT_RULES: Final[tuple[Json, ...]] = tuple(rule for group in GROUPS for rule in group["rules"] if "alert" in rule)
"""Every alert rule of the committed files."""


def title(rule: Json) -> str:
    """The alert's name, and what tells it from others of that name."""
    labels = rule["labels"]
    return " ".join((rule["alert"], labels["severity"], labels.get("long_window", ""))).strip()
