"""``--config.auto-reload``: sees that the configuration file says something else.

The content is compared, not the time of the file: a mounted ConfigMap is a chain of links of which one is replaced,
and editors replace files too.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path


class FileWatch:
    """Compares a file with what it was when it was last looked at."""

    def __init__(self, path: Path) -> None:
        """Take the first look; made before the file is read for use, so that no change in between is missed."""
        self._path = path
        self._seen = self._look()

    def changed(self) -> bool:
        """Whether it says something else than at the last look. One that cannot be read now is being replaced."""
        found = self._look()
        if found is None or found == self._seen:
            return False
        self._seen = found
        return True

    def _look(self) -> bytes | None:
        try:
            return blake2b(self._path.read_bytes(), digest_size=16).digest()
        except OSError:
            return None
