"""The four kinds of panels. Each must say its title, what it shows and its unit; the rest has sensible defaults.

Panels come without id and place: ``frame`` gives them. Only kinds that Grafana's published component library can
draw are used, so that every panel was looked at before it was shipped (``tools/pictures``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tools.dashboards import look
from tools.dashboards.look import Step, Word
from tools.dashboards.sdk import bargauge, common, prometheus, stat, table, timeseries
from tools.dashboards.sdk import dashboard as sdk

DATASOURCE: Final = common.DataSourceRef(type_val="prometheus", uid="${datasource}")

Value = sdk.DynamicConfigValue


@dataclass(frozen=True, slots=True)
class Query:
    """One expression; ``legend`` names its series, ``exemplar`` asks for run ids beside it."""

    expr: str
    legend: str = ""
    exemplar: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, by the label's or value's name that the query gives it.

    ``words`` puts colours or texts in place of values, ``link`` makes the cell a link to a dashboard.
    """

    name: str
    title: str
    unit: str | None = None
    decimals: int | None = None
    width: int | None = None
    words: Mapping[int, Word] | Mapping[str, str] | None = None
    steps: Sequence[Step] | None = None
    gauge: bool = False
    link: Link | None = None
    no_value: str = "–"


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another dashboard; ``url`` may use Grafana's variables."""

    title: str
    url: str


def tile(
    title: str,
    description: str,
    queries: Query | Sequence[Query],
    unit: str,
    *,
    steps: Sequence[Step] = look.ALWAYS_PLAIN,
    words: Mapping[int, Word] | None = None,
    decimals: int | None = None,
    no_value: str = "Unknown",
    filled: bool = False,
    names: bool = False,
    link: Link | None = None,
) -> sdk.Panel:
    """A stat: one number, or with ``names`` one tile a series, now; ``filled`` colours the whole tile.

    With the unit ``string`` the names are what is told.
    """
    name_mode = common.BigValueTextMode.NAME if unit == "string" else common.BigValueTextMode.VALUE_AND_NAME
    options = stat.Options(
        graph_mode=common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.BACKGROUND if filled else common.BigValueColorMode.VALUE,
        justify_mode=common.BigValueJustifyMode.CENTER if filled else common.BigValueJustifyMode.AUTO,
        text_mode=name_mode if names else common.BigValueTextMode.VALUE,
        reduce_options=common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields=""),
        orientation=common.VizOrientation.AUTO,
        percent_change_color_mode=common.PercentChangeColorMode.STANDARD,
    )
    defaults = _defaults(unit, steps, words, decimals, no_value)
    # Without this, nothing has the colour of the lowest threshold, which is mostly that of "good".
    defaults.mappings = [*(defaults.mappings or []), look.nothing(no_value)]
    if link is not None:
        defaults.links = [_link(link)]
    return _panel(
        "stat",
        (title, description),
        _targets([queries] if isinstance(queries, Query) else queries, instant=True),
        options,
        sdk.FieldConfigSource(defaults=defaults, overrides=[]),
    )


