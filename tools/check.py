"""Everything that CI checks besides the tests: ``python -m tools.check [NAME ...]``, or ``./run check``.

A new check is one line in ``CHECKS``: a name and a command that prints what is wrong and exits non-zero.
All of them run at the same time, and all of them run: one mistake does not hide the next.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Console scripts stand beside the interpreter, on PATH or not.
BIN = Path(sys.executable).parent

CHECKS: Mapping[str, Sequence[str]] = {
    "types": (sys.executable, "-m", "mypy"),
    "lint": (sys.executable, "-m", "ruff", "check"),
    "format": (sys.executable, "-m", "ruff", "format", "--check"),
    "layers": (str(BIN / "lint-imports"), "--no-logo"),
    "locks": (sys.executable, "-m", "tools.locks", "--check"),
    "generated": (sys.executable, "-m", "tools.generate", "--check"),
    "addresses": (sys.executable, "-m", "tools.tracked"),
    "dockerfile": (str(BIN / "hadolint"), "Dockerfile"),
    "workflows": (str(BIN / "zizmor"), "--offline", "--no-progress", ".github/workflows"),
    "workflow-schema": (
        *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"),
        *map(str, sorted((ROOT / ".github" / "workflows").glob("*.yml"))),
    ),
}

MENDED_BY: Mapping[str, str] = {
    "format": f"{BIN / 'ruff'} format",
    "generated": "./run docs",
    "locks": "./run lock",
}
"""What mends a check that failed, where one command does."""


def run_check(name: str) -> bool:
    """Run one check; print its output only if it failed. True when it passed."""
    start = time.monotonic()
    result = subprocess.run(
        CHECKS[name], cwd=ROOT, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    passed = result.returncode == 0
    verdict = "ok" if passed else f"FAILED (exit code {result.returncode})"
    output = "" if passed else result.stdout.decode(errors="replace")
    if not passed and name in MENDED_BY:
        output += f"mended by: {MENDED_BY[name]}\n"
    print(f"check {name}: {verdict}, {time.monotonic() - start:.1f} s\n{output}", end="", flush=True)
    return passed


def main(names: Sequence[str]) -> int:
    """Run the checks named, or all of them."""
    unknown = sorted(set(names) - set(CHECKS))
    if unknown:
        print(f"no such check: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
        return 2
    with ThreadPoolExecutor() as pool:
        passed = list(pool.map(run_check, names or CHECKS))
    print(f"{passed.count(True)} checks passed, {passed.count(False)} failed")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
