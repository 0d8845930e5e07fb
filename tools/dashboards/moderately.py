"""Moderately AI: agents, their executions and the steps that these took."""

from __future__ import annotations

from typing import Final

from tools.dashboards import look, platform, queries
from tools.dashboards.frame import Band, Dashboard, Section
from tools.dashboards.panels import Column, Query, bars, rows, series
from tools.dashboards.queries import WHO, of_workload, per_hour
from tools.dashboards.variables import ROW_TO_WORKLOAD, SERIES_TO_WORKLOAD

BUSIEST: Final = series(
    "Busiest agents",
    "Executions that ended, per hour, of the eight agents with most of them.",
    Query(f"topk(8, {per_hour('automation_runs_total', 'workload')})", "{{workload}}"),
    "suffix:/h",
)
DURATIONS: Final = series(
    "Slowest agents",
    "95th percentile of the time from start to end of the executions of the last hour, of the eight slowest.",
    Query(
        f"topk(8, {queries.quantile(0.95, 'automation_run_duration_seconds', '1h', 'workload')})",
        "{{workload}}",
        exemplar=True,
    ),
    "s",
)
WAITS: Final = series(
    "Time until the start",
    "Time from creation to start of the executions of the last hour, estimated from buckets.",
    tuple(Query(queries.quantile(q, "automation_run_wait_seconds", "1h"), f"p{q * 100:.0f}") for q in (0.5, 0.95)),
    "s",
)
STEPS: Final = series(
    "Steps of an execution",
    "Steps that executions of the last hour had taken when they ended: mean, and quantiles estimated from buckets.",
    (
        Query(queries.quantile(0.5, "moderately_run_steps", "1h"), "p50"),
        Query(queries.quantile(0.95, "moderately_run_steps", "1h"), "p95"),
        Query(
            f"sum(increase({of_workload('moderately_run_steps_sum')}[1h])) / "
            f"(sum(increase({of_workload('moderately_run_steps_count')}[1h])) > 0)",
            "mean",
        ),
    ),
    "none",
    decimals=1,
)
STEPS_BY_AGENT: Final = bars(
    "Mean steps by agent",
    "Steps of an execution that ended in the time shown, of the ten agents with most.",
    Query(
        f"topk(10, sum by (workload) (increase({of_workload('moderately_run_steps_sum')}[$__range])) / "
        f"(sum by (workload) (increase({of_workload('moderately_run_steps_count')}[$__range])) > 0))",
        "{{workload}}",
    ),
    "none",
    decimals=1,
)
LIMITED: Final = series(
    "Ended at the limit of steps",
    "Executions that had used up their steps (maxActions) when they ended, in the hour before, by agent. What they "
    "were asked for may be unfinished although they count as completed.",
    Query(
        f"round(sum by (workload) (increase({of_workload('moderately_step_limit_reached_total')}[1h]))) > 0",
        "{{workload}}",
    ),
    "none",
    bars=True,
    stacked=True,
    no_value="None reached its limit",
)
ACTIVE: Final = series(
    "Active executions",
    "Executions that have not ended, by state. Paused ones wait for a person.",
    Query(f"sum by (state) (max by ({WHO}, state) ({of_workload('automation_active_runs')}))", "{{state}}"),
    "none",
    colours=look.STATE_COLOURS,
    stacked=True,
    decimals=0,
)
OLDEST: Final = bars(
    "Oldest active executions",
    "Time since the birth of the oldest execution that has not ended, by agent and state.",
    Query(
        f"topk(6, time() - min by ({WHO}, state) ({of_workload('automation_oldest_active_run_timestamp_seconds')}))",
        "{{workload}}, {{state}}",
    ),
    "s",
    steps=((None, look.PLAIN), (3600, look.WARNING), (21600, look.BAD)),
    no_value="No run is active",
    link=SERIES_TO_WORKLOAD,
)
AGENTS: Final = rows(
    "Agents of all time",
    "Executions as Moderately counts them; they fall when executions are deleted. What is not successful has not "
    "necessarily failed: running, paused and cancelled ones are part of the rest.",
    (
        Query(f"max by ({WHO}) ({of_workload('moderately_agent_lifetime_runs')})"),
        Query(f"max by ({WHO}) ({of_workload('moderately_agent_lifetime_successful_runs')})"),
        Query(f"sum by ({WHO}) (increase({of_workload('moderately_step_limit_reached_total')}[$__range]))"),
    ),
    (
        Column("workload", "Agent", link=ROW_TO_WORKLOAD),
        Column("target", "Target", width=190),
        Column("Value #A", "Executions", decimals=0, width=140),
        Column("Value #B", "Successful", decimals=0, width=140),
        Column("Value #C", "At the limit of steps, in the time shown", decimals=0, width=280),
        Column("platform", "Platform", width=110),
    ),
    "none",
    sort="Executions",
)

DASHBOARD: Final = Dashboard(
    uid="automation-moderately",
    title="Automation / Moderately AI",
    description="Moderately AI agents: executions, durations, steps and their limit, what is paused.",
    variables=platform.variables("moderately"),
    sections=(
        Section("", (platform.first_band("agents"), platform.ended_runs(), platform.workloads("agents", "Active"))),
        Section("Steps", (Band(8, ((10, STEPS), (6, STEPS_BY_AGENT), (8, LIMITED))),)),
        Section(
            "Executions", (Band(8, ((12, BUSIEST), (12, DURATIONS))), Band(8, ((8, WAITS), (8, ACTIVE), (8, OLDEST))))
        ),
        Section("Of all time", (Band(8, ((24, AGENTS),)),)),
    ),
)
