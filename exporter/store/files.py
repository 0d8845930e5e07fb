"""The files of a state that is in use: those that the next start will find, and nobody else's.

The database itself goes on writing into files that were removed, and all of that would be lost with the process.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

from exporter.errors import StateError
from exporter.store.connection import damaged, journal
from exporter.store.lock import StateLock

log = logging.getLogger(__name__)

Identity = tuple[int, int]
"""Device and inode."""


class StateFiles:
    """The file, its journal and its lock, which is held from the beginning on. Raises StateError and its kinds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = StateLock(path)
        self._file: Identity | None = None
        self._journal = journal(path)
        self._journal_file: Identity | None = None
        try:
            self._refuse_emptied()
        except StateError:
            self._lock.withdraw()
            raise

    def _refuse_emptied(self) -> None:
        """A file of no length is a new one, except where a state was before: that must not start over in silence."""
        if self._lock.begun and self.path.exists() and not self.path.stat().st_size:
            raise damaged(self.path, "it is empty, and was not")

    def opened(self) -> None:
        """Note that there is a state, in the file as it is now."""
        self._file = identity(self.path)
        self._lock.note_begun()

    def connected(self) -> None:
        """Note that the database was opened anew, and with it a journal."""
        self._journal_file = None

    def begun(self) -> None:
        """Note that a transaction has begun, with the first of which the journal comes."""
        self._journal_file = self._journal_file or identity(self._journal)

    def intact(self) -> bool:
        """Whether what is in memory is what is on disk, and what is written now will be found there.

        A lock file that was removed is made anew; whoever had the state meanwhile may have written it. What is in a
        journal that was removed, closing puts into its file.
        """
        intact = not self._lock.keep()
        if not intact:
            log.warning("the lock file of the state was removed; it was made anew", extra={"path": str(self.path)})
        if identity(self.path) != self._file:
            return False
        if self._journal_file not in (None, identity(self._journal)):
            log.warning("the journal of the state was removed; a new one is begun", extra={"path": str(self._journal)})
            return False
        return intact

    def check(self) -> None:
        """Raises StateError when the file is not the one that was opened."""
        found = identity(self.path)
        if found is None:
            raise StateError(
                f"{self.path}: was removed while in use; put it back, or start again to begin with an empty one"
            )
        if found != self._file:
            raise self.replaced()

    def replaced(self) -> StateError:
        """Return the error of a state that is another one."""
        return StateError(f"{self.path}: was replaced while in use; start again to go on with this one")

    def size_bytes(self) -> int:
        """Return how much room the state takes on disk, journals included."""
        size = 0
        for file in (self.path, self._journal, journal(self.path, "-shm")):
            with suppress(FileNotFoundError):  # the journals come and go
                size += file.stat().st_size
        return size

    def release(self) -> None:
        """Let another process in."""
        self._lock.release()

    def withdraw(self) -> None:
        """Let another process in: the state could not be used."""
        self._lock.withdraw()


def identity(path: Path) -> Identity | None:
    """Return what tells the file at ``path`` from any other; None where there is none."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StateError(f"{path}: cannot be looked at ({error.strerror})") from None
    return found.st_dev, found.st_ino
