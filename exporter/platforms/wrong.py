"""How a value or a combination of values is refused, and what helps the message: what settings say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from pydantic import JsonValue
from pydantic_core import PydanticCustomError

WRONG: Final = "wrong"
"""The type of our own validation errors; their context has ``problem`` and ``right``."""

VARIABLE: Final = "environment variable"
"""Key in a field's ``json_schema_extra``: the vendor's variable that can fill it in."""


def wrong(problem: str, right: str) -> PydanticCustomError:
    """Return the error for a value: what is the matter with it, and what to write instead. Neither shows it."""
    return PydanticCustomError(WRONG, "{problem}; {right}", {"problem": problem, "right": right})


def also_from(variable: str) -> dict[str, JsonValue]:
    """Return the ``json_schema_extra`` of a field that an environment variable of the vendor can fill in."""
    return {VARIABLE: variable}


class Flaw(NamedTuple):
    """One of several mistakes in a mapping: its key, None for the mapping itself; what is the matter, and right."""

    key: str | None
    problem: str
    right: str


FLAWS: Final = "flaws"
"""The type of the one validation error that carries all flaws of a mapping in its context."""


def flawed(found: Sequence[Flaw]) -> PydanticCustomError:
    """Return the error for a mapping with flaws: a validator can raise only once."""
    summary = "; ".join(f"{flaw.key}: {flaw.problem}" if flaw.key is not None else flaw.problem for flaw in found)
    return PydanticCustomError(FLAWS, "{summary}", {"summary": summary, "flaws": found})


class Conflict(NamedTuple):
    """Keys that do not fit together, the one to point at first; what is the matter, and what would be right.

    ``variable`` of the environment would help too, if only one target lacks what it fills in.
    """

    keys: tuple[str, ...]
    problem: str
    right: str
    variable: str | None = None


CONFLICTS: Final = "conflicts"
"""The type of the one validation error that carries all conflicts of a model in its context."""
