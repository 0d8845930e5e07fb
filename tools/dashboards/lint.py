"""What a dashboard must fulfil: the rules of Grafana's dashboard linter, and ours about the metric table.

Departures from that linter, on purpose: ``instance`` is matched on the exporter's own dashboard only, since a
workload's numbers must go on when the exporter moves; ``rate()`` needs ``$__rate_interval``, while ``increase()``
may look at an hour or at the time shown, since runs are rare.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from tools import promql as labels
from tools.dashboards import sdk
from tools.dashboards.reading import VARIABLE, Asked, Json, filled, label_values, panels, place, questions, variables

UNITS: Final = frozenset(value for name, value in vars(sdk.units).items() if name[:1].isupper())
OWN_UNIT: Final = re.compile(r"suffix:\S+")
WINDOWS: Final = frozenset({"$__rate_interval", "$__range", "1h", "1d", "1d:5m"})
"""Windows that a query may look at."""
BUILT_IN: Final[Mapping[str, str]] = {"__range": "1d", "__rate_interval": "5m", "__interval": "1m"}
MOST_PANELS: Final = 45
OF_EXPORTER: Final = "automation-exporter"


def lint(dashboard: Json) -> list[str]:
    """Return what is wrong, each with its place; nothing is good."""
    return [
        *_frame(dashboard),
        *_variables(dashboard),
        *(finding for panel in panels(dashboard) for finding in _panel(dashboard, panel)),
        *(finding for asked in questions(dashboard) for finding in _question(dashboard, asked)),
        *_annotations(dashboard),
    ]


def _frame(dashboard: Json) -> Iterator[str]:
    uid = dashboard["uid"]
    if not re.fullmatch(r"automation-[a-z]+", uid):
        yield f"{uid}: the uid is an address, automation-NAME"
    if dashboard.get("id") is not None:
        yield f"{uid}: an id belongs to one Grafana"
    if dashboard.get("editable", True):
        yield f"{uid}: is editable; what is provisioned cannot be saved"
    if not dashboard.get("description"):
        yield f"{uid}: no description"
    if not any(link.get("asDropdown") for link in dashboard.get("links", [])):
        yield f"{uid}: no links to the other dashboards"
    ids = Counter(panel["id"] for panel in dashboard["panels"])
    if any(number > 1 for number in ids.values()):
        yield f"{uid}: panels share an id"
    if len(list(panels(dashboard))) > MOST_PANELS:
        yield f"{uid}: too many panels to look at"
    boxes = [panel["gridPos"] for panel in dashboard["panels"]]
    for index, box in enumerate(boxes):
        if box["x"] + box["w"] > 24:
            yield f"{uid}: a panel stands beyond the right edge"
        if any(_overlap(box, other) for other in boxes[:index]):
            yield f"{uid}: panels overlap"


def _overlap(one: Json, other: Json) -> bool:
    return bool(
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


def _variables(dashboard: Json) -> Iterator[str]:
    known = variables(dashboard)
    uid = dashboard["uid"]
    wanted = {"datasource", "job", "platform", "target"}
    wanted.add("instance" if uid == OF_EXPORTER else "workload")
    for name in sorted(wanted - set(known)):
        yield f"{uid}: no variable {name}"
    for name, variable in known.items():
        where = f"{uid} / variable {name}"
        if variable["type"] == "datasource" and variable["query"] != "prometheus":
            yield f"{where}: not a Prometheus"
        if variable["type"] != "query":
            continue
        asked = label_values(variable)
        if asked is None:
            yield f"{where}: not label_values(SELECTOR, LABEL)"
            continue
        if variable["datasource"]["uid"] != "${datasource}":
            yield f"{where}: asks a data source of its own"
        if variable.get("refresh") != 2:
            yield f"{where}: keeps old values when the time changes"
        if variable.get("includeAll") and variable.get("allValue") != ".*":
            yield f"{where}: All is not .*, so totals without that label are lost"
        selector, label = asked
        yield from (f"{where}: {finding}" for finding in _labels(selector, f"{{{{{label}}}}}"))


def _panel(dashboard: Json, panel: Json) -> Iterator[str]:
    where = place(dashboard, panel)
    if not panel.get("title") or not panel.get("description"):
        yield f"{where}: no title or no description"
    if panel.get("datasource", {}).get("uid") != "${datasource}":
        yield f"{where}: asks a data source of its own"
    if not panel.get("targets"):
        yield f"{where}: asks nothing"
    defaults = panel["fieldConfig"]["defaults"]
    unit = defaults.get("unit")
    if unit not in UNITS and not OWN_UNIT.fullmatch(unit or ""):
        yield f"{where}: the unit {unit} is none of Grafana's"
    if not defaults.get("thresholds", {}).get("steps"):
        yield f"{where}: no thresholds"
    if not defaults.get("noValue"):
        yield f"{where}: says nothing when there is nothing"
    refs = [target.get("refId") for target in panel.get("targets", [])]
    if None in refs or len(set(refs)) != len(refs):
        yield f"{where}: queries without a refId of their own"
    if panel["type"] in ("stat", "bargauge") and not panel["options"]["reduceOptions"]["calcs"]:
        yield f"{where}: no calculation"
    if panel["type"] == "timeseries" and not panel["options"]["legend"]["showLegend"]:
        yield f"{where}: no legend"
    if panel["type"] == "table":
        yield from _columns(where, panel)


def _columns(where: str, panel: Json) -> Iterator[str]:
    """Columns that no query fills stay away without a word."""
    filled_by: set[str] = set()
    for target in panel["targets"]:
        one = len(panel["targets"]) == 1
        filled_by.add("Value" if one else f"Value #{target['refId']}")
        parsed = _parsed(target["expr"])
        filled_by |= parsed[0] if parsed else set()
    for step in panel["transformations"]:
        if step["id"] == "filterFieldsByName":
            for name in step["options"]["include"]["names"]:
                if name not in filled_by:
                    yield f"{where}: no query fills the column {name}"


def _question(dashboard: Json, asked: Asked) -> Iterator[str]:
    unknown = {match["braced"] or match["plain"] for match in VARIABLE.finditer(asked.expr)}
    unknown -= {*variables(dashboard), *BUILT_IN, "1"}
    if unknown:
        yield f"{asked.place}: no such variable: {', '.join(sorted(unknown))}"
        return
    for window in re.findall(r"\[([^\]]+)\]", asked.expr):
        if window not in WINDOWS:
            yield f"{asked.place}: the window {window} is none that we use"
    for function, window in re.findall(r"\b(i?rate)\([^\[\]]*\[([^\]]+)\]", asked.expr):
        if window != "$__rate_interval":
            yield f"{asked.place}: {function}() over {window} instead of $__rate_interval"
    for finding in (*_labels(asked.expr, asked.legend), *_narrowed(asked.expr)):
        yield f"{asked.place}: {finding}"


def _annotations(dashboard: Json) -> Iterator[str]:
    for annotation in dashboard["annotations"]["list"]:
        where = f"{dashboard['uid']} / annotation {annotation['name']}"
        if annotation["datasource"]["uid"] != "${datasource}":
            yield f"{where}: asks a data source of its own"
        words = annotation["titleFormat"] + annotation["textFormat"]
        yield from (f"{where}: {finding}" for finding in _labels(annotation["expr"], words))


def _labels(expr: str, legend: str) -> Iterator[str]:
    """Unknown metrics and labels, and legends of labels that are not there."""
    parsed = _parsed(expr)
    if parsed is None:
        yield f"this is not PromQL: {expr}"
        return
    result, reader = parsed
    yield from reader.found
    for name in re.findall(r"\{\{(\w+)\}\}", legend):
        if name not in result:
            yield f"the legend shows the label {name}, which is not there"


def _narrowed(expr: str) -> Iterator[str]:
    """Selectors that the variables do not narrow: of targets by platform and target, of processes by instance."""
    parsed = _parsed(expr)
    for selector in parsed[1].selectors if parsed else ():
        there = labels.SAMPLES.get(selector.name or "", ("", frozenset[str]()))[1]
        wanted = {"job", "platform", "target"} if "target" in there else {"job", "instance"}
        matched = {matcher.name for matcher in selector.matchers.matchers}
        yield from (f"{selector.name} is not narrowed by {name}" for name in sorted(wanted - matched))


@cache
def _parsed(expr: str) -> tuple[frozenset[str], labels.Reader] | None:
    """Parse an expression with something in place of every variable; None when it is no PromQL."""
    names = {match["braced"] or match["plain"] for match in VARIABLE.finditer(expr)}
    sample = filled(expr, {name: BUILT_IN.get(name, ".*") for name in names} | {"1": "$1"})
    try:
        return labels.read(sample)
    except ValueError:
        return None
