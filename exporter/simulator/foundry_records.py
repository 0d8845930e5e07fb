"""Records of Foundry as its API writes them: routines and runs.

Descriptions, inputs, event payloads and error messages are canaries.
"""

from __future__ import annotations

from exporter.simulator.clock import SECOND
from exporter.simulator.face import CANARY
from exporter.simulator.messages import Json
from exporter.simulator.model import TERMINAL, Run, Trigger, Workload


def unix(time: int | None) -> int | float | None:
    """Unix seconds: an integer when the time is whole, else a float."""
    if time is None:
        return None
    return time // SECOND if time % SECOND == 0 else time / SECOND


def routine_json(workload: Workload) -> Json:
    """One routine as the listing shows it; its description and its action's input are canaries."""
    return {
        "name": workload.name,
        "description": f"{CANARY} description",
        "enabled": workload.enabled,
        "triggers": {name: trigger_json(trigger) for name, trigger in workload.triggers.items()},
        "action": {
            "type": "invoke_agent_responses_api",
            "agent_name": workload.agent,
            "input": f"{CANARY} input",
        },
        "created_at": unix(workload.created_at) or None,
        "updated_at": unix(workload.updated_at) or None,
    }


def trigger_json(trigger: Trigger) -> Json:
    """One trigger of a routine."""
    fields: dict[str, object] = {"type": trigger.kind, **trigger.details}
    if trigger.cron is not None:
        fields |= {"cron_expression": trigger.cron, "time_zone": trigger.zone}
    if trigger.at is not None:
        fields["at"] = unix(trigger.at)
    return fields


def run_json(run: Run, now: int) -> Json:
    """One run as a listing shows it at ``now``."""
    status, phase = status_and_phase(run, now)
    failed = run.state_at(now) == "failed"
    return {
        "id": run.id,
        "status": status,
        "phase": phase,
        "trigger_type": run.trigger_type,
        "trigger_name": run.trigger_name,
        "trigger_event_payload": {"text": f"{CANARY} event"},
        "attempt_source": run.attempt_source,
        "action_type": run.action_type,
        "agent_id": run.agent,
        "agent_endpoint_id": None,
        "conversation_id": f"conv_{run.id}",
        "session_id": None,
        "triggered_at": unix(run.shown("triggered_at", now)),
        "scheduled_fire_at": unix(run.shown("scheduled_fire_at", now)),
        "started_at": unix(run.shown("started_at", now)),
        "ended_at": unix(run.shown("ended_at", now)),
        "dispatch_id": f"disp_{run.id}",
        "action_correlation_id": f"corr_{run.id}",
        "response_id": f"resp_{run.id}",
        "task_id": f"task_{run.id}",
        "error_status_code": run.status_code if failed else None,
        "error_type": run.error_type if failed else None,
        "error_message": f"{CANARY} message" if failed else None,
    }


def status_and_phase(run: Run, now: int) -> tuple[str | None, str | None]:
    """The two status fields, which change at different moments: ``status`` lags behind by ``status_lag``."""
    state = run.state_at(now)
    end = run.ended_at(now)
    lagging = end is not None and now < end + run.status_lag
    if state in TERMINAL and lagging:
        return "RUNNING", {"failed": "failed", "cancelled": "cancelled", "unknown": "evicted"}.get(state, "completed")
    return {
        "queued": ("SCHEDULED", "queued"),
        "running": ("RUNNING", "dispatching"),
        "paused": ("RUNNING", "dispatching"),
        "completed": ("FINISHED", "completed"),
        "failed": ("FAILED", "failed"),
        "cancelled": ("KILLED", "cancelled"),
    }.get(state or "", ("EVICTED", "evicted"))
