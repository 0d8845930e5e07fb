"""What no tracked file may hold: a package registry's address, or a path of somebody's machine.

Locks with addresses break behind a mirror; a home folder's path works for one person only. A lock's hashes
name a package well enough.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Written in pieces, so that this file passes its own check.
REGISTRY_HOSTS = (
    r"py" r"pi\.org",
    r"python" r"hosted\.org",
    r"registry\.npm" r"js\.org",
    r"deb\." r"debian\.org",
    r"(?:static\.|index\.)?crates" r"\.io",
)
MACHINE_PATHS = (r"/ro" r"ot/", r"/ho" r"me/[a-z]", r"/Use" r"rs/[A-Za-z]", r"/wo" r"rk/[a-z]")
FORBIDDEN = re.compile("|".join((*REGISTRY_HOSTS, *(rf"(?<![\w.~}}-]){path}" for path in MACHINE_PATHS))))


def offences(text: str) -> Iterator[tuple[int, str]]:
    """Line numbers, from 1, and what was found in them."""
    for number, line in enumerate(text.splitlines(), start=1):
        for match in FORBIDDEN.finditer(line):
            yield number, match.group()


def tracked_files(root: Path) -> list[Path]:
    """Files that git tracks, or would with the next ``git add``, and that exist."""
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listing = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return [root / name for name in sorted(set(listing.split("\0"))) if name and (root / name).is_file()]


def main() -> int:
    """Print every offence as file:line; exit code 1 if there is one."""
    found = False
    for path in tracked_files(ROOT):
        # Binary files are searched too: their bytes decode to something, and an address stays readable in it.
        for number, words in offences(path.read_bytes().decode(errors="replace")):
            print(f"{path.relative_to(ROOT)}:{number}: {words!r} belongs to one machine or one registry")
            found = True
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
