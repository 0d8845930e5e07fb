"""From a file to ``Settings``, with every mistake found on the way.

Each part (the defaults, a target, an expectation) is checked by itself, so that one mistake does not hide another.
A part with mistakes is checked once more with an example in place of each wrong value: what does not fit together
is then found too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from exporter.config.files import read_text
from exporter.config.messages import Mistake, closest, mistakes, sentence, unknown_key
from exporter.config.model import PLATFORMS, Settings, WorkloadRule
from exporter.config.part import Part
from exporter.config.problems import Path, Problem
from exporter.config.state import default_state, parse_state
from exporter.config.vendors import contested, fill_in
from exporter.config.written import Value, Written, parse
from exporter.errors import ConfigError
from exporter.platforms.pace import Pace
from exporter.platforms.settings import TargetSettings

M = TypeVar("M", bound=BaseModel)


def load(path: FilePath | str, environ: Mapping[str, str]) -> Settings:
    """Read the configuration file. Raises ConfigError with every problem, one sentence each, in order of lines."""
    file = FilePath(path)
    return load_text(read_text(file), environ, name=str(file), folder=file.parent)


def load_text(text: str, environ: Mapping[str, str], *, name: str, folder: FilePath) -> Settings:
    """Read a configuration from ``text``; ``name`` is for messages, relative files are searched in ``folder``."""
    loader = _Loader(parse(text, environ), environ, folder)
    settings = loader.settings()
    if settings is None or loader.problems:
        problems = sorted(dict.fromkeys(loader.problems), key=lambda problem: (problem.line or 0, str(problem.path)))
        raise ConfigError([problem.render(name) for problem in problems])
    return settings


class _Loader:
    def __init__(self, written: Written, environ: Mapping[str, str], folder: FilePath) -> None:
        self.problems = written.problems
        self._written = written
        self._environ = environ
        self._context = {"folder": folder}
        self._contested: frozenset[tuple[Path, Path]] = frozenset()

    def settings(self) -> Settings | None:
        """Return the settings, or None when there are problems."""
        top = self._written.value
        if not isinstance(top, dict):
            if not self.problems:
                kind = "is a list, not a mapping" if isinstance(top, list) else "is plain text, not a mapping"
                self._problem((), f"{'has no keys' if top is None else kind}; write at least targets:")
            return None
        broken = self._written.broken(())
        top = {key: None if value == "" and key in broken else value for key, value in top.items()}
        for key in top:
            if key not in Settings.model_fields:
                self._problem((key,), unknown_key(key, Settings.model_fields))
        defaults = self._part(("defaults",), self._mapping(top.get("defaults"), ("defaults",)) or {})
        pace = self._check(Pace, defaults)
        targets = self._targets(top.get("targets"), defaults)
        rules = [self._check(WorkloadRule, part) for part in self._parts(top.get("workloads"), "workloads")]
        state = self._state(top.get("state"))
        if self.problems:
            return None
        return Settings.model_validate({"targets": targets, "defaults": pace, "workloads": rules, "state": state})

    def _targets(self, value: Value, defaults: Part) -> list[TargetSettings | None]:
        parts: list[tuple[type[TargetSettings], Part]] = []
        names: dict[object, Path] = {}
        for part in self._parts(value, "targets"):
            self._name(part, names)
            model = self._platform(part)
            part.inherit(defaults, frozenset(model.model_fields))
            parts.append((model, part))
        if not parts and not self.problems:
            self._problem(("targets",), "has no target; write at least one: name, platform and its credentials")
        self._previous_names([part for _, part in parts], names)
        self._contested = contested(parts)
        for part, mistake in fill_in(parts, self._environ):
            self._report(part, mistake)
        return [self._check(model, part) for model, part in parts]

    def _name(self, part: Part, names: dict[object, Path]) -> None:
        name = part.values.get("name")
        if isinstance(name, str) and names.setdefault(name, part.path) != part.path:
            line = self._written.line((*names[name], "name"))
            self._problem(
                (*part.path, "name"), f'the name "{name}" is taken by the target in line {line}; choose another'
            )

    def _previous_names(self, parts: list[Part], names: Mapping[object, Path]) -> None:
        """A name that is still in use, or was two targets', would carry totals over to the wrong one."""
        taken: dict[object, Path] = {}
        for part in parts:
            previous = part.values.get("previous_name")
            path = (*part.path, "previous_name")
            if not isinstance(previous, str):
                continue
            if previous in names:
                line = self._written.line((*names[previous], "name"))
                self._problem(path, f'"{previous}" is the name of the target in line {line} now; remove this key')
            elif taken.setdefault(previous, path) != path:
                line = self._written.line(taken[previous])
                self._problem(path, f'"{previous}" is already carried over in line {line}; only one target can')

    def _platform(self, part: Part) -> type[TargetSettings]:
        """Return the settings of the target's platform. If that is not known, of the one that was probably meant.

        Failing that what all have in common, and of the part only that is kept.
        """
        platform = part.values.get("platform")
        for name, model in PLATFORMS.items():
            if name == platform:
                return model
        problem = "is missing" if platform is None else "is not known"
        self._report(part, Mistake((("platform",),), problem, choices=tuple(PLATFORMS)))
        meant = closest(platform, PLATFORMS)
        if meant is not None:
            return PLATFORMS[meant]
        every = {key for model in PLATFORMS.values() for key in model.model_fields}
        for key in part.values.keys() - every:
            self._problem((*part.path, key), unknown_key(key, every))
        part.values = {key: value for key, value in part.values.items() if key in TargetSettings.model_fields}
        return TargetSettings

    def _state(self, value: Value) -> FilePath:
        if value is None:
            return default_state(self._environ)
        try:
            return parse_state(value)
        except PydanticCustomError as error:
            context = error.context or {}
            mistake = Mistake((("state",),), str(context["problem"]), str(context["right"]))
            self._report(Part((), {"state": value}), mistake)
            return default_state({})

    def _parts(self, value: Value, key: str) -> Iterator[Part]:
        """Yield the items of a list of mappings."""
        if value is None:
            return
        if not isinstance(value, list):
            self._problem((key,), "is not a list; write items that begin with '- '")
            return
        broken = self._written.broken((key,))
        for index, item in enumerate(value):
            if item == "" and str(index) in broken:
                continue
            values = self._mapping(item, (key, index), required=True)
            if values is not None:
                yield self._part((key, index), values)

    def _part(self, path: Path, values: dict[str, Value]) -> Part:
        """Return a part in which what could not be read counts as wrong already."""
        return Part(path, values, wrong=self._written.broken(path))

    def _mapping(self, value: Value, path: Path, *, required: bool = False) -> dict[str, Value] | None:
        if isinstance(value, dict):
            return value
        if value is not None or required:
            self._problem(path, "is not a mapping; write keys and values below it")
        return None

    def _check(self, model: type[M], part: Part) -> M | None:
        """Return the part as ``model``, or None after its mistakes were reported."""
        values = part.repaired(model) if part.wrong else part.values
        for _ in range(2):
            try:
                result = model.model_validate(values, context=self._context)
            except ValidationError as error:
                found = list(mistakes(error, model))
                for mistake in found:
                    self._report(part, mistake)
                values = part.repaired(model)
            else:
                return None if part.wrong else result
        return None

    def _report(self, part: Part, mistake: Mistake) -> None:
        """Note a mistake, unless it only follows from one that was noted before."""
        keys = {str(path[0]) for path in mistake.paths if path}
        part.wrong |= keys
        if part.settled and (not keys or keys & part.settled):
            return
        path = part.blame(mistake.paths)
        place = part.written_at(path)
        variable = part.variable(path) or self._written.variables.get(place)
        text = sentence(mistake, path, part.value(path), variable)
        if mistake.variable and (part.path, mistake.paths[0]) not in self._contested:
            text += f", or set {mistake.variable} in the environment"
        self._problem(place, text)

    def _problem(self, path: Path, text: str) -> None:
        self.problems.append(Problem(path, text, self._written.line(path)))
