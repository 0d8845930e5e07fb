"""Roboto: actions. The platform tells counts of windows, no single runs: no durations, no reasons."""

from __future__ import annotations

from typing import Final

from tools.dashboards import look, platform
from tools.dashboards.frame import Band, Dashboard, Section
from tools.dashboards.panels import Query, bars, series
from tools.dashboards.queries import FAILED, WHO, last_run, of_target, of_workload, per_hour
from tools.dashboards.variables import SERIES_TO_WORKLOAD

BUSIEST: Final = series(
    "Busiest actions",
    "Invocations that ended, per hour, of the eight actions with most of them.",
    Query(f"topk(8, {per_hour('automation_runs_total', 'workload')})", "{{workload}}"),
    "suffix:/h",
)
QUEUED: Final = series(
    "Queued or in progress",
    "Invocations that have not ended, by action. Roboto does not tell queued from running.",
    Query(f"sum by (workload) (max by ({WHO}, state) ({of_workload('automation_active_runs')}))", "{{workload}}"),
    "none",
    stacked=True,
    decimals=0,
)
SILENCE: Final = bars(
    "Time since the last completed invocation",
    "By action; the moment is that of the reading that saw the count rise.",
    Query(f"topk(6, time() - {last_run('completed')} > 0)", "{{workload}}"),
    "s",
    steps=((None, look.PLAIN), (86400, look.WARNING), (7 * 86400, look.BAD)),
    no_value="None was completed yet",
    link=SERIES_TO_WORKLOAD,
)
FAILURES: Final = series(
    "Failures",
    "Failed invocations per hour, by action. Roboto names no reasons.",
    Query(f"{per_hour('automation_runs_total', 'workload', FAILED)} > 0", "{{workload}}"),
    "suffix:/h",
    stacked=True,
    bars=True,
    no_value="No run failed",
)
DEBT: Final = series(
    "Falls of Roboto's counts",
    "Roboto takes back counts when a failed invocation is queued again. A counter may not fall: the fall is a debt "
    "that later counts absorb, or is written off after a while. Neither is an error.",
    (
        Query(f"sum by (target) ({of_target('automation_exporter_correction_debt')})", "{{target}} debt"),
        Query(
            f"sum by (target) (increase({of_target('automation_exporter_corrections_total')}[1h]))",
            "{{target}} written off in 1 h",
        ),
    ),
    "none",
    decimals=0,
    no_value="No count fell",
)

DASHBOARD: Final = Dashboard(
    uid="automation-roboto",
    title="Automation / Roboto",
    description="Roboto actions: invocations, failures, what is queued, and which actions fell silent.",
    variables=platform.variables("roboto"),
    sections=(
        Section("", (platform.first_band("actions"), platform.ended_runs(), platform.workloads("actions", "Open"))),
        Section("Load", (Band(8, ((12, BUSIEST), (12, QUEUED))),)),
        Section("Trouble", (Band(8, ((8, FAILURES), (8, SILENCE), (8, DEBT))),)),
    ),
)
