"""The web configuration in force: read again when its file, or a file that it names, has changed.

A bad new version is told once and changes nothing. TLS contexts are whole: a connection is made by the settings that
were in force when it began, and stays.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from exporter.errors import ConfigError
from exporter.web.configuration.model import WebSettings
from exporter.web.configuration.reading import Reading, read
from exporter.web.handshake import begin

log = logging.getLogger(__name__)

_Signature = tuple[tuple[int, int, int] | None, ...]
"""Of each file what tells one version from the next: inode, size, time of the last change in nanoseconds."""


class WebConfiguration:
    """A file, and what it says now. May be used from several threads; nobody waits for a file that is being read."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises ConfigError with every problem."""
        self.path = path
        self.error: str | None = None
        """Why the files as they are now are not in use; None when they are."""
        self.on_change: Callable[[], None] = _nothing
        """Called after each reading anew, good or bad, on the thread that noticed."""
        self._lock = threading.Lock()
        self._reading = read(path)
        self._files = _files(path, self._reading)
        self._signature = _signature(self._files)
        self._warn(self._reading)

    @property
    def settings(self) -> WebSettings:
        """What was last found good."""
        return self._reading.settings

    @property
    def context(self) -> ssl.SSLContext | None:
        """The TLS context to serve with: one that makes each connection by the settings that are in force then."""
        return None if self._reading.context is None else _Latest(self)

    def refresh(self) -> None:
        """Read the files again if they have changed. Costs some microseconds if not."""
        if _signature(self._files) != self._signature:
            self._refresh()

    def look(self) -> None:
        """Do the same, and also read again what could not be used: what was amiss may be a file that only it names, or
        a right that was missing, and of neither anything is seen here. For timers, and whoever asks for it.
        """
        if self.error is not None or _signature(self._files) != self._signature:
            self._refresh(also=self.error)

    def _refresh(self, also: str | None = None) -> None:
        if not self._lock.acquire(blocking=False):
            return
        try:
            signature = _signature(self._files)  # before they are read: what changes meanwhile is seen the next time
            if signature != self._signature or also is not None:
                self._signature = signature
                self._read_again()
        finally:
            self._lock.release()

    def _read_again(self) -> None:
        try:
            self._take(read(self.path))
        except ConfigError as error:
            if str(error) != self.error:
                log.warning("web configuration not reloaded, the one before it stays in use: %s", error)
            self.error = str(error)
        self.on_change()

    def _take(self, found: Reading) -> None:
        if (found.context is None) != (self._reading.context is None):
            raise ConfigError([f"{self.path}: TLS cannot be turned on or off while serving; that takes a restart"])
        files = _files(self.path, found)
        if files != self._files:
            self._files, self._signature = files, _signature(files)
        self._reading = found
        self.error = None
        self._warn(found)
        log.info("web configuration reloaded", extra={"file": str(self.path), "says": found.settings.summary()})

    @staticmethod
    def _warn(reading: Reading) -> None:
        for warning in reading.warnings:
            log.warning("web configuration: %s", warning)

    def latest(self) -> ssl.SSLContext:
        """Return the context for a connection that begins now."""
        self.refresh()
        context = self._reading.context
        if context is None:
            raise RuntimeError("TLS was asked for and is not configured")
        return context


class _Latest(ssl.SSLContext):
    """Stands for the latest context where an event loop wants one for all connections of a listener."""

    _configuration: WebConfiguration

    def __new__(cls, _configuration: WebConfiguration) -> _Latest:
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, configuration: WebConfiguration) -> None:
        self._configuration = configuration

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """Begin a connection; event loops call nothing else."""
        return begin(self._configuration.latest(), *arguments, **named)

    def wrap_socket(self, *arguments: Any, **named: Any) -> NoReturn:
        """Nobody does."""
        raise NotImplementedError


def _files(path: Path, reading: Reading) -> tuple[Path, ...]:
    tls = reading.settings.tls
    pems = () if tls is None else tls.pems()
    return (path, *(pem.path for pem in pems if pem.path is not None))


def _signature(files: tuple[Path, ...]) -> _Signature:
    return tuple(_look(file) for file in files)


def _look(file: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _nothing() -> None:
    pass
