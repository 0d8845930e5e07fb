"""``docs/config.schema.json``: the configuration as a JSON Schema, so that editors complete and check it.

It is what the models say, in the form that people write: lengths of time and sizes as texts, defaults likewise, and
``${VARIABLE}`` wherever a text, number or truth value may stand. What two keys mean together only the program checks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from exporter.config import Settings
from exporter.platforms.durations import format_duration
from exporter.platforms.fields import format_size
from exporter.platforms.wrong import VARIABLE
from tools.field_docs import describe_fields

Schema = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE: Final = r"\$\{"
"""What a value holds that is filled in from the environment."""
_SHARE: Final = r"^[0-9.]+%$"
_DROPPED: Final = frozenset({"title", "discriminator", "format", VARIABLE})


def page() -> str:
    """Return the whole schema."""
    describe_fields()
    made = Settings.model_json_schema()
    definitions = {name: _model(found) for name, found in made.pop("$defs").items()}
    schema = {
        "$schema": _DIALECT,
        "title": "Configuration of automation-exporter",
        **_model(made),
        "$defs": definitions,
    }
    schema["required"] = ["targets"]  # the state has a default that depends on the environment
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _model(found: Mapping[str, Any]) -> Schema:
    """Return the schema of one model."""
    schema = {key: value for key, value in found.items() if key not in _DROPPED}
    schema["description"] = _flat(schema.get("description", ""))
    schema["properties"] = {key: _property(value) for key, value in found["properties"].items()}
    tags = [key for key, value in schema["properties"].items() if "const" in value]  # they tell models apart
    if tags:
        schema["required"] = [*tags, *(key for key in schema.get("required", ()) if key not in tags)]
    return schema


def _property(found: Mapping[str, Any]) -> Schema:
    schema = _kind(found)
    for key in ("description", "examples", "default"):
        if found.get(key) not in (None, [], {}) and not isinstance(found[key], dict) and "const" not in schema:
            schema[key] = found[key]
    if "description" in schema:
        schema["description"] = _flat(schema["description"])
    if isinstance(schema.get("default"), int) and found.get("type") == "string":
        written = format_duration if "pattern" in found else format_size
        schema["default"] = written(schema["default"])
    return schema


def _kind(found: Mapping[str, Any]) -> Schema:
    """Return what a value must be; one that may be left out is not shown as one that may be null."""
    if "anyOf" in found:
        (only,) = (each for each in found["anyOf"] if each.get("type") != "null")
        return _kind(only)
    kind = {key: value for key, value in found.items() if key not in {*_DROPPED, "default", "description", "examples"}}
    if "items" in kind:
        kind["items"] = _kind(kind["items"])
    if "oneOf" in kind or "$ref" in kind or "const" in kind:
        return kind
    if kind.get("type") in ("integer", "boolean", "number"):
        patterns = (_SHARE, _VARIABLE) if kind["type"] == "number" else (_VARIABLE,)
        return {"anyOf": [kind, {"type": "string", "pattern": "|".join(patterns)}]}
    if "pattern" in kind:
        return {**kind, "pattern": f"{kind['pattern']}|{_VARIABLE}"}
    if "enum" in kind:
        return {"anyOf": [kind, {"type": "string", "pattern": _VARIABLE}]}
    return kind


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")
