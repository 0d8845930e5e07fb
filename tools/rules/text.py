"""Fills in the placeholders of rules and writes them as YAML that is good to read.

In expressions and durations:

    $5m            a duration, divided by the time scale
    $5m_seconds    the same as a number of seconds
    $target        the labels that name a target: cluster, namespace, job, platform, target
    $workload      those, and the workload
    $exporter      the labels that name an exporter, whatever instance of it runs: cluster, namespace, job
    $owner         the labels that say whose a workload is
    $objective     the success ratio that is expected where nothing else is configured
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tools.rules.model import Alert, Group, Recording, Subject

_UNITS: Final[Mapping[str, int]] = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
"""Milliseconds, the largest unit first."""

_PLACEHOLDER: Final = re.compile(r"\$(?:(?P<duration>\d+(?:w|d|h|ms|m|s))(?P<number>_seconds)?|(?P<name>[a-z]+))\b")

PROJECT: Final = "https://github.com/automation-exporter/automation-exporter"


@dataclass(frozen=True, slots=True)
class Options:
    """What a copy of the rules may differ in.

    ``time_scale`` 60 makes an hour a minute, in windows, waits and limits. ``runbooks``, ``dashboards`` and
    ``exporter`` are what the links begin with; the last is the address under which people reach the status page.
    ``exporter_labels`` survive when instances are added up: a restart elsewhere changes the instance, and the counts go
    on. They may be missing in a series.
    """

    time_scale: int = 1
    runbooks: str = f"{PROJECT}/blob/main/prometheus/runbooks.md"
    dashboards: str = "https://grafana.example.net/d"
    exporter: str = "https://automation-exporter.example.net"
    objective: float = 0.95
    exporter_labels: tuple[str, ...] = ("cluster", "namespace", "job")
    owner_labels: tuple[str, ...] = ("team", "tier")


SHIPPED: Final = Options()

HEAD: Final = """\
# Written by ./run docs from tools/rules; do not edit. What each alert means: prometheus/runbooks.md
"""

_DASHBOARDS: Final[Mapping[Subject, str]] = {
    "workload": "automation-workload?var-target={{ $labels.target | urlquery }}"
    "&var-workload={{ $labels.workload | urlquery }}",
    "target": "automation-exporter?var-target={{ $labels.target | urlquery }}",
    "exporter": "automation-exporter?var-job={{ $labels.job | urlquery }}",
}
"""The dashboard of a subject, by its stable uid, with its variables set."""

_RUNS: Final[Mapping[Subject, str]] = {
    "workload": "?target={{ $labels.target | urlquery }}&workload={{ $labels.workload | urlquery }}#runs",
    "target": "?target={{ $labels.target | urlquery }}",
}
"""What the status page shows of a subject: the runs that failed with their ids, the target with its last error."""


def milliseconds(duration: str) -> int:
    """The length of a duration such as ``90m``; it has one unit."""
    number, unit = re.fullmatch(r"(\d+)([a-z]+)", duration).groups()  # type: ignore[union-attr]
    return int(number) * _UNITS[unit]


def scaled(duration: str, options: Options) -> str:
    """The duration in the copy's time, in the largest unit that divides it; ValueError when it is no whole ms."""
    if options.time_scale == 1:
        return duration
    length, rest = divmod(milliseconds(duration), options.time_scale)
    if rest:
        raise ValueError(f"{duration} divided by {options.time_scale} is no whole number of milliseconds")
    unit = next(unit for unit, size in _UNITS.items() if length % size == 0)
    return f"{length // _UNITS[unit]}{unit}"


def expand(template: str, options: Options) -> str:
    """Replace all placeholders; KeyError for one that does not exist."""
    target = (*options.exporter_labels, "platform", "target")
    names = {
        "exporter": ", ".join(options.exporter_labels),
        "target": ", ".join(target),
        "workload": ", ".join((*target, "workload")),
        "owner": ", ".join(options.owner_labels),
        "objective": f"{options.objective:g}",
    }

    def fill(match: re.Match[str]) -> str:
        if match["name"]:
            return names[match["name"]]
        if match["number"]:
            return f"{milliseconds(match['duration']) / options.time_scale / 1000:g}"
        return scaled(match["duration"], options)

    return _PLACEHOLDER.sub(fill, template)


def expression(rule: Recording | Alert, options: Options) -> str:
    """The rule's PromQL; an alert about a workload or a target is joined with its owner."""
    expr = "\n".join(line for line in textwrap.dedent(rule.expr).strip().splitlines() if line.strip())
    if isinstance(rule, Alert) and rule.subject != "exporter":
        owner = f"{rule.subject}:automation_owner:info" + (f"{{{rule.owner}}}" if rule.owner else "")
        body = textwrap.indent(expr, "  ")
        expr = f"(\n{body}\n)\n* on (${rule.subject}) group_left ($owner) {owner}"
    return expand(expr, options)


def words(alert: Alert, options: Options) -> dict[str, str]:
    """What a person gets to read, and where the links lead."""
    told = {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": f"{options.runbooks}#{alert.name.lower()}",
        "dashboard_url": f"{options.dashboards}/{_DASHBOARDS[alert.subject]}",
    }
    if alert.subject in _RUNS:
        told["runs_url"] = f"{options.exporter}/{_RUNS[alert.subject]}"
    return told


def to_yaml(groups: Iterable[Group], options: Options) -> str:
    """The text of a rule file."""
    body = "\n".join(line for group in groups for line in _group(group, options))
    return f"{HEAD}groups:\n{body}\n"


def _group(group: Group, options: Options) -> Iterator[str]:
    yield from _comment(group.why, "  ")
    yield f"  - name: {group.name}"
    if group.interval:
        yield f"    interval: {scaled(group.interval, options)}"
    yield "    rules:"
    for number, rule in enumerate(group.rules):
        if number:
            yield ""
        yield from _comment(rule.why, " " * 6)
        yield from _rule(rule, options)
    yield ""


def _rule(rule: Recording | Alert, options: Options) -> Iterator[str]:
    yield f"      - {'alert' if isinstance(rule, Alert) else 'record'}: {rule.name}"
    yield "        expr: |-"
    yield textwrap.indent(expression(rule, options), " " * 10)
    if isinstance(rule, Recording):
        return
    if rule.wait:
        yield f"        for: {scaled(rule.wait, options)}"
    if rule.keep:
        yield f"        keep_firing_for: {scaled(rule.keep, options)}"
    yield "        labels:"
    for name, value in {"severity": rule.severity, **rule.labels}.items():
        yield f"          {name}: {_scalar(value)}"
    yield "        annotations:"
    for name, value in words(rule, options).items():
        yield f"          {name}: {_scalar(value)}"


def _scalar(text: str) -> str:
    """A word as it is, anything else in quotes: JSON strings are YAML."""
    return text if re.fullmatch(r"[A-Za-z][\w-]*", text) else json.dumps(text, ensure_ascii=False)


def _comment(why: str, indent: str) -> Iterator[str]:
    for line in textwrap.wrap(why, 108 - len(indent)):
        yield f"{indent}# {line}"
