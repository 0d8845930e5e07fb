"""A configuration file as text."""

from __future__ import annotations

from pathlib import Path

from exporter.errors import ConfigError


def read_text(file: Path) -> str:
    """Return what stands in the file. Raises ConfigError, with the place, when it cannot be read or is not UTF-8."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        before, byte = error.object[: error.start], error.object[error.start]
        line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
        found = f"byte {column} of the line is 0x{byte:02X}"
        raise ConfigError([f"{file}:{line}: is not UTF-8 text ({found}); save the file as UTF-8"]) from None
