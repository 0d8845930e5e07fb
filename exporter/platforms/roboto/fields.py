"""Where the fields of Roboto's records go."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.runs import ACTIVE_RUNS, FIRST_SEEN, INFO, LAST_RUN, RUNS
from exporter.platforms.accounting import NO_SCHEDULES, Account, PlatformAccount, feeds, left, serves
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
        **NO_SCHEDULES,
        "automation_oldest_active_run_timestamp_seconds": "statistics tell numbers, not single invocations",
        "automation_run_duration_seconds": "statistics tell no durations",
        "automation_run_wait_seconds": "statistics tell no times",
        "automation_run_lateness_seconds": "statistics tell no times",
        "automation_run_failures_total": "statistics tell no reasons",
        "automation_triggered_runs_total": "statistics tell no triggers",
        "automation_workload_enabled": "actions have no such switch",
    },
    notes=(
        "Cancelled invocations are in none of the documented numbers, so outcome `cancelled` does not exist here.",
        "A failed invocation may be queued again: then its failure is taken back, as debt (see docs/metrics.md).",
        "Actions without invocations in the window are not listed; their series stay.",
        "`automation_last_run_timestamp_seconds` is the time of the poll that saw the number rise.",
    ),
)
