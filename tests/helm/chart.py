"""The chart as real Helm renders it, without a cluster."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml

from tests.real.binaries import ROOT

if importlib.util.find_spec("helm_python") is None:
    pytest.skip("helm_python has no wheel for this machine", allow_module_level=True)

import helm_python as helm

CHART = ROOT / "helm" / "automation-exporter"
VALUES_FILES = {path.name.removesuffix("-values.yaml"): path for path in sorted((CHART / "ci").iterdir())}

Manifest = Mapping[str, Any]


class UniqueKeys(yaml.SafeLoader):
    """YAML in which no key may stand twice, as the API server has it."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping; raises ConstructorError for a key that is there already."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"keys that stand twice: {twice}", node.start_mark)
        return super().construct_mapping(node, deep)


def values_of(name: str) -> dict[str, Any]:
    """Return what a values file says, as Helm reads it."""
    return helm.values_from_yaml(VALUES_FILES[name].read_text())


def templates(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the text that each template gives. Raises HelmError."""
    with helm.Chart.load(CHART) as chart:
        return chart.render(dict(values), name="watch", namespace="tools")


def manifests(values: Mapping[str, Any]) -> list[Manifest]:
    """Return every object that the chart makes of the values."""
    texts = [text for path, text in templates(values).items() if not path.endswith(".txt")]
    return [document for text in texts for document in yaml.load_all(text, UniqueKeys) if document is not None]


@functools.cache
def rendered(name: str) -> tuple[Manifest, ...]:
    """Return what the chart makes of a values file."""
    return tuple(manifests(values_of(name)))


def only(objects: Sequence[Manifest], kind: str) -> Manifest:
    """Return the only object of a kind."""
    (found,) = [found for found in objects if found["kind"] == kind]
    return found


def config_of(objects: Sequence[Manifest]) -> str | None:
    """Return the configuration file that the chart writes, if it writes one."""
    for found in objects:
        if found["kind"] == "ConfigMap" and "config.yaml" in found["data"]:
            return str(found["data"]["config.yaml"])
    return None


EVERY_VALUES_FILE = pytest.mark.parametrize("name", VALUES_FILES)
