"""The threat model names tests; each of them exists, and no row goes without one."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.real.binaries import ROOT

PAGE = ROOT / "docs" / "security.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[tuple[str, str, str]]:
    """Return threat, measure and tests of every row of the tables of threats."""
    found = []
    inside = False
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        inside = cells == ["threat", "measure", "test"] or (inside and line.startswith("|"))
        if inside and cells[0] != "threat" and not cells[0].startswith("---"):
            threat, measure, proof = cells
            found.append((threat, measure, proof))
    assert len(found) > 20
    return found


@cache
def names_in(module: str) -> frozenset[str]:
    """Return the names of the tests in a module, without importing it."""
    path = ROOT / module
    if not path.is_file():
        return frozenset()
    return frozenset(node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))


def test_the_tests_that_are_named_exist() -> None:
    """A test that is renamed or removed is noticed here."""
    named = NAMED.findall(PAGE.read_text())
    assert len(named) > 20
    assert [f"{module}::{name}" for module, name in named if name not in names_in(module)] == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0].strip("| ")[:50])
def test_every_threat_has_a_test(row: tuple[str, str, str]) -> None:
    """A measure that nothing proves is a hope."""
    threat, measure, proof = row
    assert threat
    assert measure
    assert NAMED.search(proof), threat
