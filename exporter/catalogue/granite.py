"""What only Granite has.

Counters follow the anchored window by difference. Families named ``granite_window_*`` repeat what the platform
says about its rolling window, whose length is the label ``window``: they rise and fall, and must not be added
up over time.
"""

from __future__ import annotations

from typing import Final

from exporter.catalogue.model import MICRO, Metric

CLICK: Final = "click"
KEYSTROKE: Final = "keystroke"
SCROLL: Final = "scroll"
SCREENSHOT: Final = "screenshot"
INTERACTIONS: Final = (CLICK, KEYSTROKE, SCROLL, SCREENSHOT)

TOKENS = Metric(
    "granite_tokens_total",
    "counter",
    "Tokens used by all workflows.",
    sources={"granite": "summary.total_tokens"},
    durable=True,
)
WORKFLOW_TOKENS = Metric(
    "granite_workflow_tokens_total",
    "counter",
    "Tokens used by one workflow; only when asked for in the configuration, since each workflow costs requests.",
    ("workload",),
    {"granite": "summary.total_tokens of a read with workflow_name"},
    durable=True,
)
WORKFLOW_INTERACTIONS = Metric(
    "granite_workflow_interactions_total",
    "counter",
    "What workflows did on the screen, by kind (click, keystroke, scroll, screenshot), as far as the list told.",
    ("workload", "kind"),
    {"granite": "actions_per_workflow clicks, keystrokes, scrolls, screenshots"},
    durable=True,
)
WORKFLOW_STEPS = Metric(
    "granite_workflow_steps_total",
    "counter",
    "Steps that workflows took, as far as the list told.",
    ("workload",),
    {"granite": "actions_per_workflow total_steps"},
    durable=True,
)
ENDPOINT_INVOCATIONS = Metric(
    "granite_endpoint_invocations_total",
    "counter",
    "Calls of published endpoints, as far as the list told.",
    ("endpoint_slug", "http_method"),
    {"granite": "endpoint_usage invocations"},
    open_labels=("endpoint_slug", "http_method"),
    durable=True,
)
ENDPOINT_SUCCESSFUL_INVOCATIONS = Metric(
    "granite_endpoint_successful_invocations_total",
    "counter",
    "Calls of published endpoints that succeeded, as far as the list told.",
    ("endpoint_slug", "http_method"),
    {"granite": "endpoint_usage success_count"},
    open_labels=("endpoint_slug", "http_method"),
    durable=True,
)
WINDOW_EXECUTIONS = Metric(
    "granite_window_executions",
    "gauge",
    "Executions in the rolling window.",
    ("window",),
    {"granite": "summary.total_executions"},
)
WINDOW_EXECUTIONS_BY_STATUS = Metric(
    "granite_window_executions_by_status",
    "gauge",
    "Executions in the rolling window by status. They may add up to less than granite_window_executions, since "
    "the platform tells no number for cancelled ones here.",
    ("window", "status"),
    {"granite": "executions_over_time completed, failed, running, pending"},
)
WINDOW_WORKFLOW_EXECUTIONS = Metric(
    "granite_window_workflow_executions",
    "gauge",
    "Executions of one workflow in the rolling window, as far as the list told.",
    ("workload", "window"),
    {"granite": "top_automations executions"},
)
WINDOW_WORKFLOW_DURATION_MEAN = Metric(
    "granite_window_workflow_duration_mean_seconds",
    "gauge",
    "Mean duration of one workflow's executions in the rolling window, as far as the lists told.",
    ("workload", "window"),
    {"granite": "top_automations avg_duration_ms, else workflow_complexity avg_duration_ms"},
    unit=MICRO,
)
WINDOW_DURATION_MEAN = Metric(
    "granite_window_duration_mean_seconds",
    "gauge",
    "Mean duration of executions in the rolling window.",
    ("window",),
    {"granite": "duration_distribution.stats.avg_ms, else summary.avg_duration_ms"},
    unit=MICRO,
)
WINDOW_DURATION_MIN = Metric(
    "granite_window_duration_min_seconds",
    "gauge",
    "Shortest duration of an execution in the rolling window.",
    ("window",),
    {"granite": "duration_distribution.stats.min_ms"},
    unit=MICRO,
)
WINDOW_DURATION_MAX = Metric(
    "granite_window_duration_max_seconds",
    "gauge",
    "Longest duration of an execution in the rolling window.",
    ("window",),
    {"granite": "duration_distribution.stats.max_ms"},
    unit=MICRO,
)
WINDOW_DURATION_QUANTILE = Metric(
    "granite_window_duration_quantile_seconds",
    "gauge",
    "Quantiles of the duration of executions in the rolling window, as the platform computed them.",
    ("window", "q"),
    {"granite": "duration_distribution.stats.p50_ms, p75_ms, p90_ms, p95_ms, p99_ms"},
    unit=MICRO,
)
WINDOW_DURATION_DISTRIBUTION = Metric(
    "granite_window_duration_distribution_seconds",
    "gaugehistogram",
    "Executions in the rolling window by duration, with the platform's own bounds; withheld while the bounds "
    "change too often.",
    ("window",),
    {"granite": "duration_distribution.histogram bucket_end_ms, count"},
    openmetrics_only=True,
)
WINDOW_ENDPOINT_RESPONSE_MEAN = Metric(
    "granite_window_endpoint_response_mean_seconds",
    "gauge",
    "Mean response time of published endpoints in the rolling window, as far as the list told.",
    ("window", "endpoint_slug", "http_method"),
    {"granite": "endpoint_usage avg_response_time_ms"},
    open_labels=("endpoint_slug", "http_method"),
    unit=MICRO,
)
WINDOW_ENDPOINT_RESPONSE_P95 = Metric(
    "granite_window_endpoint_response_p95_seconds",
    "gauge",
    "95th percentile of the response time of published endpoints in the rolling window, as far as the list told.",
    ("window", "endpoint_slug", "http_method"),
    {"granite": "endpoint_usage p95_response_time_ms"},
    open_labels=("endpoint_slug", "http_method"),
    unit=MICRO,
)
ACTIVE_TODAY = Metric(
    "granite_active_today",
    "gauge",
    "The platform's figure of that name; whether it means executions or workflows, and whose day, is not told.",
    sources={"granite": "summary.active_today"},
)
WORKFLOW_COMPLEXITY_SCORE = Metric(
    "granite_workflow_complexity_score",
    "gauge",
    "The platform's complexity score of a workflow.",
    ("workload",),
    {"granite": "workflow_complexity complexity_score"},
)
WORKFLOW_DEFINITION_STEPS = Metric(
    "granite_workflow_definition_steps",
    "gauge",
    "Steps in a workflow's definition.",
    ("workload",),
    {"granite": "workflow_complexity total_steps"},
)
WORKFLOW_ITERATIONS = Metric(
    "granite_workflow_iterations",
    "gauge",
    "Iterations of a workflow, as the platform tells them.",
    ("workload",),
    {"granite": "workflow_complexity total_iterations"},
)
WORKFLOW_PARAMETERS = Metric(
    "granite_workflow_parameters",
    "gauge",
    "Parameters of a workflow.",
    ("workload",),
    {"granite": "workflow_complexity parameters_count"},
)

ROWS: Final = (
    TOKENS,
    WORKFLOW_TOKENS,
    WORKFLOW_INTERACTIONS,
    WORKFLOW_STEPS,
    ENDPOINT_INVOCATIONS,
    ENDPOINT_SUCCESSFUL_INVOCATIONS,
    WINDOW_EXECUTIONS,
    WINDOW_EXECUTIONS_BY_STATUS,
    WINDOW_WORKFLOW_EXECUTIONS,
    WINDOW_WORKFLOW_DURATION_MEAN,
    WINDOW_DURATION_MEAN,
    WINDOW_DURATION_MIN,
    WINDOW_DURATION_MAX,
    WINDOW_DURATION_QUANTILE,
    WINDOW_DURATION_DISTRIBUTION,
    WINDOW_ENDPOINT_RESPONSE_MEAN,
    WINDOW_ENDPOINT_RESPONSE_P95,
    ACTIVE_TODAY,
    WORKFLOW_COMPLEXITY_SCORE,
    WORKFLOW_DEFINITION_STEPS,
    WORKFLOW_ITERATIONS,
    WORKFLOW_PARAMETERS,
)
