"""Runs, the same families for all platforms."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.model import MICRO, Metric

COMPLETED: Final = "completed"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
UNKNOWN: Final = "unknown"
OUTCOMES: Final = (COMPLETED, FAILED, CANCELLED, UNKNOWN)

QUEUED: Final = "queued"
RUNNING: Final = "running"
PAUSED: Final = "paused"
OPEN: Final = "open"
STATES: Final = (QUEUED, RUNNING, PAUSED, OPEN)

DURATION_BOUNDS: Final = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)

RUNS = Metric(
    "automation_runs_total",
    "counter",
    "Runs that ended, by outcome. Each run is counted once, when it was first seen ended. On platforms that "
    "report windows a fall is not shown: truth = counter - debt - written off.",
    ("workload", "outcome"),
    {
        "roboto": "completed_count, fail_count",
        "foundry": "ended runs by status and phase; an attempt is a run, so a retry is another run",
        "granite": "top_automations completed, failures; cancelled from a read with status=cancelled",
        "moderately": "ended executions by status",
    },
    durable=True,
)
ACTIVE_RUNS = Metric(
    "automation_active_runs",
    "gauge",
    "Runs that have not ended, by state.",
    ("workload", "state"),
    {
        "roboto": "queued_count (queued or in progress) as state open",
        "foundry": "runs that have not ended, by status and phase",
        "granite": "executions_over_time running, pending (workload empty)",
        "moderately": "executions pending (as queued), running, paused",
    },
)
OLDEST_ACTIVE_RUN = Metric(
    "automation_oldest_active_run_timestamp_seconds",
    "gauge",
    "Birth time of the oldest run that has not ended, by state.",
    ("workload", "state"),
    {"foundry": "first present of triggered_at, started_at", "moderately": "createdAt, else startedAt"},
    unit=MICRO,
)
RUN_DURATION = Metric(
    "automation_run_duration_seconds",
    "histogram",
    "Time from start to end of a run. Runs without both times, or with a negative difference, are left out, so "
    "that _count may be below automation_runs_total.",
    ("workload", "outcome"),
    {"foundry": "ended_at - started_at", "moderately": "completedAt, failedAt or cancelledAt - startedAt"},
    unit=MICRO,
    bounds=DURATION_BOUNDS,
    durable=True,
)
RUN_WAIT = Metric(
    "automation_run_wait_seconds",
    "histogram",
    "Time from trigger or creation to start of a run. Runs without both times, or with a negative difference, "
    "are left out.",
    ("workload",),
    {"foundry": "started_at - triggered_at", "moderately": "startedAt - createdAt"},
    unit=MICRO,
    bounds=DURATION_BOUNDS,
    durable=True,
)
RUN_LATENESS = Metric(
    "automation_run_lateness_seconds",
    "histogram",
    "Time from the scheduled fire time to the start of a run. Negative differences are left out.",
    ("workload",),
    {"foundry": "started_at, else triggered_at - scheduled_fire_at"},
    unit=MICRO,
    bounds=DURATION_BOUNDS,
    durable=True,
    stability="preview",
)
RUN_FAILURES = Metric(
    "automation_run_failures_total",
    "counter",
    "Failed runs by reason, as the platform names it. On Granite, as far as the list of categories told.",
    ("workload", "reason", "status_code"),
    {
        "foundry": "error_type, else http_<error_status_code>, else unknown; error_status_code",
        "granite": "failure_breakdown category, count (workload and status_code empty)",
        "moderately": "failed executions, reason unknown",
    },
    open_labels=("reason", "status_code"),
    durable=True,
)
TRIGGERED_RUNS = Metric(
    "automation_triggered_runs_total",
    "counter",
    "Ended runs by what triggered them. On Granite the executions of the platform's own count by trigger, ended or "
    "not, as far as the list told.",
    ("workload", "trigger_type", "outcome"),
    {
        "foundry": "trigger_type",
        "granite": "trigger_distribution trigger_type, count (workload and outcome empty)",
    },
    open_labels=("trigger_type",),
    durable=True,
)
LAST_RUN = Metric(
    "automation_last_run_timestamp_seconds",
    "gauge",
    "When the latest run with this outcome ended. Set from history too; never falls.",
    ("workload", "outcome"),
    {
        "roboto": "time of the poll that saw the count rise (absent before)",
        "foundry": "ended_at",
        "granite": "time of the poll that saw the count rise; failed also from recent_failures started_at",
        "moderately": "completedAt, failedAt, cancelledAt",
    },
    unit=MICRO,
    durable=True,
)
FIRST_SEEN = Metric(
    "automation_workload_first_seen_timestamp_seconds",
    "gauge",
    "When the exporter first saw the workload.",
    ("workload",),
    {
        "roboto": "action_name",
        "foundry": "routine name",
        "granite": "workflows, top_automations workflow_name",
        "moderately": "agentId",
    },
    unit=MICRO,
    durable=True,
)
ENABLED = Metric(
    "automation_workload_enabled",
    "gauge",
    "1 when the platform says that the workload is enabled, 0 when it is disabled.",
    ("workload",),
    {"foundry": "enabled"},
    stability="preview",
)
INFO = Metric(
    "automation_workload_info",
    "gauge",
    "Always 1; facts about the workload as labels, and the labels that workloads: of the configuration gives it.",
    ("workload", "workload_id", "agent_id", "org_id", "trigger_type", "schedule", "time_zone"),
    {
        "roboto": "action_name; org_id from action_org_id",
        "foundry": "agent_id from action.agent_name, else agent_endpoint_id; triggers' type, cron_expression, "
        "time_zone",
        "granite": "workflow_name",
        "moderately": "workload_id from agentId",
    },
    durable=True,
)
SCHEDULE_DUE = Metric(
    "automation_schedule_due_timestamp_seconds",
    "gauge",
    "The latest time at which the schedule was due.",
    ("workload", "trigger_name"),
    {"foundry": "triggers' cron_expression in time_zone, or timer at"},
    unit=MICRO,
    stability="preview",
)
SCHEDULE_NEXT = Metric(
    "automation_schedule_next_timestamp_seconds",
    "gauge",
    "The next time at which the schedule is due; absent for a timer in the past.",
    ("workload", "trigger_name"),
    {"foundry": "triggers' cron_expression in time_zone, or timer at"},
    unit=MICRO,
    joined="min",
    stability="preview",
)
SCHEDULE_FIRED = Metric(
    "automation_schedule_fired_timestamp_seconds",
    "gauge",
    "The newest fire time for which a delivery was seen; never falls.",
    ("workload", "trigger_name"),
    {"foundry": "scheduled_fire_at"},
    unit=MICRO,
    durable=True,
    stability="preview",
)
SCHEDULE_OVERDUE = Metric(
    "automation_schedule_overdue_since_timestamp_seconds",
    "gauge",
    "The oldest due time for which no delivery has come; absent when nothing is overdue.",
    ("workload", "trigger_name"),
    {"foundry": "due times without a run of that scheduled_fire_at"},
    unit=MICRO,
    joined="min",
    stability="preview",
)
SCHEDULE_MISSED = Metric(
    "automation_schedule_missed_total",
    "counter",
    "Due times for which no delivery came within the grace, judged in data time.",
    ("workload", "trigger_name"),
    {"foundry": "due times without a run of that scheduled_fire_at"},
    durable=True,
    stability="preview",
)
OBJECTIVE_SUCCESS = Metric(
    "automation_workload_objective_success_ratio",
    "gauge",
    "Share of runs that should succeed, from the configuration.",
    ("workload",),
)
OBJECTIVE_SILENCE = Metric(
    "automation_workload_objective_max_silence_seconds",
    "gauge",
    "Longest time that may pass without a completed run, from the configuration.",
    ("workload",),
    unit=MICRO,
)
OBJECTIVE_ACTIVE = Metric(
    "automation_workload_objective_max_active_seconds",
    "gauge",
    "Longest time that a run may stay active, from the configuration.",
    ("workload",),
    unit=MICRO,
)

OBJECTIVES: Final = (OBJECTIVE_SUCCESS, OBJECTIVE_SILENCE, OBJECTIVE_ACTIVE)
"""In the order of the fields of an expectation."""

ROWS: Final = (
    RUNS,
    ACTIVE_RUNS,
    OLDEST_ACTIVE_RUN,
    RUN_DURATION,
    RUN_WAIT,
    RUN_LATENESS,
    RUN_FAILURES,
    TRIGGERED_RUNS,
    LAST_RUN,
    FIRST_SEEN,
    ENABLED,
    INFO,
    SCHEDULE_DUE,
    SCHEDULE_NEXT,
    SCHEDULE_FIRED,
    SCHEDULE_OVERDUE,
    SCHEDULE_MISSED,
    OBJECTIVE_SUCCESS,
    OBJECTIVE_SILENCE,
    OBJECTIVE_ACTIVE,
)
