"""Everything that can go wrong, as one small tree.

    ExporterError
    +-- ConfigError            the configuration is wrong; carries every problem found
    +-- ListenError            the system does not let us listen on an address, perhaps only now
    +-- StateError             the state file cannot be used      reason "state"
    |   +-- StateLocked            another process holds it
    |   +-- StateCorrupt           it is damaged or not ours
    |   +-- StateNewer             written by a newer version
    +-- UpstreamError          a request or its answer            reason, see below
        +-- TimedOut               "timeout"
        +-- ConnectFailed          "connection"
        +-- TlsFailed              "tls"
        +-- Unauthorized           "unauthorized"
        +-- Forbidden              "forbidden"
        +-- NotFound               "not_found"
        +-- RateLimited            "rate_limited"
        +-- ServerFailed           "server_error"
        +-- InvalidResponse        "invalid_response"
        +-- TooLarge               "too_large"

``reason`` is the label value of ``automation_exporter_poll_errors_total``; the list is closed. Anything that
is not in the tree is a bug of ours and is counted as "internal". Messages never hold secrets or payloads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

Reason = Literal[
    "timeout",
    "connection",
    "tls",
    "unauthorized",
    "forbidden",
    "not_found",
    "rate_limited",
    "server_error",
    "invalid_response",
    "too_large",
    "state",
    "internal",
]
REASONS: tuple[Reason, ...] = get_args(Reason)


class ExporterError(Exception):
    """Base of all errors raised on purpose."""

    reason: ClassVar[Reason] = "internal"


class ConfigError(ExporterError):
    """The configuration cannot be used; ``problems`` holds one sentence for each mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class ListenError(ExporterError):
    """An address cannot be listened on: taken, not up yet, its name not resolved. A later start may work."""


class StateError(ExporterError):
    """The state cannot be read or written."""

    reason: ClassVar[Reason] = "state"


class StateLocked(StateError):
    """Another process has the state open for writing. ``found`` says so, ``right`` what to do for who wants to run."""

    def __init__(self, found: str, right: str = "") -> None:
        super().__init__("; ".join(filter(None, (found, right))))
        self.found = found


class StateCorrupt(StateError):
    """The state file is damaged, or is no state file of this program."""


class StateNewer(StateError):
    """The state was written by a newer version of this program."""


class UpstreamError(ExporterError):
    """A request failed, or its answer cannot be used.

    ``retry_after`` is the wait in seconds that the upstream asked for, if it did.
    ``status`` is the HTTP status, if there was an answer.
    """

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class TimedOut(UpstreamError):
    """No complete answer within the deadline."""

    reason: ClassVar[Reason] = "timeout"


class ConnectFailed(UpstreamError):
    """No connection, or it broke before the answer was complete."""

    reason: ClassVar[Reason] = "connection"


class TlsFailed(UpstreamError):
    """The TLS handshake failed or the certificate is not trusted."""

    reason: ClassVar[Reason] = "tls"


class Unauthorized(UpstreamError):
    """The credentials are missing, wrong or expired."""

    reason: ClassVar[Reason] = "unauthorized"


class Forbidden(UpstreamError):
    """The credentials are known but may not read this."""

    reason: ClassVar[Reason] = "forbidden"


class NotFound(UpstreamError):
    """The upstream does not know what was asked for."""

    reason: ClassVar[Reason] = "not_found"


class RateLimited(UpstreamError):
    """The upstream, or our own budget, allows no request now."""

    reason: ClassVar[Reason] = "rate_limited"


class ServerFailed(UpstreamError):
    """The upstream answered with a 5xx."""

    reason: ClassVar[Reason] = "server_error"


class InvalidResponse(UpstreamError):
    """The answer is not what the contract says: not JSON, no list, a loop, a foreign link."""

    reason: ClassVar[Reason] = "invalid_response"


class TooLarge(UpstreamError):
    """The answer is larger than ``max_response_bytes``, or the upstream says it would be."""

    reason: ClassVar[Reason] = "too_large"
