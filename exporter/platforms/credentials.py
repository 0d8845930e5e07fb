"""Where credentials come from: a key, a file, or a variable of the vendor's own tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from exporter.platforms.wrong import Conflict
from exporter.secrets import Secret


class VendorValue(NamedTuple):
    """What one of the vendor's environment variables can fill in.

    ``path`` is the key inside the target, ``variable`` what to name in messages. ``ambient`` values may serve
    several targets, because each of them asked for the identity of the machine.
    """

    path: tuple[str, ...]
    value: object
    variable: str
    ambient: bool = False


def secrets_of(model: BaseModel) -> Iterator[Secret]:
    """Yield the secrets in ``model`` and the models inside it."""
    for _, value in model:
        if isinstance(value, Secret):
            yield value
        elif isinstance(value, BaseModel):
            yield from secrets_of(value)


def one_secret(
    key: str, literal: Secret | None, file: Secret | None, variable: str | None = None
) -> Iterator[Conflict]:
    """Yield a conflict unless exactly one of ``key`` and ``key_file`` is set. ``variable`` would fill it in."""
    if literal is not None and file is not None:
        yield Conflict((key, f"{key}_file"), f"{key} and {key}_file are both set", "keep one of them")
    if literal is None and file is None:
        yield Conflict((key, f"{key}_file"), "is missing", f"write {key}: ${{VARIABLE}} or {key}_file: /path", variable)


def the_secret(literal: Secret | None, file: Secret | None) -> Secret:
    """Return the one that is set."""
    secret = literal if literal is not None else file
    if secret is None:
        raise TypeError("one of them is always set after validation")
    return secret


def from_variables(
    raw: Mapping[str, Any], environ: Mapping[str, str], key: str, unless: tuple[str, ...], variables: tuple[str, ...]
) -> Iterator[VendorValue]:
    """Yield the first of ``variables`` that is set, for ``key``, when ``raw`` has none of ``unless``."""
    if any(raw.get(present) is not None for present in unless):
        return
    for variable in variables:
        if environ.get(variable):
            yield VendorValue((key,), environ[variable], variable)
            return