def series(
    title: str,
    description: str,
    queries: Query | Sequence[Query],
    unit: str,
    *,
    steps: Sequence[Step] | None = None,
    colours: Mapping[str, str] | None = None,
    decimals: int | None = None,
    least: float | None = 0,
    most: float | None = None,
    usually_from: float | None = None,
    stacked: bool = False,
    bars: bool = False,
    stepped: bool = False,
    legend: Sequence[str] = (),
    aside: bool = False,
    no_value: str = "No data",
    link: Link | None = None,
) -> sdk.Panel:
    """Lines over time. ``steps`` draws limits as dashed lines, ``colours`` fixes those of named series.

    The axis begins at ``least``, or at ``usually_from`` as long as no value is below.
    ``legend`` are the calculations that its table shows; ``aside`` puts it to the right of the plot.
    """
    custom = common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE,
        line_interpolation=common.LineInterpolation.STEP_AFTER if stepped else common.LineInterpolation.LINEAR,
        # Stacked areas without outlines: the line of an empty one would lie on top of the others.
        line_width=0 if bars or stacked else 2,
        fill_opacity=80 if bars else 60 if stacked else 0,
        gradient_mode=common.GraphGradientMode.NONE,
        show_points=common.VisibilityMode.NEVER if stacked else common.VisibilityMode.AUTO,
        point_size=5,
        span_nulls=False,
        stacking=common.StackingConfig(
            mode=common.StackingMode.NORMAL if stacked else common.StackingMode.NONE, group="A"
        ),
        axis_placement=common.AxisPlacement.AUTO,
        axis_border_show=False,
        axis_soft_min=usually_from,
        thresholds_style=common.GraphThresholdsStyleConfig(
            mode=common.GraphThresholdsStyleMode.DASHED if steps else common.GraphThresholdsStyleMode.OFF
        ),
    )
    defaults = _defaults(unit, steps or look.ALWAYS_PLAIN, None, decimals, no_value)
    defaults.custom = custom
    defaults.min_val, defaults.max_val = None if usually_from is not None else least, most
    defaults.color = sdk.FieldColor(mode=sdk.FieldColorModeId.PALETTE_CLASSIC)
    if link is not None:
        defaults.links = [_link(link)]
    options = timeseries.Options(
        legend=common.VizLegendOptions(
            show_legend=True,
            display_mode=common.LegendDisplayMode.TABLE if legend else common.LegendDisplayMode.LIST,
            placement=common.LegendPlacement.RIGHT if aside else common.LegendPlacement.BOTTOM,
            calcs=list(legend),
        ),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING),
    )
    overrides = [
        _override(name, Value("color", {"mode": "fixed", "fixedColor": colour}))
        for name, colour in (colours or {}).items()
    ]
    targets = _targets([queries] if isinstance(queries, Query) else queries)
    config = sdk.FieldConfigSource(defaults=defaults, overrides=overrides)
    return _panel("timeseries", (title, description), targets, options, config)


def bars(
    title: str,
    description: str,
    query: Query,
    unit: str,
    *,
    steps: Sequence[Step] = look.ALWAYS_PLAIN,
    decimals: int | None = None,
    most: float | None = None,
    no_value: str = "Nothing happened",
    link: Link | None = None,
) -> sdk.Panel:
    """A bar for each series, now."""
    options = bargauge.Options(
        display_mode=common.BarGaugeDisplayMode.BASIC,
        value_mode=common.BarGaugeValueMode.TEXT,
        name_placement=common.BarGaugeNamePlacement.TOP,
        show_unfilled=True,
        sizing=common.BarGaugeSizing.AUTO,
        min_viz_width=8,
        min_viz_height=42,  # less would cut the text off; more bars than fit are scrolled
        max_viz_height=48,
        orientation=common.VizOrientation.HORIZONTAL,
        reduce_options=common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields=""),
        text=common.VizTextDisplayOptions(title_size=12, value_size=16),
        legend=common.VizLegendOptions(
            show_legend=False, display_mode=common.LegendDisplayMode.LIST, placement=common.LegendPlacement.BOTTOM
        ),
    )
    defaults = _defaults(unit, steps, None, decimals, no_value)
    defaults.min_val, defaults.max_val = 0, most
    if link is not None:
        defaults.links = [_link(link)]
    config = sdk.FieldConfigSource(defaults=defaults, overrides=[])
    return _panel("bargauge", (title, description), _targets([query], instant=True), options, config)


