"""The files of a state that is in use: those that the next start will find, and nobody else's.

The database itself goes on writing into files that were removed, and all of that would be lost with the process. So it
does beside the hole in one that was cut short, and what it then misses it reads as zeros.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

from exporter.errors import StateError
from exporter.store.connection import damaged, journal
from exporter.store.lock import StateLock

log = logging.getLogger(__name__)


class StateFiles:
    """The file, its journal and its lock, which is held from the beginning on. Raises StateError and its kinds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = StateLock(path)
        self._file: os.stat_result | None = None
        self._journal = journal(path)
        self._journal_file: os.stat_result | None = None
        self._shared = journal(path, "-shm")
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
        self._file = _look(self.path)
        self._lock.note_begun()

    def disconnected(self) -> None:
        """Note that the database was closed, and its journal with it: a later one may get the number of that."""
        self._journal_file = None

    def written(self) -> None:
        """Note how long the files are: a transaction has begun, with the first of which the journal comes, or ended."""
        found, journal_found = _look(self.path), _look(self._journal)
        if _same(found, self._file):
            self._file = found
        if self._journal_file is None or _same(journal_found, self._journal_file):
            self._journal_file = journal_found

    def intact(self) -> bool:
        """Whether what is in memory is what is on disk, and what is written now will be found there.

        A lock file that was removed is made anew; whoever had the state meanwhile may have written it. What is in a
        journal that was removed, closing puts into its file.
        """
        if self._amiss() is not None:  # ``check`` tells; a lock is for a state that is there
            return False
        intact = not self._lock.keep()
        if not intact:
            log.warning("the lock file of the state was removed; it was made anew", extra={"path": str(self.path)})
        if self._journal_file is not None and not _same(self._journal_file, _look(self._journal)):
            log.warning("the journal of the state was removed; a new one is begun", extra={"path": str(self._journal)})
            return False
        return intact

    def check(self) -> None:
        """Raises StateError when the file is not the one that was opened, or not whole."""
        amiss = self._amiss()
        if amiss is not None:
            raise StateError(amiss)

    def _amiss(self) -> str | None:
        found, log_now = _look(self.path), _look(self._journal)
        if found is None:
            return f"{self.path}: was removed while in use; put it back, or start again to begin with an empty one"
        if not _same(found, self._file):
            return str(self.replaced())
        for path, now, before in ((self.path, found, self._file), (self._journal, log_now, self._journal_file)):
            # Neither ever shrinks while the database is open: nothing here asks it for that.
            if now is not None and before is not None and _same(now, before) and now.st_size < before.st_size:
                return f"{path}: was cut short while in use; start again to go on with what is left of the state"
        return None

    def replaced(self) -> StateError:
        """Return the error of a state that is another one."""
        return StateError(f"{self.path}: was replaced while in use; start again to go on with this one")

    def size_bytes(self) -> int:
        """Return how much room the state takes on disk, journals included; what cannot be looked at takes none."""
        size = 0
        for file in (self.path, self._journal, self._shared):
            with suppress(OSError):  # the journals come and go, and so may the folder
                size += file.stat().st_size
        return size

    def release(self) -> None:
        """Let another process in."""
        self._lock.release()

    def withdraw(self) -> None:
        """Let another process in: the state could not be used."""
        self._lock.withdraw()


def _same(one: os.stat_result | None, other: os.stat_result | None) -> bool:
    return one is not None and other is not None and os.path.samestat(one, other)


def _look(path: Path) -> os.stat_result | None:
    """Return what tells the file at ``path`` from any other, and its length; None where there is none."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StateError(f"{path}: cannot be looked at ({error.strerror})") from None
