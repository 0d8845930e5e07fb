"""Each mistake is a file with its exact messages: ``mistakes/<name>.yaml`` and ``mistakes/<name>.txt``.

A first line ``# env: NAME=value ...`` is the environment. ``--update`` writes the messages anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config import load_text
from exporter.errors import ConfigError

FOLDER = Path(__file__).parent / "mistakes"
CASES = sorted(FOLDER.glob("*.yaml"))


def environment(text: str) -> dict[str, str]:
    """Return the variables that the first line names."""
    first = text.split("\n", 1)[0]
    if not first.startswith("# env: "):
        return {}
    return dict(word.split("=", 1) for word in first.removeprefix("# env: ").split(" "))


def messages(case: Path) -> str:
    """Return what is said about a file, one problem a line."""
    text = case.read_text()
    with pytest.raises(ConfigError) as error:
        load_text(text, environment(text), name=case.name, folder=case.parent)
    return "\n".join(error.value.problems) + "\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_mistake_has_its_message(case: Path, request: pytest.FixtureRequest) -> None:
    """A wrong file is refused with exactly these sentences, in order of lines, each with file and line."""
    expected = case.with_suffix(".txt")
    found = messages(case)
    if request.config.getoption("--update"):
        expected.write_text(found)
    assert expected.exists(), f"{expected.name} is missing: ./run test tests/config/test_mistakes.py --update writes it"
    assert found == expected.read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_no_secret_is_shown(case: Path) -> None:
    """Whatever is wrong, nothing that may be a secret stands in a message."""
    found = messages(case)
    for secret in ("not-to-be-shown", "not-shown", "example-token", "example-key", "example-secret"):
        assert secret not in found
