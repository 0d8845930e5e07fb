"""One writer: a lock file of our own beside the state (rule 2).

Not a lock on the database file: closing any descriptor of that would drop the locks SQLite holds on it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from exporter.errors import StateError, StateLocked

NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs"})


class StateLock:
    """Holds ``<state>.lock`` for as long as the process lives, or until released."""

    def __init__(self, state: Path) -> None:
        self.path = state.with_name(state.name + ".lock")
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(
                f"{self.path}: cannot be opened for writing ({error.strerror}); "
                "the directory of the state must be writable by this user"
            ) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            who = f"process {holder}" if holder.isdigit() else "another process"
            raise StateLocked(
                f"{state}: {who} has this state open; two exporters must not share one, "
                "give each its own state (or stop the other)"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let another process in. The file stays: deleting it would let two processes lock two files."""
        os.close(self._descriptor)


def network_file_system(path: Path, mounts: str) -> str | None:
    """Return the type of the network file system that ``path`` lies on, None for a local one.

    ``mounts`` is the text of /proc/mounts: device, mount point, type, ... on each line.
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        parts = line.split(" ")
        if len(parts) < 3:
            continue
        point = Path(parts[1].encode().decode("unicode_escape", "replace"))
        if (path == point or point in path.parents) and len(point.parts) > best:
            best, kind = len(point.parts), parts[2]
    return kind if kind in NETWORK_FILE_SYSTEMS else None
