"""What a rule says, before its placeholders are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["critical", "warning", "info"]
"""``critical`` pages a person, ``warning`` is a ticket, ``info`` is worth a look some day."""

Subject = Literal["workload", "target", "exporter"]
"""What an alert is about; it decides whose labels are joined on and which dashboard shows it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded series. ``why`` becomes the comment above the rule, where there is something to say."""

    name: str
    expr: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert; ``runbook_url``, ``dashboard_url`` and ``runs_url`` follow from its name and subject.

    ``owner`` selects by whose it is: a matcher such as ``tier="1"`` on the recorded owners. Alerts about workloads
    and targets get ``team`` and ``tier`` by that join. ``wait`` is Prometheus' ``for``, ``keep`` its
    ``keep_firing_for``. ``summary`` is the same for all instances of the alert, ``description`` a Go template.
    """

    name: str
    severity: Severity
    subject: Subject
    expr: str
    summary: str
    description: str
    why: str
    owner: str = ""
    wait: str = ""
    keep: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together, in order. ``interval`` where the global one is more often than needed."""

    name: str
    rules: tuple[Recording | Alert, ...]
    why: str
    interval: str = ""
