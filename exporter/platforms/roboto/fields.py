"""Where the fields of Roboto's records go."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.runs import ACTIVE_RUNS, FIRST_SEEN, INFO, LAST_RUN, RUNS
from exporter.platforms.accounting import Account, PlatformAccount, Unread, feeds, left, no_schedules, serves
from exporter.platforms.roboto.records import ActionStats, Caller

UNDOCUMENTED: Final = left("in no documentation: seen in a sample only, so nothing says what it means")

ACCOUNT: Final = PlatformAccount(
    name="roboto",
    title="Roboto",
    intro=(
        "Workloads are actions. Their invocations are counted by difference from the statistics over an anchored "
        "window, `GET /v1/actions/invocations/org-stats`: one request a poll, whatever the number of invocations."
    ),
    accounts=(
        Account(
            "Statistics of an action (`data.items[]`)",
            ActionStats,
            {
                "action_name": feeds((RUNS, "workload"), (INFO, "workload_id"), (FIRST_SEEN, "workload")),
                "action_org_id": feeds((INFO, "org_id"), also="with the name it is the action's identity"),
                "completed_count": feeds(RUNS, LAST_RUN),
                "fail_count": feeds(RUNS, LAST_RUN),
                "queued_count": feeds(ACTIVE_RUNS),
                "cancelled_count": UNDOCUMENTED,
                "avg_duration_seconds": UNDOCUMENTED,
            },
        ),
        Account(
            "Answer (`data`)",
            None,
            {
                "items": serves("the list of actions"),
                "next_token": serves("leads to the next page"),
                "total_count": UNDOCUMENTED,
            },
        ),
        Account("Caller's organisation (`GET /v1/orgs/caller`)", Caller, {"org_id": serves("`org_id` when unset")}),
    ),
    unfed={
        **no_schedules("triggers are not read: see below"),
        "automation_oldest_active_run_timestamp_seconds": "statistics tell numbers, not single invocations",
        "automation_run_duration_seconds": "statistics tell no durations",
        "automation_run_wait_seconds": "statistics tell no times",
        "automation_run_lateness_seconds": "statistics tell no times",
        "automation_run_failures_total": "statistics tell no reasons",
        "automation_triggered_runs_total": "statistics tell no triggers",
        "automation_workload_enabled": "actions have no such switch, their triggers do",
    },
    unread=(
        Unread(
            "POST /v1/actions/invocations/query",
            (
                "invocation_id",
                "org_id",
                "created",
                "last_status",
                "status",
                "duration",
                "timeout",
                "last_heartbeat",
                "provenance",
                "data_source",
                "upload_destination",
                "idempotency_id",
                "compute_requirements",
                "container_parameters",
                "input_data",
                "rich_input_data",
                "parameter_values",
            ),
            "the statistics count every invocation in one request; single ones come in pages, eventually consistent, "
            "and with customers' data (environment variables, parameters, inputs) in each record",
        ),
        Unread(
            "POST /v1/actions/query",
            (
                "name",
                "org_id",
                "description",
                "short_description",
                "accessibility",
                "published",
                "uri",
                "digest",
                "inherits",
                "parameters",
                "requires_downloaded_inputs",
                "compute_requirements",
                "container_parameters",
                "timeout",
                "metadata",
                "tags",
                "created",
                "created_by",
                "modified",
                "modified_by",
            ),
            "would only add actions without any invocation; one is listed from its first invocation on",
        ),
        Unread(
            "GET /v1/triggers",
            (
                "trigger_id",
                "org_id",
                "name",
                "enabled",
                "fires_on",
                "condition",
                "targets",
                "engine",
                "managed_by",
                "created",
                "created_by",
                "modified",
                "modified_by",
            ),
            "a trigger may start several actions and an action may have several triggers: whether one is late can only "
            "be told from its dispatches",
        ),
        Unread(
            "GET /v1/triggers/id/{id}/dispatches",
            (
                "trigger_id",
                "org_id",
                "status",
                "status_detail",
                "result_ref",
                "claimed_at",
                "finalized_at",
                "target_id",
                "target_type",
                "event_id",
                "event_type",
                "dataset_id",
                "subject",
                "idempotency_token",
            ),
            "one request for each trigger and poll, without a documented limit on requests; it says that a trigger "
            "fired, not how the invocation ended",
        ),
    ),
    notes=(
        "Cancelled invocations are in none of the documented numbers, so outcome `cancelled` does not exist here.",
        "A failed invocation may be queued again: then its failure is taken back, as debt (see docs/metrics.md).",
        "Actions without invocations in the window are not listed; their series stay.",
        "`automation_last_run_timestamp_seconds` is the time of the poll that saw the number rise.",
    ),
)
