"""Where the fields of Foundry's records go."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.foundry import DISPATCHES
from exporter.catalogue.runs import (
    ACTIVE_RUNS,
    ENABLED,
    FIRST_SEEN,
    INFO,
    LAST_RUN,
    OLDEST_ACTIVE_RUN,
    RUN_DURATION,
    RUN_FAILURES,
    RUN_LATENESS,
    RUN_WAIT,
    RUNS,
    SCHEDULE_DUE,
    SCHEDULE_FIRED,
    SCHEDULE_MISSED,
    SCHEDULE_NEXT,
    SCHEDULE_OVERDUE,
    TRIGGERED_RUNS,
)
from exporter.platforms.accounting import MESSAGES, PAYLOAD, Account, PlatformAccount, feeds, left, serves
from exporter.platforms.foundry.records import Action, Routine, RoutineRun, Trigger

EVENT_SOURCE: Final = left("says where events come from, nothing about runs")
CONSOLE: Final = serves("an id for the run feed and for consoles; one for each run is too many values for a label")

ACCOUNT: Final = PlatformAccount(
    name="foundry",
    title="Microsoft Foundry routines",
    intro=(
        "Workloads are routines, a preview API. Their runs are counted one by one from the listing of each routine, "
        "`GET /routines/{name}/runs`; each attempt is a run, so a retry is another one."
    ),
    accounts=(
        Account(
            "Routine (`GET /routines`, `data[]`)",
            Routine,
            {
                "name": feeds((RUNS, "workload"), (INFO, "workload_id"), (FIRST_SEEN, "workload")),
                "enabled": feeds(ENABLED, also="schedules of disabled routines are not judged"),
                "triggers": serves("see below"),
                "action": serves("see below"),
                "created_at": serves("a schedule is not judged before it"),
                "updated_at": serves("a schedule is not judged before an edit"),
                "description": MESSAGES,
            },
        ),
        Account(
            "Trigger of a routine (`triggers`)",
            Trigger,
            {
                "type": feeds((INFO, "trigger_type")),
                "cron_expression": feeds(
                    (INFO, "schedule"), SCHEDULE_DUE, SCHEDULE_NEXT, SCHEDULE_OVERDUE, SCHEDULE_MISSED
                ),
                "time_zone": feeds((INFO, "time_zone"), SCHEDULE_DUE, SCHEDULE_NEXT),
                "at": feeds(SCHEDULE_DUE, SCHEDULE_NEXT, SCHEDULE_OVERDUE, SCHEDULE_MISSED),
                "connection_id": EVENT_SOURCE,
                "owner": EVENT_SOURCE,
                "repository": EVENT_SOURCE,
                "issue_event": EVENT_SOURCE,
                "provider": EVENT_SOURCE,
                "event_name": EVENT_SOURCE,
                "parameters": PAYLOAD,
            },
        ),
        Account(
            "Action of a routine (`action`)",
            Action,
            {
                "agent_name": feeds((INFO, "agent_id")),
                "agent_endpoint_id": feeds((INFO, "agent_id"), also="where no name is told"),
                "type": left("runs tell it too, as `action_type`"),
                "input": PAYLOAD,
            },
        ),
        Account(
            "Run (`GET /routines/{name}/runs`, `data[]`)",
            RoutineRun,
            {
                "id": serves("each run counts once; the `run_id` of exemplars"),
                "status": feeds((RUNS, "outcome"), (ACTIVE_RUNS, "state"), (DISPATCHES, "outcome")),
                "phase": feeds((RUNS, "outcome"), (ACTIVE_RUNS, "state"), (DISPATCHES, "outcome")),
                "trigger_type": feeds((TRIGGERED_RUNS, "trigger_type")),
                "trigger_name": feeds((SCHEDULE_FIRED, "trigger_name")),
                "attempt_source": feeds((DISPATCHES, "attempt_source"), also="tells deliveries of schedules"),
                "action_type": feeds((DISPATCHES, "action_type")),
                "triggered_at": feeds(RUN_WAIT, RUN_LATENESS, OLDEST_ACTIVE_RUN),
                "scheduled_fire_at": feeds(RUN_LATENESS, SCHEDULE_FIRED, SCHEDULE_MISSED, SCHEDULE_OVERDUE),
                "started_at": feeds(RUN_DURATION, RUN_WAIT, RUN_LATENESS, OLDEST_ACTIVE_RUN),
                "ended_at": feeds(RUN_DURATION, LAST_RUN),
                "error_type": feeds((RUN_FAILURES, "reason")),
                "error_status_code": feeds((RUN_FAILURES, "status_code"), (RUN_FAILURES, "reason")),
                "dispatch_id": CONSOLE,
                "response_id": CONSOLE,
                "conversation_id": CONSOLE,
                "session_id": CONSOLE,
                "action_correlation_id": CONSOLE,
                "task_id": CONSOLE,
                "agent_id": left("the routine tells its agent; many runs of a routine have the same"),
                "agent_endpoint_id": left("the routine tells its agent's endpoint"),
                "error_message": MESSAGES,
                "trigger_event_payload": PAYLOAD,
            },
        ),
        Account(
            "Answer",
            None,
            {
                "data": serves("the list"),
                "value": serves("the list, in early previews"),
                "next_link": serves("leads to the next page"),
                "nextLink": serves("leads to the next page, in early previews"),
                "nextPageToken": serves("leads to the next page, in early previews"),
                "continuationToken": serves("leads to the next page, in early previews"),
            },
        ),
    ),
    notes=(
        "Outcome: failed when phase or status says so; cancelled when either says so or status is killed; completed "
        "when phase is completed and status finished, each unless it is null. Both may lag: a run stays open until "
        "its status is final or its end is 10 minutes ago.",
        "State: running when status says so or a start is told, else queued while phase is queued or dispatching, "
        "else open.",
    ),
)
