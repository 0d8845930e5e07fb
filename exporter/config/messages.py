"""The words for what is wrong: pydantic's errors translated, what was found, and what was probably meant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, TypeVar, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from exporter.config.problems import Path, unseen, visible
from exporter.config.shape import models_in, place, tags, variable_of
from exporter.platforms.fields import SIZE, format_size
from exporter.platforms.wrong import CONFLICTS, FLAWS, WRONG

_SECRET_WORDS: Final = ("token", "secret", "key", "proxy", "password", "credential")
_LONGEST: Final = 60
_CLOSE: Final = 0.75  # "labels" is not meant to be "drop_labels"
_MOST_LISTED: Final = 12

# Words for keys that people know from elsewhere.
_KNOWN_AS: Final = {
    "api_key": ("token",),
    "api_key_file": ("token_file",),
    "base_url": ("endpoint",),
    "bearer_token": ("token", "api_key"),
    "credentials": ("auth",),
    "database": ("state",),
    "host": ("endpoint",),
    "kind": ("platform",),
    "org": ("org_id",),
    "poll_interval": ("interval",),
    "scrape_interval": ("interval",),
    "sources": ("targets",),
    "tags": ("labels",),
    "team": ("team_id",),
    "tenant": ("tenant_id",),
    "tls_insecure": ("insecure_skip_verify",),
    "token": ("api_key",),
    "token_file": ("api_key_file",),
    "type": ("platform", "kind"),
    "url": ("endpoint",),
    "verify": ("insecure_skip_verify",),
}

# By pydantic's error type: what is the matter, and what would be right; the latter may use the error's context.
_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "bool_parsing": ("is neither true nor false", "write true or false"),
    "bool_type": ("is neither true nor false", "write true or false"),
    "dict_type": ("is not a mapping", "write keys and values below it"),
    "finite_number": ("is not a finite number", "write a number such as 0.5"),
    "float_parsing": ("is not a number", "write a number such as 0.5"),
    "float_type": ("is not a number", "write a number such as 0.5"),
    "greater_than": ("is too small", "write more than {gt}"),
    "greater_than_equal": ("is too small", "write at least {ge}"),
    "int_from_float": ("is not a whole number", "write a number such as 100"),
    "int_parsing": ("is not a whole number", "write a number such as 100"),
    "int_parsing_size": ("is too large", "write a number such as 100"),
    "int_type": ("is not a whole number", "write a number such as 100"),
    "less_than": ("is too large", "write less than {lt}"),
    "less_than_equal": ("is too large", "write at most {le}"),
    "model_attributes_type": ("is not a mapping", "write keys and values below it"),
    "model_type": ("is not a mapping", "write keys and values below it"),
    "string_too_short": ("is empty", "write a value, or leave the key out"),
    "string_type": ("is not text", "write one value"),
    "tuple_type": ("is not a list", "write [a, b], or items that begin with '- '"),
}

Choice = TypeVar("Choice", bound=str)


class Mistake(NamedTuple):
    """One mistake in the values of a model: the keys it is about, what is the matter, and what would be right.

    ``choices`` are all values that are possible, if they are few. ``hidden`` values are not shown: of a key that is
    not known, nobody knows whether its value is a secret. ``variable`` of the environment fills the key in, if no
    other target lacks it.
    """

    paths: tuple[Path, ...]
    problem: str
    right: str = ""
    choices: tuple[str, ...] = ()
    hidden: bool = False
    variable: str | None = None


def mistakes(error: ValidationError, model: type[BaseModel]) -> Iterator[Mistake]:
    """Translate pydantic's errors about values for ``model``; paths are relative to it and as written."""
    for detail in error.errors(include_url=False, include_input=False):
        path, owner = place(detail["loc"], model)
        yield from _translate(detail, path, owner)


