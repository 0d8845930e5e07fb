"""Recording and alert rules: one typed table, written as the plain YAML in ``prometheus/rules/``.

    model.py       what a rule is
    text.py        templates to text, rules to YAML
    recording.py   what the alerts compute with
    workloads.py   alerts about workloads
    exporter.py    alerts about the exporter and its targets

Expressions are PromQL with placeholders (``$1h``, ``$workload``; see ``text.py``), so that one table gives the rules
as they are shipped and a copy in which an hour passes in a minute, which the test of the whole chain loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tools.rules import exporter, recording, workloads
from tools.rules.model import Group
from tools.rules.text import SHIPPED, Options, to_yaml

FILES: Final[Mapping[str, tuple[Group, ...]]] = {
    "prometheus/rules/recording.yaml": recording.GROUPS,
    "prometheus/rules/workloads.yaml": workloads.GROUPS,
    "prometheus/rules/exporter.yaml": exporter.GROUPS,
}
"""Path from the root of the repository, and the groups that stand there."""


def page(path: str, options: Options = SHIPPED) -> str:
    """The whole text of one file of ``FILES``."""
    return to_yaml(FILES[path], options)
