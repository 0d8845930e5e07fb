"""The locks in ``requirements/``: compiled from pyproject.toml, with hashes and without addresses.

``python -m tools.locks`` compiles them anew (arguments such as ``--upgrade`` go to ``uv pip compile``);
``--check`` compares, without any network, what they were compiled from with what pyproject.toml says now.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("requirements")
UV = (sys.executable, "-m", "uv")  # the locked one, so that the locks do not depend on whose machine wrote them

# Each lock and the arguments that select its content. dev.txt holds everything and comes first: the others
# are constrained by it, so that one package has one version wherever it stands.
LOCKS: Mapping[str, Sequence[str]] = {
    "dev.txt": (
        "pyproject.toml",
        "--all-extras",
        "--group=test",
        "--group=lint",
        "--group=dashboards",
        "--group=ship",
        "--group=supply",
        "--group=lock",
        "--group=build",
    ),
    "run.txt": ("pyproject.toml", "--all-extras", "--constraints=requirements/dev.txt"),
    "build.txt": ("--group=build", "--constraints=requirements/dev.txt"),
}
# Universal: one file serves every platform and every Python from the oldest supported one on.
OPTIONS = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
)


def fingerprint(pyproject: str) -> str:
    """A hash over the parts of pyproject.toml (its text) that decide what an environment holds."""
    tables = tomllib.loads(pyproject)
    project = tables["project"]
    parts = {
        "build": tables["build-system"],
        "groups": tables["dependency-groups"],
        "project": {
            key: project.get(key) for key in ("requires-python", "dependencies", "optional-dependencies", "scripts")
        },
        "locks": {name: [*selection, *OPTIONS] for name, selection in LOCKS.items()},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def header(pyproject: str) -> str:
    """The first line of every lock."""
    return f"# Written by ./run lock from pyproject.toml, {fingerprint(pyproject)}\n"


def outdated(root: Path) -> list[str]:
    """Names of the locks under ``root`` that are missing or were compiled from another pyproject.toml."""
    expected = header((root / "pyproject.toml").read_text())
    paths = [root / FOLDER / name for name in LOCKS]
    return [path.name for path in paths if not path.is_file() or not path.read_text().startswith(expected)]


def compile_all(root: Path, arguments: Sequence[str]) -> None:
    """Write every lock under ``root``; raises CalledProcessError when uv finds no solution."""
    first_line = header((root / "pyproject.toml").read_text())
    (root / FOLDER).mkdir(exist_ok=True)
    for name, selection in LOCKS.items():
        output = FOLDER / name
        # An existing output is also an input: versions stay unless --upgrade or pyproject.toml moves them.
        command = (*UV, "pip", "compile", "--quiet", *OPTIONS, *selection, f"--output-file={output}", *arguments)
        subprocess.run(command, cwd=root, check=True)
        (root / output).write_text(first_line + (root / output).read_text())


def main(arguments: Sequence[str]) -> int:
    """Compile the locks, or with ``--check`` say which ones are out of date."""
    if "--check" not in arguments:
        compile_all(ROOT, arguments)
        return 0
    stale = outdated(ROOT)
    if stale:
        print(f"requirements: {', '.join(stale)} not compiled from this pyproject.toml; use ./run lock")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
