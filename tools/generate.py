"""The files that are written by programs: ``python -m tools.generate`` writes them, ``--check`` compares them.

A generated file is one line in ``GENERATED``: its path and the function that returns its whole text. They are
committed, so that a reader finds them and a review shows what a change does to them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.kit import page as performance_page
from tools import (
    chart,
    commands_page,
    configuration_page,
    configuration_schema,
    dashboards,
    metrics_page,
    platform_pages,
    rules,
)

ROOT = Path(__file__).resolve().parent.parent

GENERATED: Mapping[str, Callable[[], str]] = {
    "docs/config.schema.json": configuration_schema.page,
    "docs/commands.md": commands_page.page,
    "docs/configuration.md": configuration_page.page,
    "docs/metrics.md": metrics_page.page,
    "docs/performance.md": performance_page.page,
    **chart.GENERATED,
    **dashboards.GENERATED,
    **platform_pages.pages(),
    **{path: partial(rules.page, path) for path in rules.FILES},
}


def outdated(root: Path, generated: Mapping[str, Callable[[], str]]) -> list[str]:
    """Paths under ``root`` whose text is missing or is not what their function returns."""
    texts = {path: text() for path, text in generated.items()}
    return [path for path, text in texts.items() if not (root / path).is_file() or (root / path).read_text() != text]


def write(root: Path, generated: Mapping[str, Callable[[], str]]) -> list[str]:
    """Write what is out of date under ``root``; returns the paths that were written."""
    paths = outdated(root, generated)
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(generated[path]())
    return paths


def main(arguments: Sequence[str]) -> int:
    """Write the files, or with ``--check`` say which ones are out of date."""
    if "--check" not in arguments:
        for path in write(ROOT, GENERATED):
            print(f"wrote {path}")
        return 0
    stale = outdated(ROOT, GENERATED)
    for path in stale:
        print(f"{path} is not what ./run docs writes")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
