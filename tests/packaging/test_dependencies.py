"""What is installed at run time: little, each with its reason, and nothing used that is not declared."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from tests.real.binaries import ROOT

REASONS = ROOT / "docs" / "decisions" / "0003-the-libraries-at-run-time.md"
INSIDE = {"pydantic-core": "pydantic", "annotated-types": "pydantic", "azure-core": "azure-identity"}
"""Parts of a library that it shows in its own interface, pinned or required by it."""


def declared() -> set[str]:
    """Return the names of all dependencies, those of extras too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    return {re.split(r"[^\w.-]", each)[0].lower() for several in lists for each in several}


def test_each_dependency_has_its_reason() -> None:
    """The table of the decision names exactly what is declared."""
    rows = re.findall(r"(?m)^\| (?!library|---)([^|]+) \| [^|]+ \| [^|]+ \|$", REASONS.read_text())
    words = {word.lower() for row in rows for word in re.findall(r"[A-Za-z][\w-]+", re.sub(r"extra `\w+`", "", row))}
    assert words - {"with"} == declared()


def test_what_is_imported_is_declared() -> None:
    """A library that comes only with another one may leave with its next version."""
    ours = packages_distributions()
    imported: set[str] = set()
    for path in (ROOT / "exporter").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module)
    foreign = {name.split(".")[0] for name in imported} - sys.stdlib_module_names - {"exporter", "azure"}
    used = {ours[name][0].lower().replace("_", "-") for name in foreign}
    used |= {"azure-identity"} if any(name.startswith("azure.") for name in imported) else set()
    assert {INSIDE.get(name, name) for name in used} <= declared()
