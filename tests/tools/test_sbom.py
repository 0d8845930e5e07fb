"""The bill of materials: valid, complete, the same every time."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from exporter import __version__
from tools import sbom

LOCK = sbom.LOCK.read_text()


@pytest.fixture(scope="module")
def text() -> str:
    """What ``./run sbom`` prints."""
    return sbom.sbom()


def test_it_is_valid_and_the_same_every_time(text: str) -> None:
    """By CycloneDX's own schema; without a time or a number drawn by chance."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert sbom.sbom() == text


def test_it_holds_what_is_installed_at_run_time(text: str) -> None:
    """Every package of the lock with its hashes, nothing else; and which version of what it is."""
    document = json.loads(text)
    found = {each["name"]: (each["version"], len(each["hashes"])) for each in document["components"]}
    assert {name: version for name, (version, _) in found.items()} == dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", LOCK))
    assert sum(hashes for _, hashes in found.values()) == LOCK.count("--hash=sha256:")
    root = document["metadata"]["component"]
    assert (root["name"], root["version"]) == ("automation-exporter", __version__)


def test_it_says_who_needs_whom(text: str) -> None:
    """The program what it declares, everything else what it is there for; nothing hangs in the air."""
    document = json.loads(text)
    needs = {each["ref"]: set(each["dependsOn"]) for each in document["dependencies"]}
    project = tomllib.loads((sbom.ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(each for extra in extras for each in extra)]
    names = {re.split(r"[^\w.-]", each)[0].lower() for each in declared}
    assert {ref.split("/")[1].split("@")[0] for ref in needs["automation-exporter"]} == names
    assert set.union(*needs.values()) == needs.keys() - {"automation-exporter"}
