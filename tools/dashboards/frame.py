"""A dashboard around panels: where they stand, its variables, links to its siblings, annotations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tools.dashboards import look
from tools.dashboards.panels import DATASOURCE
from tools.dashboards.queries import of_target
from tools.dashboards.sdk import JSONEncoder, prometheus
from tools.dashboards.sdk import dashboard as sdk

TAG: Final = "automation-exporter"
SCHEMA: Final = 39
"""Grafana 10's; later versions migrate it when they load it, which cannot be done the other way round."""
COLUMNS: Final = 24


@dataclass(frozen=True, slots=True)
class Band:
    """Panels beside each other, with their widths in twenty-fourths of the screen, ``height`` in grid units."""

    height: int
    panels: Sequence[tuple[int, sdk.Panel]]


@dataclass(frozen=True, slots=True)
class Section:
    """Bands under a heading; the first one of a dashboard has none."""

    title: str
    bands: Sequence[Band]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable whose values are those of the label ``name`` of ``metric`` (a selector).

    Several can be chosen; ``everything`` offers "All", which is ``.*``. Values are escaped for regular expressions.
    """

    name: str
    title: str
    metric: str
    description: str
    everything: bool = True


@dataclass(frozen=True, slots=True)
class Constant:
    """A variable that nobody sees and that has one value: what makes shared queries fit one platform."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard; ``uid`` is its address and never changes."""

    uid: str
    title: str
    description: str
    variables: Sequence[Variable | Constant]
    sections: Sequence[Section]
    hours: int = 24


def text(dashboard: Dashboard) -> str:
    """Return the JSON that Grafana imports."""
    return json.dumps(build(dashboard), cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def build(dashboard: Dashboard) -> sdk.Dashboard:
    """Return the dashboard as Grafana knows it."""
    return sdk.Dashboard(
        uid=dashboard.uid,
        title=dashboard.title,
        description=dashboard.description,
        tags=[TAG],
        editable=False,
        graph_tooltip=sdk.DashboardCursorSync.CROSSHAIR,
        time=sdk.DashboardDashboardTime(from_val=f"now-{dashboard.hours}h", to="now"),
        timepicker=sdk.TimePickerConfig(refresh_intervals=["30s", "1m", "5m", "15m", "1h"]),
        refresh="1m",
        schema_version=SCHEMA,
        version=1,
        panels=_placed(dashboard.sections),
        templating=sdk.DashboardDashboardTemplating(list_val=[_datasource(), *map(_variable, dashboard.variables)]),
        annotations=sdk.AnnotationContainer(list_val=_annotations()),
        links=[
            sdk.DashboardLink(
                title="Automation dashboards",
                type_val=sdk.DashboardLinkType.DASHBOARDS,
                icon="external link",
                tooltip="The other dashboards of automation-exporter, with the same variables and times",
                tags=[TAG],
                as_dropdown=True,
                include_vars=True,
                keep_time=True,
                url="",
            )
        ],
    )


def _placed(sections: Sequence[Section]) -> list[sdk.Panel | sdk.RowPanel]:
    """Give every panel its place, from the top, and an id; ValueError for a band that is not full."""
    placed: list[sdk.Panel | sdk.RowPanel] = []
    y = 0
    for section in sections:
        if section.title:
            position = sdk.GridPos(h=1, w=COLUMNS, x=0, y=y)
            placed.append(sdk.RowPanel(title=section.title, grid_pos=position, id_val=len(placed) + 1, panels=[]))
            y += 1
        for band in section.bands:
            if sum(width for width, _ in band.panels) != COLUMNS:
                raise ValueError(f"{section.title}: a band is {COLUMNS} wide, not {[w for w, _ in band.panels]}")
            x = 0
            for width, panel in band.panels:
                panel.grid_pos = sdk.GridPos(h=band.height, w=width, x=x, y=y)
                panel.id_val = len(placed) + 1
                placed.append(panel)
                x += width
            y += band.height
    return placed


def _datasource() -> sdk.VariableModel:
    return sdk.VariableModel(
        type_val=sdk.VariableType.DATASOURCE,
        name="datasource",
        label="Data source",
        description="The Prometheus that scrapes automation-exporter",
        query="prometheus",
        refresh=sdk.VariableRefresh.ON_DASHBOARD_LOAD,
        regex="",
        hide=sdk.VariableHide.DONT_HIDE,
        options=[],
    )


def _variable(variable: Variable | Constant) -> sdk.VariableModel:
    if isinstance(variable, Constant):
        option = sdk.VariableOption(selected=True, text=variable.value, value=variable.value)
        return sdk.VariableModel(
            type_val=sdk.VariableType.CONSTANT,
            name=variable.name,
            query=variable.value,
            current=option,
            options=[option],
            hide=sdk.VariableHide.HIDE_VARIABLE,
            skip_url_sync=True,
        )
    query = f"label_values({variable.metric}, {variable.name})"
    return sdk.VariableModel(
        type_val=sdk.VariableType.QUERY,
        name=variable.name,
        label=variable.title,
        description=variable.description,
        datasource=DATASOURCE,
        # 1 is Grafana's number for label values; the text is what its editor shows.
        query={"qryType": 1, "query": query, "refId": f"Variable-{variable.name}"},
        definition=query,
        refresh=sdk.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=sdk.VariableSort.ALPHABETICAL_ASC,
        multi=True,
        include_all=variable.everything,
        all_value=".*" if variable.everything else None,
        current=sdk.VariableOption(selected=True, text=["All"], value=["$__all"]) if variable.everything else None,
        regex="",
        hide=sdk.VariableHide.DONT_HIDE,
        options=[],
    )


def _annotations() -> list[sdk.AnnotationQuery]:
    return [
        _annotation(
            "Alerts",
            'ALERTS{alertstate="firing", alertname=~"Automation.+", platform=~"$platform|", target=~"$target|"}',
            colour=look.BAD,
            title="{{alertname}}",
            words="{{target}} {{workload}}",
            tags="alertname,severity",
        ),
        _annotation(
            "Gaps closed",
            f"1000 * {of_target('automation_exporter_target_data_gap_end_timestamp_seconds')}",
            colour=look.UNKNOWN,
            title="Read again after a gap",
            words="{{target}}: what happened in the gap is counted now",
            tags="target",
            value_is_time=True,
        ),
    ]


def _annotation(
    name: str, expr: str, *, colour: str, title: str, words: str, tags: str, value_is_time: bool = False
) -> sdk.AnnotationQuery:
    return sdk.AnnotationQuery(
        name=name,
        datasource=DATASOURCE,
        enable=True,
        hide=False,
        icon_color=colour,
        target=prometheus.Dataquery(ref_id="Anno", expr=expr, datasource=DATASOURCE, range_val=True, instant=False),
        expr=expr,
        title_format=title,
        text_format=words,
        tag_keys=tags,
        step="60s",
        use_value_for_time=value_is_time,
    )
