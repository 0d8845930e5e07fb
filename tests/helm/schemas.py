"""Schemas of Kubernetes and of the Prometheus operator: what an API server would refuse, strictly read."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from jsonschema.exceptions import best_match
from kubernetes_validate import utils as kubernetes

from tests.helm.chart import Manifest

KUBERNETES_VERSIONS = ("1.25", "1.30", "1.37")
"""The oldest that the chart says it supports, one between, and the newest that there are schemas of."""

OPERATOR_GROUP = "monitoring.coreos.com/v1"

LOADS_OPERATOR = pytest.mark.xdist_group("operator")
"""For tests that need the operator's schemas: loading them takes seconds, so one worker does it for all."""


def complaints(manifest: Manifest, version: str) -> list[str]:
    """Return what an API server of this version has against an object."""
    if manifest["apiVersion"] == OPERATOR_GROUP:
        # Optional fields are "this or null" there: the best match is the error inside, not that neither fits.
        error = best_match(_operator(manifest["kind"]).iter_errors(manifest))
        return [f"{error.json_path}: {error.message}"] if error else []
    try:
        kubernetes.validate(dict(manifest), version, strict=True)
    except kubernetes.ValidationError as refused:
        return [f"{'.'.join(map(str, refused.path))}: {refused.message}"]
    except kubernetes.SchemaNotFoundError as unknown:
        return [unknown.message]
    return []


@functools.cache
def _schema_contents(filename: str, version: str) -> Any:
    return _read_schema(filename, version)


# The library reads a megabyte of definitions for every object; it is the same megabyte.
_read_schema = kubernetes.schema_contents
kubernetes.schema_contents = _schema_contents


@functools.cache
def _operator(kind: str) -> jsonschema.Draft202012Validator:
    from cloudcoil.models.prometheus_operator import v1  # noqa: PLC0415 - takes seconds, and few tests need it

    schema: dict[str, Any] = getattr(v1, kind).model_json_schema(by_alias=True)
    for part in _parts(schema):
        if "properties" in part:
            part.setdefault("additionalProperties", False)
    return jsonschema.Draft202012Validator(schema)


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from _parts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _parts(value)
