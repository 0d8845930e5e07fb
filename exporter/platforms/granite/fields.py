"""Where the fields of Granite's answer go."""

from __future__ import annotations

from typing import Final

from exporter.catalogue import granite as rows
from exporter.catalogue.runs import (
    ACTIVE_RUNS,
    FIRST_SEEN,
    INFO,
    LAST_RUN,
    RUN_FAILURES,
    RUNS,
    TRIGGERED_RUNS,
)
from exporter.platforms.accounting import (
    MESSAGES,
    NO_SCHEDULES,
    RATE,
    Account,
    PlatformAccount,
    Unread,
    feeds,
    left,
    serves,
)
from exporter.platforms.granite.records import (
    Actions,
    Automation,
    Complexity,
    DurationBucket,
    DurationStats,
    EndpointUsage,
    Failure,
    FailureCategory,
    Slot,
    Summary,
    TriggerCount,
)

OURS: Final = left("an echo of what was asked")
NAME: Final = serves("the workflow that the item is about")

ACCOUNT: Final = PlatformAccount(
    name="granite",
    title="Granite",
    intro=(
        "Workloads are workflows. Everything comes from one question, `POST /api/analytics/batch`, asked over an "
        "anchored window for the counters and over a rolling one for the gauges `granite_window_*`."
    ),
    accounts=(
        Account(
            "`summary`",
            Summary,
            {
                "total_executions": feeds(rows.WINDOW_EXECUTIONS, also="tells whether the list of cancelled is whole"),
                "completed": serves("tells whether `top_automations` is whole; a workflow's own, when asked by name"),
                "total_failures": serves("the same for failures"),
                "avg_duration_ms": feeds(rows.WINDOW_DURATION_MEAN),
                "active_today": feeds(rows.ACTIVE_TODAY),
                "total_tokens": feeds(rows.TOKENS, rows.WORKFLOW_TOKENS),
                "success_rate": RATE,
            },
        ),
        Account(
            "`executions_over_time.data[]`",
            Slot,
            {
                "completed": feeds(rows.WINDOW_EXECUTIONS_BY_STATUS),
                "failed": feeds(rows.WINDOW_EXECUTIONS_BY_STATUS),
                "running": feeds(rows.WINDOW_EXECUTIONS_BY_STATUS, ACTIVE_RUNS),
                "pending": feeds(rows.WINDOW_EXECUTIONS_BY_STATUS, ACTIVE_RUNS),
                "time": left("the sum over the window is published; Prometheus keeps the history"),
                "total": left("`summary.total_executions` is published"),
                "cancelled": left("in no documentation: seen in a sample only; a read with `status` tells it"),
            },
        ),
        Account(
            "`success_rate.data[]`",
            None,
            {
                "time": RATE,
                "total": RATE,
                "completed": RATE,
                "success_rate": RATE,
            },
        ),
        Account(
            "`failure_breakdown.data[]`",
            FailureCategory,
            {
                "category": feeds((RUN_FAILURES, "reason")),
                "count": feeds(RUN_FAILURES),
                "sample_messages": MESSAGES,
            },
        ),
        Account(
            "`trigger_distribution.data[]`",
            TriggerCount,
            {"trigger_type": feeds((TRIGGERED_RUNS, "trigger_type")), "count": feeds(TRIGGERED_RUNS)},
        ),
        Account(
            "`top_automations.data[]`",
            Automation,
            {
                "workflow_name": feeds((RUNS, "workload"), (INFO, "workload_id"), (FIRST_SEEN, "workload")),
                "executions": feeds(rows.WINDOW_WORKFLOW_EXECUTIONS, RUNS, also="outcome cancelled, by `status`"),
                "completed": feeds(RUNS, LAST_RUN),
                "failures": feeds(RUNS, LAST_RUN),
                "avg_duration_ms": feeds(rows.WINDOW_WORKFLOW_DURATION_MEAN),
                "success_rate": RATE,
                "last_execution": left("of any outcome; `automation_last_run_timestamp_seconds` tells them apart"),
            },
        ),
        Account(
            "`duration_distribution.stats`",
            DurationStats,
            {
                "total": serves("without any duration, none is shown"),
                "avg_ms": feeds(rows.WINDOW_DURATION_MEAN),
                "min_ms": feeds(rows.WINDOW_DURATION_MIN),
                "max_ms": feeds(rows.WINDOW_DURATION_MAX),
                **{f"p{number}_ms": feeds((rows.WINDOW_DURATION_QUANTILE, "q")) for number in (50, 75, 90, 95, 99)},
            },
        ),
        Account(
            "`duration_distribution.histogram[]`",
            DurationBucket,
            {
                "bucket_end_ms": feeds((rows.WINDOW_DURATION_DISTRIBUTION, "le")),
                "count": feeds(rows.WINDOW_DURATION_DISTRIBUTION),
                "bucket_start_ms": left("the end of the bucket before it"),
            },
        ),
        Account(
            "`recent_failures.data[]`",
            Failure,
            {
                "run_id": serves("the `run_id` of exemplars on `automation_run_failures_total`"),
                "execution_id": serves("the same, where no `run_id` is told"),
                "workflow_name": feeds((LAST_RUN, "workload")),
                "error_category": serves("the series that gets the exemplar"),
                "started_at": feeds(LAST_RUN),
                "duration_ms": feeds(LAST_RUN),
                "triggered_by": left("the list is cut short, so it counts nothing"),
                "error_message": MESSAGES,
            },
        ),
        Account(
            "`actions_per_workflow.data[]`",
            Actions,
            {
                "workflow_name": NAME,
                **{
                    field: feeds((rows.WORKFLOW_INTERACTIONS, "kind"))
                    for field in ("clicks", "keystrokes", "scrolls", "screenshots")
                },
                "total_steps": feeds(rows.WORKFLOW_STEPS),
            },
        ),
        Account(
            "`workflow_complexity.data[]`",
            Complexity,
            {
                "workflow_name": NAME,
                "complexity_score": feeds(rows.WORKFLOW_COMPLEXITY_SCORE),
                "total_steps": feeds(rows.WORKFLOW_DEFINITION_STEPS),
                "total_iterations": feeds(rows.WORKFLOW_ITERATIONS),
                "parameters_count": feeds(rows.WORKFLOW_PARAMETERS),
                "avg_duration_ms": feeds(rows.WINDOW_WORKFLOW_DURATION_MEAN),
                "success_rate": RATE,
            },
        ),
        Account(
            "`endpoint_usage.data[]`",
            EndpointUsage,
            {
                "endpoint_slug": feeds((rows.ENDPOINT_INVOCATIONS, "endpoint_slug")),
                "http_method": feeds((rows.ENDPOINT_INVOCATIONS, "http_method")),
                "invocations": feeds(rows.ENDPOINT_INVOCATIONS),
                "success_count": feeds(rows.ENDPOINT_SUCCESSFUL_INVOCATIONS),
                "avg_response_time_ms": feeds(rows.WINDOW_ENDPOINT_RESPONSE_MEAN),
                "p95_response_time_ms": feeds(rows.WINDOW_ENDPOINT_RESPONSE_P95),
                "success_rate": RATE,
            },
        ),
        Account(
            "Beside the lists",
            None,
            {
                "workflows": feeds((RUNS, "workload"), (FIRST_SEEN, "workload"), also="the roster: births at 0"),
                "failure_breakdown.total_failures": serves("tells whether the list of categories is whole"),
                "executions_over_time.granularity": OURS,
                "success_rate.granularity": OURS,
                "top_automations.sort_by": OURS,
                "recent_failures.total": left("the list counts nothing; `summary.total_failures` is the sum"),
                "recent_failures.limit": OURS,
                "recent_failures.offset": OURS,
            },
        ),
    ),
    unfed={
        **NO_SCHEDULES,
        "automation_oldest_active_run_timestamp_seconds": "sums tell no times of single executions",
        "automation_run_duration_seconds": "durations come as figures of a window: see `granite_window_duration_*`",
        "automation_run_wait_seconds": "sums tell no waiting times",
        "automation_run_lateness_seconds": "sums tell no due times",
        "automation_workload_enabled": "workflows have no such switch",
    },
    unread=(
        Unread(
            "GET /api/agent-runs/{run_id}",
            ("run_id", "status", "progress", "reserved_vm_id", "created_at", "completed_at"),
            "one execution a request, of 100 an hour on the free plan, and no list tells all their ids",
        ),
        Unread(
            "GET /api/workflow_jobs/{job_id}",
            ("status", "prompt", "created_at", "updated_at", "completed_at"),
            "about the making of a workflow, not about its executions; and it holds customers' data",
        ),
    ),
    notes=(
        "Cancelled executions, the rolling window and workflows read by name are asked for every `deep_interval`; "
        "they may lag that far behind.",
        'Lists of workflows may be cut short. Then `automation_exporter_target_degraded{reason="cut_short"}` is 1, '
        "and the workflows that they lack are read by name, with the requests that the announced limit leaves: at "
        "most half of it is ever used. When many workflows come at once, those with executions are read first. "
        "A workflow that the first answer lacked is counted from the first poll on; "
        "if the platform files executions by their creation, one that was under way then is not counted.",
        "The list of failure categories is compared with the sum beside it. When it lacks some, the same reason says "
        "so: `automation_run_failures_total` covers the categories that were told, `automation_runs_total` all.",
        "Lists without a sum to compare them with (steps, interactions, triggers, endpoints) cover what was told.",
        "`automation_run_failures_total` and `automation_triggered_runs_total` have no workload and no outcome here: "
        "the platform tells them for all workflows together.",
        "Servers may round the bounds of windows: an anchor moves only to a full day (of UTC, when `settle` is a day "
        "or more), so that the parts of a window do not overlap.",
        "Two targets whose filters meet the same workflows count them twice.",
    ),
)
