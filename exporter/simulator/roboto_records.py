"""Records of Roboto as its API writes them: invocations, triggers, dispatches.

Parameters, environments, details and people are canaries.
"""

from __future__ import annotations

import hashlib

from exporter.simulator.clock import SECOND, iso
from exporter.simulator.face import CANARY
from exporter.simulator.messages import Json
from exporter.simulator.model import Run, State, Workload

STATUS_NUMBER: dict[State, int] = {
    "queued": 0,
    "running": 3,
    "paused": 3,
    "completed": 5,
    "cancelled": 997,
    "failed": 998,
    "unknown": 42,
}
"""InvocationStatus of roboto 0.62.0; 42 is a number that it does not know."""


def invocation(run: Run, workload: Workload, org_id: str, now: int) -> dict[str, Json]:
    """One invocation as the query shows it at ``now``."""
    history = [
        {
            "status": STATUS_NUMBER[change.state],
            "detail": f"{CANARY} detail" if change.state == "failed" else None,
            "timestamp": iso(change.at),
        }
        for change in run.changes
        if change.at <= now
    ]
    by_trigger = {"source_type": "Trigger", "source_id": trigger_id(workload, run.trigger_name or "")}
    by_hand = {"source_type": "Manual", "source_id": f"{CANARY} user"}
    record: dict[str, Json] = {
        "created": iso(run.created_at),
        "data_source": {"data_source_type": "Dataset", "data_source_id": "__UNSPECIFIED_DATA_SOURCE__"},
        "input_data": [],
        "rich_input_data": None,
        "upload_destination": None,
        "invocation_id": run.id,
        "idempotency_id": None,
        "compute_requirements": {"vCPU": 512, "memory": 1024, "gpu": False, "storage": 21},
        "container_parameters": {
            "command": None,
            "entry_point": None,
            "env_vars": {"MODE": f"{CANARY} environment"},
            "workdir": None,
        },
        "last_heartbeat": None,
        "last_status": STATUS_NUMBER[run.state_at(now) or "queued"],
        "org_id": org_id,
        "parameter_values": {"query": f"{CANARY} parameter"},
        "provenance": {
            "action": {"name": workload.name, "org_id": workload.owner or org_id, "digest": "9f2c"},
            "executable": {"container_image_uri": None, "container_image_digest": None},
            "source": by_trigger if run.trigger_type else by_hand,
        },
        "status": history,
        "timeout": 30,
    }
    started, ended = run.started_at(now), run.ended_at(now)
    if ended is not None:
        # The platform leaves the field out while the invocation runs.
        record["duration"] = f"PT{(ended - (ended if started is None else started)) / SECOND:.6f}S"
    return record


def trigger_id(workload: Workload, name: str) -> str:
    """The id of a trigger: no part of a name, since ids stand in paths."""
    digest = hashlib.blake2b(f"{workload.key}|{name}".encode("utf-8", "surrogatepass"), digest_size=6)
    return f"tr_{digest.hexdigest()}"


def trigger(workload: Workload, name: str, org_id: str) -> Json:
    """One trigger in the shape of API version 2026-08-27 and later."""
    definition = workload.triggers[name]
    fires_on: Json = {"type": "events", "events": ["file.uploaded"], "once_per": "occurrence"}
    if definition.cron is not None:
        fires_on = {"type": "schedule", "cron": definition.cron}
    action = {"name": workload.name, "digest": None, "owner": workload.owner or None}
    return {
        "trigger_id": trigger_id(workload, name),
        "org_id": org_id,
        "name": name,
        "enabled": workload.enabled,
        "fires_on": fires_on,
        "condition": None,
        "targets": [{"type": "invoke_action", "target_id": "t1", "action": action}],
        "engine": "v2",
        "managed_by": None,
        "created": iso(workload.created_at),
        "created_by": f"{CANARY} user",
        "modified": iso(workload.updated_at),
        "modified_by": f"{CANARY} user",
    }


def dispatch(run: Run, identifier: str, org_id: str) -> Json:
    """One dispatch of a trigger: here each has led to an invocation."""
    return {
        "trigger_id": identifier,
        "idempotency_token": f"schedule.fired|occurrence:{iso(run.created_at)}",
        "target_id": "t1",
        "org_id": org_id,
        "target_type": "invoke_action",
        "event_type": "schedule.fired",
        "event_id": f"evt_{run.id}",
        "subject": f"roboto://trigger/{identifier}",
        "dataset_id": None,
        "status": "dispatched",
        "status_detail": None,
        "result_ref": run.id,
        "claimed_at": iso(run.created_at),
        "finalized_at": iso(run.created_at),
    }
