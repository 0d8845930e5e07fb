"""``docs/configuration.md``, written from the models: every key, its type, default and meaning.

Meanings are the docstrings of the fields. A key that a model shares with its base is described once, where the
base is described; a platform that changes its default shows it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from exporter.config.model import PLATFORMS, Match, Objective, Settings, WorkloadRule
from exporter.config.shape import models_in, tags, variable_of
from exporter.http import Proxy
from exporter.platforms.durations import Duration, format_duration
from exporter.platforms.fields import SIZE, format_size
from exporter.platforms.own_labels import RESERVED_LABELS
from exporter.platforms.pace import Pace
from exporter.platforms.settings import Selection, TargetSettings
from exporter.secrets import Secret
from tools.field_docs import describe_fields

_HEAD: Final = """\
# Configuration

<!-- Written by ./run docs from the models in exporter/config and exporter/platforms. -->

One YAML file. Only `targets` is required, and each target needs only its name, its platform and its credentials.
`automation-exporter check-config FILE` tells every mistake at once; [examples/config.yaml](../examples/config.yaml)
is a file to start from. Two things hide what comes after them: where a file stops being YAML, only that is told; and of
a target whose platform nobody can guess, only what holds for all platforms is checked.

- **Durations** are numbers with units, the larger first: `30s`, `5m`, `24h`, `8d`, `1h30m`. Units are `w`, `d`, `h`,
  `m`, `s` and `ms`.
- **Sizes** are a number with a unit: `512KiB`, `64MiB`. Units are `B`, `kB`, `KiB`, `MB`, `MiB`, `GB` and `GiB`; `kB`
  is 1000 bytes and `KiB` 1024.
- **Environment variables** can stand in every value: `${NAME}`, or `${NAME:-default}` for when it is unset or empty.
  `$$` is one dollar sign. What a variable holds is taken as it is and never read as YAML. Inside `{ }` or `[ ]` the
  value needs quotes, as YAML wants it: `{name: a, platform: granite, api_key: "${GRANITE_API_KEY}"}`.
- **Secrets** can be read from files: a key that ends in `_file` names one. It is read again when it changes, and a
  line break at its end does not count. A file that every user of the machine can read is warned of.
- **Relative paths** of such files start at the folder of the configuration file; that of `state` starts at the
  working directory. `~` stands for no folder.
- **Variables of the vendors' own tools** fill in a key when exactly one target of that platform lacks it. When
  several lack it, that is an error: nothing says whose value it is.
