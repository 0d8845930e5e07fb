"""What Foundry's listings of routines and runs say (api-version v1; shapes met in the REST reference, the TypeSpec,
Microsoft's samples and azure-ai-projects 2.10.0). Payloads, inputs and messages are not read at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, PlainValidator

from exporter.platforms.labels import kept
from exporter.platforms.parsing import Identifier, Record, SafeIdentifier, Text, Time, bulk_record
from exporter.times import Micros


def _object_or_none(value: object) -> object:
    return value if isinstance(value, dict) else None


def _named_objects(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    return {kept(name): held for name, held in value.items() if isinstance(held, dict)}


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _status_code(value: object) -> str | None:
    """An HTTP status as a number or its digits; 0 stands for none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = kept(str(value)).strip()
    return None if text in ("", "0") else text


class Trigger(Record):
    """One entry of a routine's map of triggers."""

    type: Text = None
    cron_expression: Text = None
    time_zone: Text = None
    at: Time = None


class Action(Record):
    """What a routine does: which agent it calls."""

    agent_name: Text = None
    agent_endpoint_id: Text = None


class Routine(Record):
    """One item of ``GET /routines``."""

    name: SafeIdentifier
    enabled: Annotated[bool | None, BeforeValidator(_flag)] = None
    triggers: Annotated[Mapping[str, Trigger], BeforeValidator(_named_objects)] = {}
    action: Annotated[Action | None, BeforeValidator(_object_or_none)] = None
    created_at: Time = None
    updated_at: Time = None


@bulk_record
class RoutineRun:
    """One item of ``GET /routines/{name}/runs``: one attempt. All but the id may be missing."""

    id: Identifier
    status: Text = None
    phase: Text = None
    trigger_type: Text = None
    trigger_name: Text = None
    attempt_source: Text = None
    action_type: Text = None
    triggered_at: Time = None
    scheduled_fire_at: Time = None
    started_at: Time = None
    ended_at: Time = None
    error_status_code: Annotated[str | None, PlainValidator(_status_code)] | None = None
    error_type: Text = None
    dispatch_id: Text = None
    response_id: Text = None
    conversation_id: Text = None
    session_id: Text = None
    action_correlation_id: Text = None
    task_id: Text = None

    @property
    def times(self) -> tuple[Micros | None, ...]:
        """The times of the run itself, in the order of birth; when it was created is not told."""
        return (self.triggered_at, self.started_at, self.ended_at)


class Attempt(NamedTuple):
    """A run in the light of its routine: ``trigger`` is the routine's only trigger that is due by the clock."""

    run: RoutineRun
    trigger: str | None
