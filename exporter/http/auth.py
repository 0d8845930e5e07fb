"""Credentials in requests: who knows them, and what the client needs of it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

import httpx

from exporter.errors import Unauthorized

_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")


class Auth(Protocol):
    """Gives the headers that carry the credentials. Called by several threads at a time."""

    def headers(self, url: str) -> Mapping[str, str]:
        """The headers for a request to ``url``, which is always of the configured origin.

        Raises an UpstreamError when there are no credentials to be had.
        """

    def renew(self) -> None:
        """A poll starts: look whether there are others now, if that costs no request."""

    def invalidate(self) -> None:
        """The upstream refused them: forget what is remembered and read them anew next time."""


class HeaderAuth:
    """A secret in one header, such as ``Authorization: Bearer ...``.

    ``read`` gives the secret; it is called at first use in every poll and after ``invalidate``, so that a file that was
    replaced is read again. White space at both ends is dropped.
    """

    def __init__(self, read: Callable[[], str], *, header: str = "Authorization", prefix: str = "Bearer ") -> None:
        self._read = read
        self._header = header
        self._prefix = prefix
        self._lock = threading.Lock()
        self._value: str | None = None

    def headers(self, url: str) -> Mapping[str, str]:
        del url
        with self._lock:
            if self._value is None:
                try:
                    secret = self._read().strip()
                except OSError as error:
                    raise Unauthorized(f"the credentials cannot be read ({error.strerror})") from None
                if not secret:
                    raise Unauthorized("the credentials are empty")
                self._value = f"{self._prefix}{secret}"
            return {self._header: self._value}

    def renew(self) -> None:
        self.invalidate()  # whoever reads a file looks first whether it has changed

    def invalidate(self) -> None:
        with self._lock:
            self._value = None

    def __repr__(self) -> str:
        return f"HeaderAuth(header={self._header!r})"


class NoAuth:
    """For an upstream that asks for no credentials."""

    def headers(self, url: str) -> Mapping[str, str]:
        del url
        return {}

    def renew(self) -> None:
        return

    def invalidate(self) -> None:
        return


class Credentials:
    """A client's use of its ``Auth``: refused credentials are read anew, but only once a poll. Thread-safe."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._lock = threading.Lock()
        self._generation = 0
        self._reread = False

    @property
    def generation(self) -> int:
        """How often they were read anew; tells what a request that was refused had used."""
        return self._generation

    def begin(self) -> None:
        """A poll starts."""
        with self._lock:
            self._reread = False
            self._auth.renew()

    def apply(self, request: httpx.Request, where: str) -> tuple[str, ...]:
        """Put them on the request; gives back the header values, which are secret."""
        headers = self._auth.headers(str(request.url))
        if not all(_HEADER_VALUE.fullmatch(value) for value in headers.values()):
            raise Unauthorized(f"{where}: the credentials hold characters that no HTTP header can carry")
        request.headers.update(headers)
        return tuple(headers.values())

    def refused(self, used: int) -> bool:
        """A request with generation ``used`` got 401 or 403. True when another try makes sense."""
        with self._lock:
            if self._generation != used:
                return True  # another request has had them read anew
            if self._reread:
                return False
            self._reread = True
            self._generation += 1
            self._auth.invalidate()
            return True
