"""What a client may be told, and whom it tells what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from exporter import __version__
from exporter.http.proxy import Choice


@dataclass(frozen=True, slots=True)
class Settings:
    """The limits of one target's requests. Durations in seconds, sizes in bytes."""

    timeout: float = 15.0
    """For one try as a whole: look-up, connect, handshake, request, headers and body; so for each of them too."""
    max_response_bytes: int = 64 * 1024 * 1024
    """Of one body, as it came and unpacked."""
    retries: int = 3
    """Further tries of one request."""
    retries_per_poll: int = 20
    """Further tries of all requests of one poll: an upstream in trouble must not get four times the load."""
    verify: bool = True
    """False accepts any certificate."""
    ca_file: str | None = None
    """PEM; replaces the usual trust store."""
    proxy: Choice = None
    """None: what the environment says; ``off``: none."""
    user_agent: str = f"automation-exporter/{__version__}"


DEFAULTS = Settings()


class Observer(Protocol):
    """Is told what a client does, by the thread that does it. Must not block or raise."""

    def on_request(self, status: int | str, seconds: float) -> None:
        """A try ended: its HTTP status, or the reason when there was none ("timeout", "connection", "tls" ...)."""

    def on_wait(self, seconds: float) -> None:
        """The client waits so long, for its budget or before another try."""


class Silent:
    """An observer that does nothing."""

    def on_request(self, status: int | str, seconds: float) -> None:
        del status, seconds

    def on_wait(self, seconds: float) -> None:
        del seconds
