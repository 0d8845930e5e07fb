"""Where the state file is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from exporter.platforms.wrong import wrong

_SCHEME: Final = "sqlite:"
_RIGHT: Final = "write a path, or sqlite:////absolute/path"
FALLBACK: Final = "automation-exporter.db"


def parse_state(text: object) -> Path:
    """Return the path that ``state:`` or ``--state`` names. Raises PydanticCustomError for anything else."""
    if not isinstance(text, str):
        raise wrong("is not a path", _RIGHT)
    if text.startswith(_SCHEME):
        rest = text.removeprefix(_SCHEME)
        if not rest.startswith("////") or "?" in rest:
            raise wrong("is not an absolute SQLite address", _RIGHT)
        text = unquote(rest.removeprefix("///"))
    elif "://" in text:
        raise wrong("is a kind of storage that is not known", _RIGHT)
    if text.startswith("~") and "/" in text:
        raise wrong("begins with ~, which stands for no folder here", "write the whole path")
    if not text or text.endswith("/") or "\0" in text:
        raise wrong("is not the path of a file", _RIGHT)
    return Path(text)


def default_state(environ: Mapping[str, str]) -> Path:
    """Return where the state is when nobody says: systemd's state directory (the first), else the current one."""
    directories = [directory for directory in environ.get("STATE_DIRECTORY", "").split(":") if directory]
    return Path(directories[0], "state.db") if directories else Path(FALLBACK)
