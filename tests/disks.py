"""Small file systems that can be filled to their last page or made read-only, where tests may mount any."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, megabytes: int = 1) -> Iterator[Path]:
    """A file system of so many megabytes at ``folder``; the test is skipped where nothing can be mounted."""
    if os.getuid():
        pytest.skip("mounting needs root")
    folder.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder)
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(("umount", "--lazy", folder), check=True)


def remount(folder: Path, how: str) -> None:
    """Make a file system read-only (``ro``) or writable again (``rw``), also with a file open for writing."""
    subprocess.run(("mount", "-o", f"remount,{how}", folder), check=True, capture_output=True)


def fill(folder: Path) -> Path:
    """Fill a file system to its last page; return what has to go again."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return ballast
