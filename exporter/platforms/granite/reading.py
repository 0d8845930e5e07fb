"""From an answer of Granite to its records: whole or not at all, and item by item what can be read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from exporter.errors import InvalidResponse
from exporter.observations import Skipped
from exporter.platforms import labels
from exporter.platforms.granite.records import (
    Actions,
    Analytics,
    Automation,
    Complexity,
    DurationBucket,
    DurationStats,
    EndpointUsage,
    Failure,
    FailureCategory,
    Slot,
    Summary,
    Told,
    TriggerCount,
)
from exporter.platforms.parsing import BAD_RECORD, NO_ID, Record, bad_fields, kind_of

BAD_VALUE: Final = Skipped("bad_value")
"""A number that is none, or none that can be counted: that figure alone is left out."""

M = TypeVar("M", bound=Record)


class _Reader:
    """Reads the members of one answer, and collects what had to be left out."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self.skipped: list[Skipped] = []
        self._payload = payload

    def part(self, name: str) -> Mapping[str, Any]:
        """Return the object ``name``."""
        found = self._payload.get(name)
        if not isinstance(found, dict):
            raise _missing(found, name, name in self._payload, "an object")
        return found

    def items(self, name: str, key: str = "data") -> list[Any]:
        """Return the list ``key`` of the object ``name``."""
        part = self.part(name)
        found = part.get(key)
        if not isinstance(found, list):
            raise _missing(found, f"{name}.{key}", key in part, "a list")
        return found

    def texts(self, name: str, *, wanted: bool = True) -> tuple[str, ...]:
        """Return the list of texts ``name``; when it is not wanted, see only that it is there."""
        found = self._payload.get(name)
        if not isinstance(found, list):
            raise _missing(found, name, name in self._payload, "a list")
        if not wanted:
            return ()
        kept = [labels.kept(each) for each in found if isinstance(each, str)]
        self.skipped.extend([BAD_RECORD] * (len(found) - len(kept)))
        return tuple(kept)

    def one(self, value: object, model: type[M]) -> M | None:
        """Read a record; a number that is none is left out by itself, a record without its name as a whole."""
        if not isinstance(value, dict):
            self.skipped.append(BAD_RECORD)
            return None
        try:
            return model.model_validate(value)
        except ValidationError as error:
            bad = frozenset(bad_fields(error))
        if any(model.model_fields[field].is_required() for field in bad):
            self.skipped.append(NO_ID)
            return None
        self.skipped.extend([BAD_VALUE] * len(bad))
        return model.model_validate({field: held for field, held in value.items() if field not in bad})

    def each(self, values: list[Any], model: type[M]) -> Iterator[M]:
        """Read the records of a list."""
        for value in values:
            record = self.one(value, model)
            if record is not None:
                yield record


def _missing(found: object, name: str, present: bool, expected: str) -> InvalidResponse:
    held = kind_of(found) if present else "none"
    return InvalidResponse(f"found {held}, expected {expected} {name!r}")


class _Total(Record):
    total_failures: Told = None


def read(payload: object, *, roster: bool = True) -> Analytics:
    """Read an answer. Raises InvalidResponse when one of its members is missing: it is whole or it is nothing.

    Without ``roster`` the names of all workflows are left unread: every answer has them, and they may be many.
    """
    if not isinstance(payload, dict):
        raise InvalidResponse(f"found {kind_of(payload)}, expected a JSON object with a member 'summary'")
    reader = _Reader(payload)
    summary = reader.one(reader.part("summary"), Summary) or Summary()
    total = reader.one(reader.part("failure_breakdown"), _Total)
    stats = reader.items("duration_distribution", "histogram"), reader.part("duration_distribution").get("stats")
    if not isinstance(stats[1], dict):
        raise _missing(stats[1], "duration_distribution.stats", True, "an object")
    return Analytics(
        summary=summary,
        slots=tuple(reader.each(reader.items("executions_over_time"), Slot)),
        total_failures=None if total is None else total.total_failures,
        categories=tuple(reader.each(reader.items("failure_breakdown"), FailureCategory)),
        triggers=tuple(reader.each(reader.items("trigger_distribution"), TriggerCount)),
        automations=tuple(reader.each(reader.items("top_automations"), Automation)),
        stats=reader.one(stats[1], DurationStats) or DurationStats(),
        buckets=tuple(reader.each(stats[0], DurationBucket)),
        failures=tuple(reader.each(reader.items("recent_failures"), Failure)),
        actions=tuple(reader.each(reader.items("actions_per_workflow"), Actions)),
        complexities=tuple(reader.each(reader.items("workflow_complexity"), Complexity)),
        endpoints=tuple(reader.each(reader.items("endpoint_usage"), EndpointUsage)),
        workflows=reader.texts("workflows", wanted=roster),
        skipped=tuple(reader.skipped),
    )
