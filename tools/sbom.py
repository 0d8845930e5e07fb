"""What the program is made of, as CycloneDX: ``python -m tools.sbom [FILE]``, or ``./run sbom``.

The library makes it from the lock, so it holds what is installed with hashes, and nothing of the development. Who needs
whom stands in the lock as comments (``# via``), which the library does not read: that is added here, and the version.
The same lock gives the same bytes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from exporter import __version__

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "run.txt"
BIN = Path(sys.executable).parent
SELF = "automation-exporter"

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")
_VIA = re.compile(r"^    #\s+(?:via\s+)?(\S+)(?: \(pyproject\.toml\))?$")


def needed_by(lock: str) -> Mapping[str, set[str]]:
    """Return for each package of a lock who needs it."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in lock.splitlines():
        if pinned := _PINNED.match(line):
            name = pinned[1]
            found[name] = set()
        elif (via := _VIA.match(line)) and via[1] != "via" and not via[1].startswith("-"):
            found[name].add(via[1])
    return found


def components(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the components with addresses of registries taken out: hashes name a package well enough."""
    for component in document["components"]:
        hashes = [each for link in component.get("externalReferences", ()) for each in link.get("hashes", ())]
        kept = {key: component[key] for key in ("type", "name", "version", "purl")}
        yield {"bom-ref": component["purl"], **kept, "hashes": hashes}


def sbom() -> str:
    """Return the document."""
    made = subprocess.run(
        (
            BIN / "cyclonedx-py",
            "requirements",
            "--pyproject",
            "pyproject.toml",
            "--output-reproducible",
            "-o",
            "-",
            LOCK,
        ),
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it warns of the graph that is added below
    )
    document: dict[str, Any] = json.loads(made.stdout)
    document["components"] = sorted(components(document), key=lambda each: str(each["name"]))
    root = document["metadata"]["component"]
    root |= {"version": __version__, "bom-ref": SELF, "purl": f"pkg:pypi/{SELF}@{__version__}"}
    refs = {each["name"]: each["bom-ref"] for each in document["components"]} | {SELF: SELF}
    needs: dict[str, set[str]] = {ref: set() for ref in refs.values()}
    for name, users in needed_by(LOCK.read_text()).items():
        for user in users:
            needs[refs[user]].add(refs[name])
    document["dependencies"] = [{"ref": ref, "dependsOn": sorted(needs[ref])} for ref in sorted(needs)]
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Print it, or write it to a file."""
    text = sbom()
    if arguments:
        file = Path(arguments[0])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
