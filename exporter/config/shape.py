"""The shape of the settings models: which model a key belongs to, and what a union can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from exporter.config.problems import Path
from exporter.platforms.wrong import VARIABLE


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models an annotation mentions: itself, members of a union, items of a tuple."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def tags(field: FieldInfo) -> dict[str, type[BaseModel]]:
    """Return the members of a discriminated union by the value of the key that tells them apart."""
    key = field.discriminator
    if not isinstance(key, str):
        return {}
    return {model.model_fields[key].default: model for model in models_in(field.annotation)}


def place(location: Sequence[str | int], model: type[BaseModel]) -> tuple[Path, type[BaseModel]]:
    """Return pydantic's location as it was written, and the model that the last key belongs to.

    pydantic puts the tag of a union member in between, which stands nowhere in the file.
    """
    path: list[str | int] = []
    owner = inner = model
    parts = iter(location)
    for part in parts:
        path.append(part)
        if isinstance(part, int):
            continue
        owner = inner
        field = owner.model_fields.get(part)
        if field is None:
            continue
        members = tags(field)
        if members:
            tag = next(parts, None)
            if tag is None:
                break
            inner = members[str(tag)]
        else:
            inner = next(models_in(field.annotation), owner)
    return tuple(path), owner


def variable_of(field: FieldInfo) -> str | None:
    """Return the vendor's environment variable that can fill in the field."""
    extra = field.json_schema_extra
    variable = extra.get(VARIABLE) if isinstance(extra, dict) else None
    return variable if isinstance(variable, str) else None
