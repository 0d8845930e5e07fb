"""What the fields of the settings mean: the texts below them, which a running program does not read.

pydantic can do this while a class is made (``use_attribute_docstrings``). It reads each module's source for it, at
every start of the program.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise

from pydantic import BaseModel

from exporter.config.shape import models_in
from exporter.platforms.pace import SettingsModel


def describe_fields() -> None:
    """Give every field of all settings its description, for schemas and pages."""
    models = list(dict.fromkeys(_models(SettingsModel)))
    for model in models:
        for base in reversed(model.__mro__):
            for name, text in _texts(base).items():
                field = model.model_fields.get(name)
                if field is not None:
                    field.description = text
    made: set[type[BaseModel]] = set()
    for model in models:
        _make_anew(model, made)


def _make_anew(model: type[BaseModel], made: set[type[BaseModel]]) -> None:
    """Make a model's schema anew, after those of its fields, which it holds."""
    if model not in made:
        made.add(model)
        for field in model.model_fields.values():
            for each in models_in(field.annotation):
                _make_anew(each, made)
        model.model_rebuild(force=True)


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for each in model.__subclasses__():
        yield from _models(each)


def _texts(owner: type) -> dict[str, str]:
    """Return the text below each field that is declared in a class itself."""
    if not issubclass(owner, SettingsModel):
        return {}
    (statements,) = [each.body for each in ast.parse(inspect.getsource(owner)).body if isinstance(each, ast.ClassDef)]
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(statements)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
