"""Where the fields of Moderately's records go."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.moderately import (
    AGENT_LIFETIME_RUNS,
    AGENT_LIFETIME_SUCCESSFUL_RUNS,
    RUN_STEPS,
    STEP_LIMIT_REACHED,
)
from exporter.catalogue.runs import (
    ACTIVE_RUNS,
    FIRST_SEEN,
    INFO,
    LAST_RUN,
    OLDEST_ACTIVE_RUN,
    RUN_DURATION,
    RUN_FAILURES,
    RUN_WAIT,
    RUNS,
)
from exporter.platforms.accounting import (
    MESSAGES,
    NO_SCHEDULES,
    PAYLOAD,
    RATE,
    Account,
    PlatformAccount,
    Unread,
    feeds,
    left,
    serves,
)
from exporter.platforms.moderately.records import Agent, Execution, Version

PAGING: Final = left("the number of the page and whether one follows are enough")
PROMPT: Final = left("instructions and settings of the agent; never read, logged or shown")

ACCOUNT: Final = PlatformAccount(
    name="moderately",
    title="Moderately AI",
    intro=(
        "Workloads are agents. Their executions are counted one by one from the listing of the team, "
        "`GET /agent-executions`, read from its new end, whichever way round the platform lists it."
    ),
    accounts=(
        Account(
            "Execution (`GET /agent-executions`, `items[]`)",
            Execution,
            {
                "agentExecutionId": serves("each execution counts once; the `run_id` of exemplars"),
                "agentConfigurationVersionId": serves("leads to the agent"),
                "status": feeds((RUNS, "outcome"), (ACTIVE_RUNS, "state"), (RUN_FAILURES, "reason")),
                "createdAt": feeds(RUN_WAIT, OLDEST_ACTIVE_RUN),
                "startedAt": feeds(RUN_DURATION, RUN_WAIT, OLDEST_ACTIVE_RUN),
                "completedAt": feeds(RUN_DURATION, LAST_RUN),
                "failedAt": feeds(RUN_DURATION, LAST_RUN),
                "cancelledAt": feeds(RUN_DURATION, LAST_RUN),
                "currentStep": feeds(RUN_STEPS, STEP_LIMIT_REACHED),
                "maxActions": feeds(STEP_LIMIT_REACHED),
                "pausedAt": left("the state says that it is paused; no end and no start"),
                "updatedAt": left("says nothing about the execution's own times"),
                "planningInterval": left("a setting of the agent"),
                "agentInput": PAYLOAD,
                "agentInputSchema": PAYLOAD,
                "agentInputSummary": PAYLOAD,
                "agentOutput": PAYLOAD,
                "agentOutputSchema": PAYLOAD,
                "agentOutputSummary": PAYLOAD,
                "thoughts": PAYLOAD,
            },
        ),
        Account(
            "Agent (`GET /agents`, `items[]`)",
            Agent,
            {
                "agentId": feeds((INFO, "workload_id"), (FIRST_SEEN, "workload"), also="the agent's identity"),
                "name": feeds((RUNS, "workload")),
                "createdAt": serves("puts agents that `include` names into requests, in a lasting order"),
                "totalRuns": feeds(AGENT_LIFETIME_RUNS),
                "successfulRuns": feeds(AGENT_LIFETIME_SUCCESSFUL_RUNS),
                "successRate": RATE,
                "lastRunAt": left("of any outcome; `automation_last_run_timestamp_seconds` tells them apart"),
                "teamId": left("the target is one team"),
                "description": MESSAGES,
                "updatedAt": left("says nothing about executions"),
            },
        ),
        Account(
            "Configuration version (`GET /agent-configuration-versions`, `[]`)",
            Version,
            {
                "agentConfigurationVersionId": serves("whose the version is"),
                "agentId": serves("whose the version is"),
                "versionNumber": PROMPT,
                "isCurrent": PROMPT,
                "createdAt": PROMPT,
                "updatedAt": PROMPT,
                "instructions": PROMPT,
                "systemPrompt": PROMPT,
                "inputSchema": PROMPT,
                "outputSchema": PROMPT,
                "llmConfig": PROMPT,
                "toolConfig": PROMPT,
                "executionConfig": PROMPT,
            },
        ),
        Account(
            "Answer",
            None,
            {
                "items": serves("the list"),
                "pagination.totalItems": serves("a check on what was counted; a fall while reading means rows moved"),
                "pagination.totalPages": serves("finds the new end of a listing that begins with the old ones"),
                "pagination.hasNextPage": serves("leads to the next page"),
                "pagination.hasPreviousPage": PAGING,
                "pagination.page": PAGING,
                "pagination.pageSize": PAGING,
            },
        ),
    ),
    unfed={
        **NO_SCHEDULES,
        "automation_run_lateness_seconds": "executions tell no due time",
        "automation_triggered_runs_total": "executions tell no trigger",
        "automation_workload_enabled": "agents have no such switch",
    },
    notes=(
        "The platform tells no reason of a failure: `automation_run_failures_total` has the reason `unknown`.",
        "An execution names a configuration version, not an agent. One whose version no answer knows is asked for "
        "in three more polls, which fail; then it is counted for the workload `_unnamed`, and the version is asked for "
        "again after a day.",
        "Open executions that the reading did not meet are looked up by id. An answer with another id means that the "
        "filter is ignored, which fails the poll.",
        "The platform's own numbers of ended executions are a check: when they exceed what was counted in two polls "
        "running, the listing is read down to all that is remembered.",
    ),
    unread=(
        Unread(
            "GET /pipelines",
            ("pipelineId", "name", "totalRuns", "successfulRuns", "successRate", "lastRunAt"),
            "pipelines are another kind of workload than agents; this exporter counts agents",
        ),
        Unread(
            "GET /pipeline-executions",
            (
                "pipelineExecutionId",
                "pipelineConfigurationVersionId",
                "status",
                "createdAt",
                "updatedAt",
                "startedAt",
                "completedAt",
                "failedAt",
                "cancelledAt",
                "pausedAt",
                "currentStep",
                "totalSteps",
                "progressData",
                "pipelineInput",
                "pipelineInputSummary",
                "pipelineOutput",
                "pipelineOutputFileUri",
                "pipelineOutputSummary",
            ),
            "the same; a `PATCH` can set any status of theirs at any time, so an ended one need not stay ended",
        ),
    ),
)
