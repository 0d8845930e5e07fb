"""Moderately's records: executions, agents, configuration versions. Whatever may hold customers' data is a canary."""

from __future__ import annotations

import hashlib
from collections import Counter

from exporter.simulator.clock import MICROSECOND, iso
from exporter.simulator.face import CANARY
from exporter.simulator.messages import Json
from exporter.simulator.model import TERMINAL, Run, State, Workload

STATUS_OF: dict[State, str] = {
    "queued": "pending",
    "running": "running",
    "paused": "paused",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "unknown": "timed_out",
}
STATUSES = frozenset(STATUS_OF.values()) - {"timed_out"}
ENDS = {"completed": "completedAt", "failed": "failedAt", "cancelled": "cancelledAt"}
MILLISECOND = 1000 * MICROSECOND


def agent_id(workload: Workload) -> str:
    """Stable under renaming, and without a slash, a comma or a space."""
    return "ag-" + _digest(workload.key)


def version_id(workload: Workload) -> str:
    """Each edit of an agent is a new version."""
    return "cv-" + _digest(f"{workload.key}|{workload.updated_at}")


def status(run: Run, now: int) -> str:
    """The vendor's word for a run's state."""
    state = run.state_at(now)
    return STATUS_OF["queued" if state is None else state]


def time(at: int | None) -> str | None:
    """ISO 8601 with milliseconds and Z."""
    if at is None:
        return None
    text = iso(at // MILLISECOND * MILLISECOND).replace("+00:00", "")
    return f"{text[:19]}.{text[20:23] or '000'}Z"


def execution(run: Run, workload: Workload | None, now: int) -> Json:
    """One execution as the listing shows it at ``now``."""
    state = run.state_at(now)
    ended = run.shown("ended_at", now)
    field = ENDS.get(status(run, now))
    pauses = [change.at for change in run.changes if change.state == "paused" and change.at <= now]
    return {
        "agentExecutionId": run.id,
        "agentConfigurationVersionId": None if workload is None else version_id(workload),
        "agentInput": {"question": CANARY},
        "agentInputSchema": {"type": "object"},
        "agentInputSummary": f"{CANARY} input",
        "agentOutput": {"answer": CANARY} if state == "completed" else None,
        "agentOutputSchema": {"type": "object"},
        "agentOutputSummary": None,
        "status": status(run, now),
        "thoughts": [{"text": f"{CANARY} thought", "createdAt": None}],
        "maxActions": run.step_limit,
        "currentStep": run.steps if state in TERMINAL and run.steps else None,
        "planningInterval": 5,
        "createdAt": time(run.shown("created_at", now)),
        "updatedAt": time(max(change.at for change in run.changes if change.at <= now)),
        "startedAt": time(run.shown("started_at", now)),
        **{name: time(ended) if name == field else None for name in ENDS.values()},
        "pausedAt": time(pauses[-1] if pauses else None),
    }


def agent(workload: Workload, team: str, states: Counter[State], last: Run | None) -> Json:
    """One agent with its lifetime numbers; the success rate is a percentage."""
    total = states.total()
    return {
        "agentId": agent_id(workload),
        "teamId": team,
        "name": workload.name,
        "description": f"{CANARY} description",
        "createdAt": time(workload.created_at or None),
        "updatedAt": time(workload.updated_at or None),
        "lastRunAt": None if last is None else time(last.created_at),
        "totalRuns": total,
        "successfulRuns": states["completed"],
        "successRate": 100 * states["completed"] / total if total else 0,
    }


def version(workload: Workload) -> Json:
    """One configuration version; its prompts are canaries."""
    return {
        "agentConfigurationVersionId": version_id(workload),
        "agentId": agent_id(workload),
        "instructions": f"{CANARY} instructions",
        "inputSchema": {},
        "outputSchema": {},
        "versionNumber": 1,
        "isCurrent": True,
        "createdAt": time(workload.updated_at or None),
        "updatedAt": None,
        "systemPrompt": f"{CANARY} prompt",
        "llmConfig": {},
        "toolConfig": [],
        "executionConfig": {"max_actions": 20, "planning_interval": 5, "feedback_rounds": 0, "timeout_minutes": 30},
    }


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
