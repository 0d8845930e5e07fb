"""One writer: a lock file of our own beside the state (rule 2).

Not a lock on the database file: closing any descriptor of that would drop the locks SQLite holds on it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

from exporter.errors import StateError, StateLocked

NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "9p",
        "ceph",
        "fuse.ceph",
        "fuse.ceph-fuse",
        "glusterfs",
        "fuse.glusterfs",
        "lustre",
        "gpfs",
        "beegfs",
        "fuse.sshfs",
        "fuse.s3fs",
        "fuse.rclone",
        "fuse.gcsfuse",
        "fuse.blobfuse2",
    }
)

BEGUN = "begun"
"""Second line of the lock file, once there is a state."""


class StateLock:
    """Holds ``<state>.lock`` for as long as the process lives, or until released.

    It lies beside the file itself, so that two names of one file (a link) do not make two locks.
    """

    def __init__(self, state: Path) -> None:
        real = state.resolve()
        self.path = real.with_name(real.name + ".lock")
        self._state = state
        self._descriptor: int
        self._take()
        self.begun = BEGUN in self._read()
        """Whether there was a state when the lock was last held."""
        self._write()

    def keep(self) -> bool:
        """Take the lock anew if its file was removed, and return whether that was so: others would lock another file.

        Raises StateLocked when somebody did already.
        """
        if self._in_place():
            return False
        lost = self._descriptor
        try:
            self._take()
        except StateError:
            self._descriptor = lost
            raise
        os.close(lost)
        self._write()
        return True

    def _take(self) -> None:
        """Lock the file that others would lock."""
        self._lock()
        while not self._in_place():  # its holder withdrew it between our opening and our locking
            os.close(self._descriptor)
            self._lock()

    def _lock(self) -> None:
        """Open the file, making it where there is none, and lock it."""
        state = self._state
        try:
            self._descriptor, self._made = self._open()
        except FileNotFoundError:
            raise StateError(f"{state.parent}: no such directory; create it, or set another `state`") from None
        except OSError as error:
            raise not_writable(self.path, error, "the directory of the state") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._read()[0]
            os.close(self._descriptor)
            who = f"process {holder}" if holder.isdigit() else "another process"
            raise StateLocked(
                f"{state}: {who} has this state open",
                "two exporters must not share one, give each its own state (or stop the other)",
            ) from None
        except OSError as error:
            os.close(self._descriptor)
            raise StateError(
                f"{self.path}: cannot be locked ({error.strerror}); put the state on a local disk"
            ) from None

    def _open(self) -> tuple[int, bool]:
        """Return the file's descriptor, and whether it was made."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags | os.O_EXCL, 0o600)
        except FileExistsError:
            return os.open(self.path, flags, 0o600), False
        with suppress(OSError):  # there is no state yet, or who makes the lock may not give it away
            owner = self._state.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)  # root looks after a state: its service must get in later
        return descriptor, True

    def _in_place(self) -> bool:
        """Whether what was locked is the file that others would lock."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StateError(f"{self.path}: cannot be looked at ({error.strerror})") from None

    def note_begun(self) -> None:
        """Note that there is a state now."""
        self.begun = True
        self._write()

    def _read(self) -> list[str]:
        return os.pread(self._descriptor, 64, 0).decode("ascii", "replace").split("\n")

    def _write(self) -> None:
        text = f"{os.getpid()}\n{BEGUN if self.begun else ''}\n".encode()
        with suppress(OSError):  # on a full disk nobody learns who holds the lock; it holds all the same
            os.pwrite(self._descriptor, text, 0)  # first: a full disk must not take away what was known
            os.ftruncate(self._descriptor, len(text))

    def release(self) -> None:
        """Let another process in. The file stays, since it tells whether there was a state."""
        os.close(self._descriptor)

    def withdraw(self) -> None:
        """Let another process in, and leave nothing behind that was not there: the state could not be used.

        Who has opened the file already and locks it now sees that it is gone.
        """
        if self._made:
            self.path.unlink(missing_ok=True)
        self.release()


def not_writable(path: Path, error: OSError, what: str) -> StateError:
    """Return the error of a file that cannot be opened; where something ran out, rights are not to blame."""
    found = f"{path}: cannot be opened for writing ({error.strerror})"
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.ENOMEM):
        return StateError(found)
    return StateError(f"{found}; {what} must be writable by this user")


def network_file_system(path: Path, mounts: str) -> str | None:
    """Return the type of the network file system that ``path`` lies on, None for a local one.

    ``mounts`` is the text of /proc/mounts: device, mount point, type, ... on each line.
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        parts = line.split(" ")
        if len(parts) < 3:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), parts[1]))
        if (path == point or point in path.parents) and len(point.parts) >= best:  # the later one lies on top
            best, kind = len(point.parts), parts[2]
    return kind if kind in NETWORK_FILE_SYSTEMS else None
