"""A part of the configuration that is checked by itself: its values, and where each was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from exporter.config.problems import Path


@dataclass(slots=True)
class Part:
    """Values for one model. Paths are relative to it; ``path`` is where it stands in the file."""

    path: Path
    values: dict[str, Any]
    inherited: dict[str, Path] = field(default_factory=dict)
    """Keys that stand in ``defaults:``, with their place there."""
    variables: dict[Path, str] = field(default_factory=dict)
    """Environment variables of the vendor that filled something in."""
    wrong: set[str] = field(default_factory=set)
    """Keys with a mistake."""
    settled: frozenset[str] = frozenset()
    """Wrong keys that were replaced or belong to a mistake that is known: they cause no further ones."""

    def inherit(self, defaults: Part, known: frozenset[str]) -> None:
        """Take over what ``defaults`` has and this part has not. Wrong defaults were reported and are left out."""
        for key, value in defaults.values.items():
            if key in known and key not in defaults.wrong and self.values.get(key) is None:
                self.values[key] = value
                self.inherited[key] = (*defaults.path, key)

    def put(self, path: tuple[str, ...], value: object, variable: str) -> None:
        """Fill in what an environment variable says; ``path`` has one key or two."""
        *outer, key = path
        target = self.values
        for name in outer:
            target[name] = dict(target[name])
            target = target[name]
        target[key] = value
        self.variables[path] = variable

    def value(self, path: Path) -> object:
        """Return what stands at ``path``, None when nothing does."""
        value: object = self.values
        for key in path:
            if isinstance(value, Mapping):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value

    def variable(self, path: Path) -> str | None:
        """Return the vendor's variable that the value at ``path`` came from."""
        return next((name for start, name in self.variables.items() if path[: len(start)] == start), None)

    def written_at(self, path: Path) -> Path:
        """Return the place in the file."""
        start = self.inherited.get(str(path[0])) if path else None
        return (*self.path, *path) if start is None else (*start, *path[1:])

    def blame(self, paths: tuple[Path, ...]) -> Path:
        """Return which of the keys to point at: one that is written in the part, else one inherited, else the first."""
        there = [path for path in paths if self.value(path) is not None]
        own = [path for path in there if not path or path[0] not in self.inherited]
        return [*own, *there, *paths][0]

    def repaired(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return the values with examples in place of wrong ones that are required, and without the others."""
        self.settled = frozenset(self.wrong)
        values = {key: value for key, value in self.values.items() if key not in self.wrong}
        for key, info in model.model_fields.items():
            if key in self.wrong and info.is_required() and info.examples:
                values[key] = info.examples[0]
        return values
