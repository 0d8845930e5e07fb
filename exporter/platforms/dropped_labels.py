"""Labels that may be dropped: those without which every rule, dashboard and figure still means what it says."""

from __future__ import annotations

from typing import Literal

DroppedLabel = Literal[
    "reason",
    "status_code",
    "trigger_type",
    "trigger_name",
    "attempt_source",
    "action_type",
    "endpoint_slug",
    "http_method",
    "kind",
    "workload_id",
    "agent_id",
    "org_id",
    "schedule",
    "time_zone",
]
