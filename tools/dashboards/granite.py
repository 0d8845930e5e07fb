"""Granite: workflows with tokens, interactions, endpoints and complexity, and the platform's own window figures."""

from __future__ import annotations

from typing import Final

from tools.dashboards import look, platform
from tools.dashboards.frame import Band, Dashboard, Section, Variable
from tools.dashboards.panels import Column, Query, bars, rows, series, tile
from tools.dashboards.queries import PLACE, WHO, of_target, of_workload, per_hour
from tools.dashboards.variables import ROW_TO_WORKLOAD

WINDOW: Final = Variable(
    "window",
    "Window",
    'granite_window_executions{job=~"$job", target=~"$target"}',
    "Rolling windows over which Granite tells its own figures",
)
IN_WINDOW: Final = 'window=~"$window"'
ENDPOINT: Final = f"{PLACE}, endpoint_slug, http_method"


def _windowed(name: str, *matchers: str) -> str:
    return of_target(name, IN_WINDOW, *matchers)


TOKENS: Final = tile(
    "Tokens",
    "Tokens used in the time shown, by all workflows.",
    Query(f"sum(increase({of_target('granite_tokens_total')}[$__range]))"),
    "short",
)
TOKENS_A_RUN: Final = tile(
    "Tokens per run",
    "Tokens used in the time shown for each run that ended.",
    Query(
        f"sum(increase({of_target('granite_tokens_total')}[$__range])) / "
        f"(sum(increase({of_target('automation_runs_total')}[$__range])) > 0)"
    ),
    "short",
)
TODAY: Final = tile(
    "Active today",
    "Granite's figure of that name. It does not say whether it means runs or workflows, nor whose day it is.",
    Query(f"sum(max by ({PLACE}) ({of_target('granite_active_today')}))"),
    "none",
)
TOKENS_OVER_TIME: Final = series(
    "Tokens",
    "Tokens used per hour.",
    Query(f"3600 * sum by (target) (rate({of_target('granite_tokens_total')}[$__rate_interval]))", "{{target}}"),
    "short",
)
WORKFLOW_TOKENS: Final = series(
    "Tokens by workflow",
    "Tokens used per hour by the ten workflows that use most. Only if the configuration asks for it "
    "(workflow_tokens), since each workflow costs requests.",
    Query(f"topk(10, {per_hour('granite_workflow_tokens_total', 'workload')})", "{{workload}}"),
    "short",
    no_value="Not asked for",
)
INTERACTIONS: Final = series(
    "Interactions",
    "What workflows did on the screen per hour, by kind.",
    Query(per_hour("granite_workflow_interactions_total", "kind"), "{{kind}}"),
    "suffix:/h",
    stacked=True,
)
STEPS: Final = bars(
    "Most steps",
    "Workflows that took most steps in the time shown.",
    Query(
        f"topk(10, sum by (workload) (increase({of_workload('granite_workflow_steps_total')}[$__range])) > 0.5)",
        "{{workload}}",
    ),
    "short",
)
CALLS: Final = series(
    "Calls of endpoints",
    "Calls of published endpoints, per hour.",
    Query(
        "3600 * sum by (endpoint_slug, http_method) (rate("
        f"{of_target('granite_endpoint_invocations_total')}[$__rate_interval]))",
        "{{http_method}} {{endpoint_slug}}",
    ),
    "suffix:/h",
    stacked=True,
    no_value="No endpoint is published",
)
ENDPOINTS: Final = rows(
    "Endpoints",
    "Published endpoints: calls in the time shown, share of them that succeeded, and Granite's own response times "
    "over the window.",
    (
        Query(f"sum by ({ENDPOINT}) (increase({of_target('granite_endpoint_invocations_total')}[$__range]))"),
        Query(
            f"sum by ({ENDPOINT}) (increase({of_target('granite_endpoint_successful_invocations_total')}[$__range])) "
            f"/ (sum by ({ENDPOINT}) (increase({of_target('granite_endpoint_invocations_total')}[$__range])) > 0)"
        ),
        Query(f"max by ({ENDPOINT}) ({_windowed('granite_window_endpoint_response_mean_seconds')})"),
        Query(f"max by ({ENDPOINT}) ({_windowed('granite_window_endpoint_response_p95_seconds')})"),
    ),
    (
        Column("endpoint_slug", "Endpoint"),
        Column("http_method", "Method", width=90),
        Column("target", "Target", width=130),
        Column("Value #A", "Calls", "short", decimals=0, width=90),
        Column("Value #B", "Success", "percentunit", decimals=1, steps=look.RATIO, width=100),
        Column("Value #C", "Mean", "s", width=100),
        Column("Value #D", "p95", "s", width=100),
    ),
    "none",
    sort="Calls",
    no_value="No endpoint is published",
)
REASONS: Final = bars(
    "Failures by category",
    "Failed runs in the time shown by Granite's category; it does not say which workflow they belong to.",
    Query(
        f"topk(10, sum by (reason) (increase({of_target('automation_run_failures_total')}[$__range])) > 0.5)",
        "{{reason}}",
    ),
    "none",
    steps=((None, look.BAD),),
    decimals=0,
    no_value="No run failed",
)
TRIGGERS: Final = bars(
    "Triggers",
    "What triggered runs in the time shown.",
    Query(
        f"sum by (trigger_type) (increase({of_target('automation_triggered_runs_total')}[$__range])) > 0.5",
        "{{trigger_type}}",
    ),
    "none",
    decimals=0,
)
ACTIVE: Final = series(
    "Active runs",
    "Runs that have not ended, by state. Granite does not say of which workflow.",
    Query(f"sum by (state) (max by ({PLACE}, state) ({of_target('automation_active_runs')}))", "{{state}}"),
    "none",
    colours=look.STATE_COLOURS,
    stacked=True,
    decimals=0,
)
QUANTILES: Final = series(
    "Duration in the window",
    "Quantiles of durations over the rolling window, as Granite computed them.",
    (
        Query(f"max by (window, q) ({_windowed('granite_window_duration_quantile_seconds')})", "{{q}} of {{window}}"),
        Query(f"max by (window) ({_windowed('granite_window_duration_mean_seconds')})", "mean of {{window}}"),
    ),
    "s",
)
STATUSES: Final = series(
    "Executions in the window",
    "Executions in the rolling window, all and by status. Cancelled ones are in the total only.",
    (
        Query(
            f"sum by (window, status) (max by ({PLACE}, window, status) "
            f"({_windowed('granite_window_executions_by_status')}))",
            "{{status}} in {{window}}",
        ),
        Query(f"sum by (window) (max by ({PLACE}, window) ({_windowed('granite_window_executions')}))", "{{window}}"),
    ),
    "none",
    decimals=0,
)
RANGE: Final = rows(
    "Durations in the window",
    "Shortest, mean and longest duration over the rolling window, as Granite computed them.",
    tuple(
        Query(f"max by ({PLACE}, window) ({_windowed(f'granite_window_duration_{kind}_seconds')})")
        for kind in ("min", "mean", "max")
    ),
    (
        Column("target", "Target"),
        Column("window", "Window"),
        Column("Value #A", "Shortest", "s"),
        Column("Value #B", "Mean", "s"),
        Column("Value #C", "Longest", "s"),
    ),
    "none",
)
WORKFLOWS: Final = rows(
    "Workflows in the window, and how complex they are",
    "Granite's own figures: executions and mean duration over the rolling window, its complexity score, and what is "
    "in the workflow's definition.",
    (
        Query(f"max by ({WHO}) ({of_workload('granite_window_workflow_executions', IN_WINDOW)})"),
        Query(f"max by ({WHO}) ({of_workload('granite_window_workflow_duration_mean_seconds', IN_WINDOW)})"),
        Query(f"max by ({WHO}) ({of_workload('granite_workflow_complexity_score')})"),
        Query(f"max by ({WHO}) ({of_workload('granite_workflow_definition_steps')})"),
        Query(f"max by ({WHO}) ({of_workload('granite_workflow_iterations')})"),
        Query(f"max by ({WHO}) ({of_workload('granite_workflow_parameters')})"),
    ),
    (
        Column("workload", "Workflow", link=ROW_TO_WORKLOAD),
        Column("target", "Target", width=190),
        Column("Value #A", "Executions", decimals=0, width=110),
        Column("Value #B", "Mean duration", "s", width=130),
        Column("Value #C", "Complexity", width=110),
        Column("Value #D", "Steps", decimals=0, width=90),
        Column("Value #E", "Iterations", decimals=0, width=100),
        Column("Value #F", "Parameters", decimals=0, width=110),
        Column("platform", "Platform", width=110),
    ),
    "none",
    sort="Executions",
)

DASHBOARD: Final = Dashboard(
    uid="automation-granite",
    title="Automation / Granite",
    description="Granite workflows: runs, tokens, interactions, endpoints, complexity, the platform's window figures.",
    variables=(*platform.variables("granite"), WINDOW),
    sections=(
        Section(
            "",
            (platform.first_band("workflows"), platform.ended_runs(), platform.workloads("workflows", None)),
        ),
        Section(
            "Tokens",
            (Band(8, ((4, TOKENS), (4, TOKENS_A_RUN), (8, TOKENS_OVER_TIME), (8, WORKFLOW_TOKENS))),),
        ),
        Section("Work", (Band(8, ((12, INTERACTIONS), (12, STEPS))),)),
        Section("Trouble and triggers", (Band(8, ((8, REASONS), (8, TRIGGERS), (8, ACTIVE))),)),
        Section("Endpoints", (Band(8, ((14, ENDPOINTS), (10, CALLS))),)),
        Section(
            "Granite's own figures",
            (
                Band(8, ((12, QUANTILES), (12, STATUSES))),
                Band(8, ((24, WORKFLOWS),)),
                Band(5, ((18, RANGE), (6, TODAY))),
            ),
        ),
    ),
)