- Patterns know `*`, `?` and `[abc]`; upper and lower case differ.
"""

_TYPES: Final[Mapping[object, str]] = {str: "text", int: "number", float: "number", bool: "true or false"}


def page() -> str:
    """Return the whole page."""
    describe_fields()
    parts = [_HEAD, _section("The file", 2, Settings, "")]
    parts.append(_section("Keys of every target", 2, TargetSettings, "targets[]", only=_new_in(TargetSettings, Pace)))
    for name, model in PLATFORMS.items():
        own = _own(model)
        parts.append(_section(f"Platform `{name}`", 2, model, "targets[]", only=own))
        for key, field in own.items():
            parts.extend(_nested(key, field))
    parts.append(
        _section("Pace, limits and connection", 2, Pace, "targets[] or defaults")
        + "\n`memory` must be longer than `open_run_max_age` and `overlap` together, `forget_after` at least as long\n"
        "as `memory` and longer than `max_window` and `settle` together, `max_window` not shorter than `settle`, and\n"
        "`stale_after` not shorter than `interval`.\n"
    )
    parts.append(_section("Expectations of workloads", 2, WorkloadRule, "workloads[]"))
    parts.append(_section("`match`", 3, Match, "workloads[].match"))
    parts.append(_section("`objective`", 3, Objective, "workloads[].objective"))
    parts.append(_labels())
    return "\n".join(parts)


def _new_in(model: type[BaseModel], base: type[BaseModel]) -> dict[str, FieldInfo]:
    return {key: field for key, field in model.model_fields.items() if key not in base.model_fields}


def _own(model: type[TargetSettings]) -> dict[str, FieldInfo]:
    """Return the keys that a platform adds or gives another default, those about workloads last."""
    shared = TargetSettings.model_fields
    own = {
        key: field
        for key, field in model.model_fields.items()
        if key not in shared or key == "endpoint" or (key != "platform" and field.default != shared[key].default)
    }
    return dict(sorted(own.items(), key=lambda item: (item[0] in Selection.model_fields, item[0] in shared)))


def _nested(key: str, field: FieldInfo) -> Iterator[str]:
    """Yield the sections of models that stand below a key of a platform."""
    members = tags(field)
    for tag, model in members.items():
        yield _section(f"`{key}` of kind `{tag}`", 3, model, f"targets[].{key}")
    if not members:
        for model in models_in(field.annotation):
            yield _section(f"`{key}`", 3, model, f"targets[].{key}")


def _section(
    title: str, depth: int, model: type[BaseModel], place: str, *, only: Mapping[str, FieldInfo] | None = None
) -> str:
    lines = [f"{'#' * depth} {title}", "", _flat(model.__doc__ or ""), ""]
    if place:
        lines += [f"Below `{place}`.".replace(" or ", "` or `"), ""]
    lines += ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    lines += [_row(key, field, model) for key, field in (only or model.model_fields).items()]
    return "\n".join(lines) + "\n"


def _row(key: str, field: FieldInfo, model: type[BaseModel]) -> str:
    meaning = _flat(field.description or _inherited_description(key, model))
    variable = variable_of(field)
    if field.examples:
        meaning += f" Example: `{_yaml(field.examples[0])}`."
    if variable:
        meaning += f" Variable: `{variable}`."
    return f"| `{key}` | {_type(field)} | {_default(key, field, model)} | {meaning} |"


def _inherited_description(key: str, model: type[BaseModel]) -> str:
    """Return the meaning that a base gives to a key whose type a platform narrows."""
    for base in model.__mro__[1:]:
        field = getattr(base, "model_fields", {}).get(key)
        if field is not None and field.description:
            return str(field.description)
    return "Which kind this is." if key == "kind" else ""


def _type(field: FieldInfo) -> str:
    for item in field.metadata:
        if isinstance(item, Duration):
            return f"duration, {item.least} to {item.most}"
    if field.discriminator:
        return "mapping"
    return _bounded(field)


def _type_of(annotation: Any) -> str:  # noqa: PLR0911 - one return a kind of type
    if hasattr(annotation, "__metadata__"):
        lengths = [item for item in annotation.__metadata__ if isinstance(item, Duration)]
        return f"duration, {lengths[0].least} to {lengths[0].most}" if lengths else _type_of(annotation.__origin__)
    origin = get_origin(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if origin in (Union, UnionType):
        return _type_of(next(part for part in get_args(annotation) if part is not NoneType))
    if origin is tuple:
        return f"list of {_plural(_type_of(get_args(annotation)[0]))}"
    if origin is dict:
        return "mapping of text to text"
    if annotation in _TYPES:
        return _TYPES[annotation]
    if annotation is Secret:
        return "secret"
    if annotation is Proxy:
        return "URL with or without credentials, or `off`"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    return "path"


def _plural(name: str) -> str:
    return {"text": "texts", "mapping": "mappings"}.get(name, name)


def _bounded(field: FieldInfo) -> str:
    """Return the type with its bounds, if it has any."""
    size = SIZE in field.metadata
    name = "size" if size else _type_of(field.annotation)
    words = {"ge": "from {}", "gt": "more than {}", "le": "to {}", "lt": "less than {}"}
    bounds = [
        words[bound].format(format_size(limit) if size else f"{limit:,}")
        for item in field.metadata
        for bound in words
        if (limit := getattr(item, bound, None)) is not None
    ]
    return f"{name}, {' '.join(bounds)}" if bounds else name


def _default(key: str, field: FieldInfo, model: type[BaseModel]) -> str:
    if field.is_required():
        return "" if key == "state" else "required"
    if key == "endpoint":
        vendor = getattr(model, "DEFAULT_ENDPOINT", None)
        return f"`{vendor}`" if vendor else "the vendor's"
    value = field.default
    if not isinstance(value, bool | int | float | str):
        return ""  # nothing, or a mapping or list in which nothing is set
    return f"`{_value(value, _type(field))}`"


def _value(value: object, kind: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and kind.startswith("duration"):
        return format_duration(value)
    if isinstance(value, int) and kind.startswith("size"):
        return format_size(value)
    return str(value)


def _yaml(value: object) -> str:
    """Return an example as it could stand in the file, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    text = str(value)
    # Quoted where YAML would read something else.
    return json.dumps(text) if isinstance(value, str) and (text.isdigit() or text.startswith(("*", "&", "!"))) else text


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def _labels() -> str:
    names = ", ".join(f"`{name}`" for name in sorted(RESERVED_LABELS))
    return (
        "## Labels\n\n"
        "Names of your own labels have letters, digits and `_`, no digit first and no `__` in front; values have 1 to\n"
        f"200 characters. These names are taken: {names}.\n"
    )
