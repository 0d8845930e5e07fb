"""Progress of long work on a terminal: one line that is written over, and gone at the end."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging import LogRecord
from threading import Lock
from typing import Final, TextIO

from exporter.poll import Report
from exporter.times import to_datetime

PAUSE: Final = 0.1
"""Seconds between two looks of the line, so that a quick upstream costs nothing."""

CLEAR: Final = "\r\x1b[K"
"""Back to the start of the line, and nothing on it."""


class Progress:
    """Tells how far each target's poll is, on a terminal; anywhere else nothing. Safe to call from many threads."""

    def __init__(self, out: TextIO, monotonic: Callable[[], float]) -> None:
        self._out = out
        self._monotonic = monotonic
        self._told: dict[str, str] = {}
        self._shown: float | None = None
        self._lock = Lock()
        self._wanted = out.isatty()

    def __call__(self, target: str, report: Report) -> None:
        """Show what a target's poll has read so far."""
        if not self._wanted:
            return
        with self._lock:
            self._told[target] = _so_far(report)
            now = self._monotonic()
            if self._shown is None or now - self._shown >= PAUSE:
                self._shown = now
                text = "; ".join(f"{name}: {said}" for name, said in self._told.items())
                columns = shutil.get_terminal_size().columns - 1  # a full line would begin the next
                self._out.write(CLEAR + (text if len(text) <= columns else f"{text[: columns - 3]}..."))
                self._out.flush()

    def make_way(self, _record: LogRecord) -> bool:
        """Empty the line before something is logged; a filter for handlers, which lets everything through."""
        self.close()
        return True

    def finished(self, target: str) -> None:
        """Speak of a target no more: its poll has ended."""
        with self._lock:
            self._told.pop(target, None)

    def close(self) -> None:
        """Leave an empty line."""
        with self._lock:
            if self._wanted and self._shown is not None:
                self._shown = None
                self._out.write(CLEAR)
                self._out.flush()


@contextmanager
def shown_beside_the_log(progress: Progress) -> Iterator[None]:
    """Let log lines have a line of their own while progress is shown, and leave an empty one at the end."""
    handlers = logging.getLogger().handlers
    for handler in handlers:
        handler.addFilter(progress.make_way)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(progress.make_way)
        progress.close()


def _so_far(report: Report) -> str:
    said = f"{report.workloads:,} workloads, {report.runs.total():,} runs"
    if report.oldest_run is None:
        return said
    return f"{said}, back to {to_datetime(report.oldest_run).isoformat(sep=' ', timespec='minutes')[:16]}"
