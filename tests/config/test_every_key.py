"""Every key of the configuration is wrong at least once in ``mistakes/``, so that each has a message that was read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from exporter.config import PLATFORMS
from exporter.config.model import Settings
from exporter.platforms.pace import Pace
from tests.config.test_mistakes import CASES

POINTED_AT = re.compile(r"^[^ ]+: (?P<key>[a-z_]+(?:\[[0-9]+\])?(?:\.[a-z_]+(?:\[[0-9]+\])?)*): ")
INDEX = re.compile(r"\[[0-9]+\]")


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the settings models that values of a key may be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, tuple, list) or hasattr(annotation, "__metadata__"):
        for part in get_args(annotation):
            yield from models_in(part)


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield all keys of a model and of the models within, dotted."""
    for name, field in model.model_fields.items():
        yield prefix + name
        for inner in models_in(field.annotation):
            yield from keys_of(inner, f"{prefix}{name}.")


def wrong_keys() -> set[str]:
    """Name the keys that a message points at; those of a target with its platform in front."""
    found = set()
    for case in CASES:
        if not case.with_suffix(".txt").exists():  # that its messages are not written yet, the tests of mistakes say
            continue
        platforms = _platforms(case.read_text())
        for line in case.with_suffix(".txt").read_text().splitlines():
            match = POINTED_AT.match(line)
            if match is not None:
                found.add(_named(match["key"], platforms))
    return found


def _platforms(text: str) -> list[str]:
    try:
        targets = yaml.safe_load(text)["targets"]
        return [str(target.get("platform")) for target in targets]
    except (yaml.YAMLError, TypeError, KeyError, AttributeError, ValueError):
        return []


def _named(key: str, platforms: list[str]) -> str:
    match = re.match(r"targets\[([0-9]+)\]\.", key)
    if match is None:
        return INDEX.sub("", key)
    number = int(match[1])
    platform = platforms[number] if number < len(platforms) else "?"
    return f"{platform}.{INDEX.sub('', key[match.end() :])}"


FILE = [key for key in keys_of(Settings) if not key.startswith(("targets.", "defaults."))]
OWN = {name: sorted(set(keys_of(model)) - Pace.model_fields.keys()) for name, model in PLATFORMS.items()}
"""Keys of one platform's targets, those of every target among them."""


def test_the_keys_are_found() -> None:
    """Nested ones too; else nothing would be asked for."""
    assert {"targets", "defaults", "state", "workloads.match.target", "workloads.objective.max_silence"} <= set(FILE)
    assert {"auth.client_secret_file", "auth.federated_token_file", "features", "name"} <= set(OWN["foundry"])
    assert {"filters.triggered_by", "workflow_tokens"} <= set(OWN["granite"])


@pytest.mark.parametrize("key", FILE)
def test_a_key_of_the_file_is_wrong_somewhere(key: str) -> None:
    assert key in wrong_keys()


@pytest.mark.parametrize("key", Pace.model_fields)
def test_a_key_of_pace_is_wrong_somewhere(key: str) -> None:
    assert any(each.rpartition(".")[2] == key for each in wrong_keys())


@pytest.mark.parametrize(("platform", "key"), [(name, key) for name, keys in OWN.items() for key in keys])
def test_a_key_of_a_platform_is_wrong_somewhere(platform: str, key: str) -> None:
    """What every target has may be wrong in a target of any platform."""
    shared = key in {"name", "previous_name", "platform", "labels", "run_url"}
    found = wrong_keys()
    assert f"{platform}.{key}" in found or (shared and any(each.endswith(f".{key}") for each in found)), (
        f"no message of tests/config/mistakes/*.txt is about the key {key} of a {platform} target: "
        f"write it wrong in a .yaml there, then ./run test tests/config/test_mistakes.py --update"
    )
