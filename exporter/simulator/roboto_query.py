"""Conditions of Roboto's invocation query: ``{"field", "comparator", "value"}``, joined by AND and OR.

Only the fields are accepted that vendor code is known to filter by; others are refused, as the service does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime

from exporter.simulator.messages import Json

FIELDS = frozenset(
    {
        "created",
        "last_status",
        "invocation_id",
        "org_id",
        "data_source_id",
        "provenance.action.name",
        "provenance.action.digest",
        "provenance.action.org_id",
        "provenance.source.source_id",
    }
)
COMPARATORS: dict[str, Callable[[Json, Json], Json]] = {
    "EQUALS": operator.eq,
    "NOT_EQUALS": operator.ne,
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
}


def bad_fields(body: Json) -> list[str]:
    """The fields of a query that cannot be filtered or sorted by."""
    named = [*_fields(body.get("condition")), *([body["sort_by"]] if body.get("sort_by") else [])]
    return [field for field in named if field not in FIELDS]


def matches(record: Json, condition: Json) -> bool:
    """Whether an invocation fulfils a condition (none: it does)."""
    if not condition:
        return True
    if "conditions" in condition:
        results = [matches(record, part) for part in condition["conditions"]]
        return any(results) if condition.get("operator") == "OR" else all(results)
    found = _comparable(_value(record, condition["field"]))
    wanted = _comparable(condition.get("value"))
    compare = COMPARATORS.get(str(condition.get("comparator")))
    return compare is not None and bool(compare(found, wanted))


def sort_key(record: Json, field: str) -> Json:
    """What an invocation is sorted by; its id makes the order total."""
    return _comparable(_value(record, field)), record["invocation_id"]


def _fields(condition: Json) -> list[str]:
    if not condition:
        return []
    if "conditions" in condition:
        return [field for part in condition["conditions"] for field in _fields(part)]
    return [str(condition.get("field"))]


def _value(record: Json, path: str) -> Json:
    if path == "data_source_id":
        path = "data_source.data_source_id"
    for part in path.split("."):
        record = record[part]
    return record


def _comparable(value: Json) -> Json:
    """A time is compared as a time; everything else as it is."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value