def _translate(detail: ErrorDetails, path: Path, owner: type[BaseModel]) -> Iterator[Mistake]:
    context: dict[str, Any] = detail.get("ctx", {})
    match detail["type"]:
        case kind if kind == CONFLICTS:
            for conflict in context["conflicts"]:
                keys = tuple((*path, *key.split(".")) for key in conflict.keys)
                yield Mistake(keys, conflict.problem, conflict.right, variable=conflict.variable)
        case kind if kind == FLAWS:
            for flaw in context["flaws"]:
                keys = ((*path, flaw.key) if flaw.key is not None else path,)
                yield Mistake(keys, flaw.problem, flaw.right, hidden=True)
        case kind if kind == WRONG:
            # What is wrong with a model as a whole needs no "found a mapping".
            field = owner.model_fields.get(str(path[-1])) if path else None
            whole = field is None or any(models_in(field.annotation)) or get_origin(field.annotation) is dict
            yield Mistake((path,), context["problem"], context["right"], hidden=whole)
        case "extra_forbidden":
            yield Mistake((path,), unknown_key(str(path[-1]), owner.model_fields), hidden=True)
        case "missing":
            yield missing(path, owner)
        case "union_tag_not_found" | "union_tag_invalid":
            field = owner.model_fields[str(path[-1])]
            problem = "is missing" if detail["type"] == "union_tag_not_found" else "is not possible"
            yield Mistake(((*path, str(field.discriminator)),), problem, choices=tuple(tags(field)))
        case "literal_error":
            # The context has them as a phrase: 'a', 'b' or 'c'.
            choices = context["expected"].replace(" or ", ", ").split(", ")
            yield Mistake((path,), "is not possible", choices=tuple(choice.strip("'") for choice in choices))
        case kind if kind in _TEXTS:
            problem, right = _TEXTS[kind]
            field = owner.model_fields.get(str(path[-1])) if path else None
            if field is not None and SIZE in field.metadata:
                context = {name: format_size(value) for name, value in context.items() if isinstance(value, int)}
            numbers = {name: f"{value:g}" for name, value in context.items() if isinstance(value, float)}
            yield Mistake((path,), problem, right.format_map(context | numbers))
        case _:
            yield Mistake((path,), detail["msg"])


def missing(path: Path, owner: type[BaseModel]) -> Mistake:
    """Return the mistake for a required key that is not there."""
    field = owner.model_fields[str(path[-1])]
    if field.discriminator:
        return Mistake((path,), "is missing", f"write {path[-1]}: with {field.discriminator}: {', '.join(tags(field))}")
    example = json.dumps(field.examples[0], ensure_ascii=False).replace('"', "") if field.examples else "..."
    return Mistake((path,), "is missing", f"write {path[-1]}: {example}", variable=variable_of(field))


def sentence(mistake: Mistake, path: Path, value: object, variable: str | None) -> str:
    """Return the text of a problem: the matter, what was found at ``path``, what would be right."""
    right = mistake.right
    if mistake.choices:
        close = closest(value, mistake.choices)
        right = f"write one of {', '.join(mistake.choices)}" + (f'; did you mean "{close}"?' if close else "")
    text = mistake.problem + ("" if mistake.hidden else _found(value, path, variable))
    return f"{text}; {right}" if right else text


def closest(value: object, choices: Iterable[Choice]) -> Choice | None:
    """Return the one of ``choices`` that was probably meant, if any is near."""
    by_name = {str(choice): choice for choice in choices}
    close = get_close_matches(value, by_name, n=1) if isinstance(value, str) else []
    return by_name[close[0]] if close else None


def _found(value: object, path: Path, variable: str | None) -> str:
    """Say what stands there; nothing for what may be a secret, the variable's name for what came from one."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", found a mapping"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", found a list"
    if path[-1:] == ("auth",) or any(word in str(part).lower() for part in path for word in _SECRET_WORDS):
        return ""
    if variable is not None:
        return f", found the value of {variable}"
    return f", found {_shown(str(value))}"


def _shown(text: str) -> str:
    return visible(json.dumps(text if len(text) <= _LONGEST else text[:_LONGEST] + "...", ensure_ascii=False))


def _plain(key: str) -> str:
    return "".join(filter(str.isprintable, key)).strip().lower().replace("-", "_")


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Say that a key is unknown, and which one was probably meant."""
    names = sorted(known)
    plain = _plain(key)
    spelt = {_plain(name): name for name in names}
    alike = [spelt[found] for found in get_close_matches(plain, spelt, n=1, cutoff=_CLOSE)]
    guesses = [*(name for name in _KNOWN_AS.get(plain, ()) if name in names), *alike]
    text = f"unknown key {_shown(key)}" + (f", which holds {unseen(key)}" if unseen(key) else "")
    if guesses:
        return f'{text}; did you mean "{guesses[0]}"?'
    if len(names) <= _MOST_LISTED:
        return f"{text}; possible here are {', '.join(names)}"
    return f"{text}; docs/configuration.md lists all keys"
