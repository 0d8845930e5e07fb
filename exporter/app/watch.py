"""``--config.auto-reload``: sees that the configuration file says something else.

The content is compared, not the time of the file: a mounted ConfigMap is a chain of links of which one is replaced,
and editors replace files too.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Final

PATIENCE: Final = 3
"""Looks in a row that may find no readable file: one that is being replaced may be gone for a moment."""


class FileWatch:
    """Compares a file with what it was when it was last looked at."""

    def __init__(self, path: Path) -> None:
        """Take the first look; made before the file is read for use, so that no change in between is missed."""
        self._path = path
        self._seen = self._look()
        self._missed = 0

    def changed(self) -> bool:
        """Whether it is to be read again: it says something else than at the last look, or is gone for good.

        That it is gone is told once, and so is that it is back, though it may say the same: whoever could not read it
        in between must learn that all is well again.
        """
        found = self._look()
        if found is None:
            self._missed += 1
            return self._missed == PATIENCE
        back, self._missed = self._missed >= PATIENCE, 0
        changed, self._seen = found != self._seen, found
        return changed or back

    def _look(self) -> bytes | None:
        try:
            return blake2b(self._path.read_bytes(), digest_size=16).digest()
        except OSError:
            return None
