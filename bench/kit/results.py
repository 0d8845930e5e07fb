"""What was measured, one JSON file a script, so that the page can be written without measuring anew."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "results"


@dataclass(frozen=True, slots=True)
class Result:
    """One script's figures. ``busy`` says what else the machine did, empty when nothing."""

    script: str
    found: dict[str, Any]
    skipped: list[str]
    machine: dict[str, str]
    measured: str
    busy: str


def save(result: Result, folder: Path = FOLDER) -> None:
    """Keep it in place of the script's last one."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(result), indent=1)
    (folder / f"{result.script}.json").write_text(f"{text}\n", "utf-8")


def load(script: str, folder: Path = FOLDER) -> Result | None:
    """The script's last one; None when it was never kept."""
    path = folder / f"{script}.json"
    return Result(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def today() -> str:
    """The day, UTC."""
    return datetime.now(UTC).date().isoformat()
