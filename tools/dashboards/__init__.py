"""Grafana dashboards as code: what stands in ``grafana/dashboards/json/`` is written from here by ``./run docs``.

    queries.py     PromQL that several panels share: which targets are fresh, which workloads fail
    look.py        colours, thresholds, mappings
    panels.py      the four kinds of panels: stat, time series, bars, table
    frame.py       a dashboard around panels: grid, variables, links, annotations
    overview.py, workload.py, roboto.py, foundry.py, granite.py, moderately.py, exporter.py   one dashboard each

Every metric that is named here is a row of ``exporter.catalogue``; ``lint.py`` proves it, and checks what
Grafana's own dashboard linter checks. Nothing newer than Grafana 10 is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tools.dashboards import exporter, foundry, granite, moderately, overview, roboto, workload
from tools.dashboards.frame import Dashboard, text

FOLDER: Final = "grafana/dashboards/json"

DASHBOARDS: Final[tuple[Dashboard, ...]] = (
    overview.DASHBOARD,
    workload.DASHBOARD,
    roboto.DASHBOARD,
    foundry.DASHBOARD,
    granite.DASHBOARD,
    moderately.DASHBOARD,
    exporter.DASHBOARD,
)


def _writer(dashboard: Dashboard) -> Callable[[], str]:
    return lambda: text(dashboard)


GENERATED: Final[Mapping[str, Callable[[], str]]] = {
    f"{FOLDER}/{dashboard.uid}.json": _writer(dashboard) for dashboard in DASHBOARDS
}
"""Path and text of every dashboard."""
