"""Microsoft Foundry: routines with their schedules, lateness and dispatches."""

from __future__ import annotations

from typing import Final

from tools.dashboards import look, platform, queries
from tools.dashboards.frame import Band, Dashboard, Section
from tools.dashboards.panels import Column, Query, bars, rows, series, tile
from tools.dashboards.queries import FAILED, WHO, of_workload, per_hour
from tools.dashboards.variables import ROW_TO_WORKLOAD, SERIES_TO_WORKLOAD

TRIGGER: Final = f"{WHO}, trigger_name"


def _schedule(kind: str) -> str:
    return f"1000 * max by ({TRIGGER}) ({of_workload(f'automation_schedule_{kind}_timestamp_seconds')})"


SCHEDULES: Final = rows(
    "Schedules",
    "Latest due time, newest delivery, since when one is overdue, next due time, and due times that were missed in "
    "the time shown. A time is overdue when no run has come for it, judged by what was read.",
    (
        Query(_schedule("due")),
        Query(_schedule("fired")),
        Query(_schedule("overdue_since")),
        Query(_schedule("next")),
        Query(f"sum by ({TRIGGER}) (increase({of_workload('automation_schedule_missed_total')}[$__range]))"),
    ),
    (
        Column("workload", "Routine", link=ROW_TO_WORKLOAD),
        Column("trigger_name", "Trigger", width=110),
        Column("target", "Target", width=190),
        Column("Value #A", "Due", "dateTimeFromNow", width=140),
        Column("Value #B", "Delivered", "dateTimeFromNow", width=140, no_value="never"),
        Column("Value #C", "Overdue since", "dateTimeFromNow", width=140),
        Column("Value #D", "Next", "dateTimeFromNow", width=140),
        Column("Value #E", "Missed", decimals=0, steps=look.NONE_IS_BEST, width=90),
        Column("platform", "Platform", width=110),
    ),
    "none",
    sort="Missed",
    no_value="No routine has a schedule",
)
OVERDUE: Final = tile(
    "Schedules overdue",
    "Routines with a due time for which no run has come.",
    Query(queries.count(queries.overdue())),
    "none",
    steps=look.NONE_IS_BEST,
    filled=True,
)
MISSED: Final = tile(
    "Due times missed",
    "Due times without a run, in the time shown.",
    Query(f"sum(increase({of_workload('automation_schedule_missed_total')}[$__range]))"),
    "none",
    steps=look.NONE_IS_BEST,
    decimals=0,
    no_value="No schedules",
)
ENABLED: Final = tile(
    "Routines enabled",
    "Routines that the platform says are enabled.",
    Query(f"sum(max by ({WHO}) ({of_workload('automation_workload_enabled')}))"),
    "none",
)
LATENESS: Final = series(
    "Lateness of scheduled runs",
    "Time from the scheduled fire time to the start, of the runs of the last hour, estimated from buckets.",
    tuple(
        Query(queries.quantile(q, "automation_run_lateness_seconds", "1h"), f"p{q * 100:.0f}")
        for q in (0.5, 0.95, 0.99)
    ),
    "s",
    no_value="No scheduled run started",
)
MISSED_OVER_TIME: Final = series(
    "Due times missed",
    "Due times without a run in the hour before, by routine.",
    Query(
        f"round(sum by (workload) (increase({of_workload('automation_schedule_missed_total')}[1h]))) > 0",
        "{{workload}}",
    ),
    "none",
    bars=True,
    stacked=True,
    no_value="No schedule was missed",
)
DURATIONS: Final = series(
    "Slowest routines",
    "95th percentile of the time from start to end of the runs of the last hour, of the eight slowest.",
    Query(
        f"topk(8, {queries.quantile(0.95, 'automation_run_duration_seconds', '1h', 'workload')})",
        "{{workload}}",
        exemplar=True,
    ),
    "s",
)
WAITS: Final = series(
    "Time in the queue",
    "Time from trigger to start of the runs of the last hour, estimated from buckets.",
    tuple(Query(queries.quantile(q, "automation_run_wait_seconds", "1h"), f"p{q * 100:.0f}") for q in (0.5, 0.95)),
    "s",
)
DISPATCHES: Final = series(
    "Dispatches by what made the attempt",
    "Ended attempts per hour by attempt_source and action_type.",
    Query(per_hour("foundry_dispatches_total", "attempt_source, action_type"), "{{attempt_source}} → {{action_type}}"),
    "suffix:/h",
    stacked=True,
)
FAILED_DISPATCHES: Final = bars(
    "Failed dispatches",
    "Failed attempts in the time shown by what made the attempt and what it did.",
    Query(
        "sum by (attempt_source, action_type) (increase("
        f"{of_workload('foundry_dispatches_total', FAILED)}[$__range])) > 0.5",
        "{{attempt_source}} → {{action_type}}",
    ),
    "none",
    steps=((None, look.BAD),),
    decimals=0,
    no_value="No dispatch failed",
)
REASONS: Final = series(
    "Failures by reason",
    "Failed runs per hour by error type and status code. Dots are runs, their id is in the tooltip.",
    Query(
        per_hour("automation_run_failures_total", "reason, status_code"), "{{reason}} {{status_code}}", exemplar=True
    ),
    "suffix:/h",
    stacked=True,
    no_value="No run failed",
)
TRIGGERS: Final = bars(
    "Triggers",
    "What triggered the runs that ended in the time shown.",
    Query(
        f"sum by (trigger_type) (increase({of_workload('automation_triggered_runs_total')}[$__range])) > 0.5",
        "{{trigger_type}}",
    ),
    "none",
    decimals=0,
)
OLDEST: Final = bars(
    "Oldest active runs",
    "Time since the birth of the oldest run that has not ended, by routine.",
    Query(
        f"topk(6, time() - min by ({WHO}) ({of_workload('automation_oldest_active_run_timestamp_seconds')}))",
        "{{workload}}",
    ),
    "s",
    steps=((None, look.PLAIN), (3600, look.WARNING), (21600, look.BAD)),
    no_value="No run is active",
    link=SERIES_TO_WORKLOAD,
)

DASHBOARD: Final = Dashboard(
    uid="automation-foundry",
    title="Automation / Foundry",
    description="Microsoft Foundry routines: schedules and how late they are, dispatches, durations, failures.",
    variables=platform.variables("foundry"),
    sections=(
        Section(
            "",
            (platform.first_band("routines"), platform.ended_runs(), platform.workloads("routines", "Active")),
        ),
        Section(
            "Schedules",
            (
                Band(4, ((8, OVERDUE), (8, MISSED), (8, ENABLED))),
                Band(7, ((24, SCHEDULES),)),
                Band(8, ((12, LATENESS), (12, MISSED_OVER_TIME))),
            ),
        ),
        Section("Dispatches", (Band(8, ((12, DISPATCHES), (6, FAILED_DISPATCHES), (6, TRIGGERS))),)),
        Section("Runs", (Band(8, ((12, DURATIONS), (12, REASONS))), Band(8, ((12, WAITS), (12, OLDEST))))),
    ),
)
