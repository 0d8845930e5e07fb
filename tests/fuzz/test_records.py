"""Every record model alone, with bent records: each is read or left out, and what was read can be used.

The models are found by their base, so that a new one is fuzzed without being named here; it needs a sample.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from exporter.platforms import foundry, granite, moderately, roboto
from exporter.platforms.parsing import Record, records
from exporter.times import SECOND
from tests.fuzz.mutation import bend
from tests.platforms.support import SAMPLES

CASES = 5_000
MANY_CASES = 100_000
YEAR_10000 = 253_402_300_800 * SECOND
FURTHER = ({"org_id": "og_example", "name": "Fleet", "status": "active"},)
"""Objects that no sample has: who asks, of Roboto."""
PACKAGES = tuple(package.__name__ for package in (foundry, granite, moderately, roboto))


def models() -> list[type[Record]]:
    """Every record model of the four platforms."""
    found: list[type[Record]] = [Record]
    for model in found:
        found += [each for each in model.__subclasses__() if each not in found]
    return [model for model in found if model.__module__.startswith(PACKAGES)]


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(each)


def specimens(model: type[Record]) -> list[dict[str, Any]]:
    """The objects of all samples that hold the most of the model's fields."""
    names = {field.alias or name for name, field in model.model_fields.items()}
    files = sorted(Path(SAMPLES).rglob("*.json"))
    held = [*FURTHER, *(each for file in files for each in objects(json.loads(file.read_bytes())))]
    found = [each for each in held if fits(model, each)]
    most = max((len(names & each.keys()) for each in found), default=0)
    return [each for each in found if len(names & each.keys()) == most] if most else []


def fits(model: type[Record], value: dict[str, Any]) -> bool:
    """Whether an object is such a record."""
    try:
        model.model_validate(value)
    except ValidationError:
        return False
    return True


def usable(value: object) -> bool:
    """Whether what a record holds can be counted, stored and shown."""
    if isinstance(value, str):
        return value == value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int):
        return abs(value) <= YEAR_10000
    if isinstance(value, Record):
        return all(map(usable, dict(value).values()))
    if isinstance(value, tuple | list):
        return all(map(usable, value))
    if isinstance(value, dict):
        return all(map(usable, value.values()))
    return True


def fuzz(model: type[Record], seed: int, cases: int) -> None:
    """Bend so many records; a failure names its case, which the seed repeats."""
    random = Random(f"{model.__name__} {seed}")
    whole = specimens(model)
    assert whole, f"no sample holds a {model.__name__}"
    for number in range(cases):
        bent = bend(random.choice(whole), random, random.choice((1, 1, 2, 4)))
        found, skipped = records((bent,), model)
        assert len(found) + len(skipped) == 1
        assert all(map(usable, found)), f"case {number}"


def test_there_are_models_of_every_platform() -> None:
    assert len({model.__module__.split(".")[2] for model in models()}) == 4


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_bent_records(model: type[Record]) -> None:
    fuzz(model, 0, CASES // len(models()))


@pytest.mark.nightly
@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_many_bent_records(model: type[Record]) -> None:
    fuzz(model, 1, MANY_CASES // len(models()))