def rows(
    title: str,
    description: str,
    queries: Query | Sequence[Query],
    columns: Sequence[Column],
    unit: str,
    *,
    sort: str | None = None,
    descending: bool = True,
    no_value: str = "Nothing to show",
) -> sdk.Panel:
    """A table: one row for each set of labels; several queries are joined on the labels that they share.

    Values are named ``Value`` with one query, ``Value #A``, ``Value #B`` ... with several. Only ``columns`` are
    shown, in their order.
    """
    asked = [queries] if isinstance(queries, Query) else queries
    defaults = _defaults(unit, look.ALWAYS_PLAIN, None, None, no_value)
    defaults.custom = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": False}
    options = table.Options(
        show_header=True,
        cell_height=common.TableCellHeight.SM,
        sort_by=[common.TableSortByFieldState(display_name=sort, desc=descending)] if sort else [],
        footer=common.TableFooterOptions(show=False, reducer=["sum"], count_rows=False),
    )
    config = sdk.FieldConfigSource(defaults=defaults, overrides=[_column(column) for column in columns])
    transformations = [sdk.DataTransformerConfig(id_val="merge", options={})] if len(asked) > 1 else []
    transformations += [
        sdk.DataTransformerConfig(
            id_val="filterFieldsByName", options={"include": {"names": [column.name for column in columns]}}
        ),
        sdk.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {},
                "indexByName": {column.name: index for index, column in enumerate(columns)},
                "renameByName": {column.name: column.title for column in columns},
            },
        ),
    ]
    panel = _panel("table", (title, description), _targets(asked, instant=True, as_table=True), options, config)
    panel.transformations = transformations
    return panel


def _column(column: Column) -> sdk.DashboardFieldConfigSourceOverrides:
    properties = []
    if column.unit is not None:
        properties.append(Value("unit", column.unit))
    if column.decimals is not None:
        properties.append(Value("decimals", column.decimals))
    if column.width is not None:
        properties.append(Value("custom.width", column.width))
    if column.words is not None:
        properties.append(Value("mappings", look.words(column.words)))
        properties.append(Value("custom.cellOptions", {"type": "color-text"}))
    if column.steps is not None:
        kind: dict[str, Any] = {"type": "color-text"}
        if column.gauge:
            kind = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
        properties.append(Value("thresholds", look.thresholds(column.steps)))
        properties.append(Value("custom.cellOptions", kind))
    if column.link is not None:
        properties.append(Value("links", [_link(column.link)]))
    # Of its own in each column: an empty cell would show the words that are for an empty table.
    properties.append(Value("noValue", column.no_value))
    return _override(column.title, *properties)


def _override(name: str, *properties: Value) -> sdk.DashboardFieldConfigSourceOverrides:
    return sdk.DashboardFieldConfigSourceOverrides(
        matcher=sdk.MatcherConfig(id_val="byName", options=name), properties=list(properties)
    )


def _defaults(
    unit: str, steps: Sequence[Step], words: Mapping[int, Word] | None, decimals: int | None, no_value: str
) -> sdk.FieldConfig:
    return sdk.FieldConfig(
        unit=unit,
        decimals=decimals,
        mappings=look.words(words) if words else [],
        thresholds=look.thresholds(steps),
        color=sdk.FieldColor(mode=sdk.FieldColorModeId.THRESHOLDS),
        no_value=no_value,
    )


def _link(link: Link) -> sdk.DashboardLink:
    return sdk.DashboardLink(title=link.title, url=link.url)


def _targets(queries: Sequence[Query], *, instant: bool = False, as_table: bool = False) -> list[prometheus.Dataquery]:
    return [
        prometheus.Dataquery(
            datasource=DATASOURCE,
            ref_id=chr(ord("A") + index),
            expr=query.expr,
            editor_mode=prometheus.QueryEditorMode.CODE,
            legend_format=query.legend or None,
            instant=instant,
            range_val=not instant,
            exemplar=query.exemplar,
            format_val=prometheus.PromQueryFormat.TABLE if as_table else prometheus.PromQueryFormat.TIME_SERIES,
        )
        for index, query in enumerate(queries)
    ]


def _panel(
    kind: str,
    heading: tuple[str, str],
    targets: list[prometheus.Dataquery],
    options: object,
    config: sdk.FieldConfigSource,
) -> sdk.Panel:
    return sdk.Panel(
        type_val=kind,
        title=heading[0],
        description=heading[1],
        datasource=DATASOURCE,
        targets=list(targets),
        options=options,
        field_config=config,
    )
