"""The JSON Schema of the configuration: it takes what the program takes, and refuses common mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from exporter.config import PLATFORMS, Settings
from exporter.config.model import Match, Objective, WorkloadRule
from tools.configuration_schema import page

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads(page())
VALIDATOR = Draft202012Validator(SCHEMA)
HEAD = "targets: [{name: a, platform: roboto, token: x}]\n"


def complaints(text: str) -> list[str]:
    """What the schema has against a configuration."""
    return [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))]


def test_the_schema_is_valid_and_up_to_date() -> None:
    """If not: ./run docs."""
    Draft202012Validator.check_schema(SCHEMA)
    assert (ROOT / "docs" / "config.schema.json").read_text() == page()


def test_the_example_names_the_schema_and_follows_it() -> None:
    """Editors find it by the first line."""
    text = (ROOT / "examples" / "config.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=../docs/config.schema.json\n")
    assert complaints(text) == []


@pytest.mark.parametrize(
    "text",
    [
        HEAD,
        HEAD + "defaults: {interval: 90s, jitter: 0, timeout: 500ms, max_response_bytes: 1MiB, allow_http: true}\n",
        HEAD + "defaults: {interval: '${PACE:-1m}', jitter: 10%, max_workloads: '${MOST}', allow_http: '${HTTP}'}\n",
        HEAD + "workloads: [{match: {workload: '*'}, objective: {success_ratio: 0.99, max_silence: 26h}}]\n",
        "targets: [{name: a, platform: foundry, endpoint: 'https://x.example', auth: {kind: token, token: x}}]\n",
        "targets: [{name: a, platform: granite, api_key_file: /x, filters: {status: '${S}'}, labels: {team: b}}]\n",
        "targets: [{name: a, platform: moderately, team_id: t, api_key: x, previous_name: b, include: ['*']}]\n",
    ],
)
def test_what_is_right_is_taken(text: str) -> None:
    """Also values that come from the environment."""
    assert complaints(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "targets: []\n",
        "target: []\n",
        HEAD + "defaults: {interval: 90}\n",
        HEAD + "defaults: {interval: 90 seconds}\n",
        HEAD + "defaults: {interva: 90s}\n",
        HEAD + "defaults: {max_workloads: many}\n",
        HEAD + "defaults: {max_workloads: 0}\n",
        HEAD + "defaults: {name: a}\n",
        "targets: [{name: a, platform: robotto, token: x}]\n",
        "targets: [{name: a, token: x}]\n",
        "targets: [{platform: roboto, token: x}]\n",
        "targets: [{name: a, platform: roboto, api_key: x}]\n",
        "targets: [{name: a, platform: foundry, endpoint: 'https://x.example', auth: {token: x}}]\n",
        "targets: [{name: a, platform: foundry, endpoint: 'https://x.example', auth: {kind: tokn, token: x}}]\n",
        "targets: [{name: a, platform: granite, api_key: x, filters: {status: fine}}]\n",
    ],
)
def test_mistakes_are_found(text: str) -> None:
    """Unknown keys, wrong kinds of values, missing names."""
    assert complaints(text)


def described(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model."""
    found: dict[str, Any] = SCHEMA if model is Settings else SCHEMA["$defs"][model.__name__]
    return found


@pytest.mark.parametrize("model", [Settings, WorkloadRule, Match, Objective, *PLATFORMS.values()])
def test_every_key_is_there_with_its_meaning_and_a_default_as_it_is_written(model: type[BaseModel]) -> None:
    """Editors show both."""
    properties = described(model)["properties"]
    assert properties.keys() == model.model_fields.keys()
    for key, found in properties.items():
        assert found.get("description") or "const" in found, key
        default = found.get("default")
        assert default is None or Draft202012Validator(found).is_valid(default), key
