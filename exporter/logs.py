"""Logs: one event a line, as logfmt or JSON, without secrets.

What a call gives as ``extra`` becomes fields of the line. Message, arguments, fields and tracebacks pass the
redactor before they are quoted; line breaks and control characters are escaped, so that nothing an upstream sends
can forge a line.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Literal, TextIO, get_args

from exporter.redaction import BLANK, redact

Format = Literal["logfmt", "json"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}

TAMED: Final = ("apscheduler", "asyncio", "azure", "httpcore", "httpx", "msal", "urllib3", "uvicorn")
"""Libraries that are heard only when something is wrong: below that they log URLs, headers and every job."""

SILENCED: Final = ("azure", "msal")
"""Libraries that repeat in their warnings what an upstream said, whole; what went wrong is told in our own words."""

LONGEST: Final = 4_000
"""Characters of one value; a traceback may have eight times as many."""

_OURS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRET_FIELDS: Final = ("token", "secret", "password", "api_key", "authorization")


class LineFormatter(logging.Formatter):
    """Collects the fields of a record, redacted; how they are written is up to the subclass."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        return self.line(dict(self._fields(record)))

    def line(self, fields: dict[str, object]) -> str:
        """Return the fields as one line."""
        raise NotImplementedError

    def _fields(self, record: logging.LogRecord) -> Iterator[tuple[str, object]]:
        time = datetime.fromtimestamp(record.created, UTC)
        yield "ts", time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        yield "level", "warn" if record.levelno == logging.WARNING else record.levelname.lower()
        yield "logger", record.name
        yield "msg", _clean(_message(record), LONGEST)
        for name, value in vars(record).items():
            if name not in _OURS and not name.startswith("_"):
                yield name, _field(name, value)
        if record.exc_info and record.exc_info[0] is not None:
            yield "traceback", _clean(self.formatException(record.exc_info), 8 * LONGEST)
        if record.stack_info:
            yield "stack", _clean(record.stack_info, 8 * LONGEST)


class LogfmtFormatter(LineFormatter):
    """``ts=... level=info logger=... msg="..." target=fleet``."""

    def line(self, fields: dict[str, object]) -> str:
        """Return the fields as logfmt; None is left out."""
        return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items() if value is not None)


class JsonFormatter(LineFormatter):
    """One JSON object a line, plain ASCII, numbers and booleans as such."""

    def line(self, fields: dict[str, object]) -> str:
        """Return the fields as JSON."""
        return json.dumps(fields, separators=(",", ":"))


def _message(record: logging.LogRecord) -> str:
    """Return the message with its arguments; a mistake in the call must neither raise nor lose the line."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} (its arguments do not fit)"


def _field(name: str, value: object) -> object:
    if any(word in name.lower() for word in _SECRET_FIELDS):
        return BLANK
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        # JSON knows no NaN and no infinity.
        return round(value, 6) if abs(value) < float("inf") else str(value)
    return _clean(str(value), LONGEST)


def _clean(text: str, longest: int) -> str:
    # Redacted before it is cut: half a secret would not be recognised.
    text = redact(text)
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


def _quoted(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if text and text.isprintable() and not any(character in ' ="\\' for character in text):
        return text
    escaped = "".join(_escaped(character) for character in text)
    return f'"{escaped}"'


_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else f"\\u{ord(character):04x}"


def configure(level: str = "info", form: Format = "logfmt", stream: TextIO | None = None) -> None:
    """Send all logs to ``stream`` (standard error) in one form, warnings and uncaught exceptions too."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else LogfmtFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for name in TAMED:
        logging.getLogger(name).setLevel(max(logging.WARNING, LEVELS[level]))
    for name in SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
    # When a line cannot be written, logging would print the raw record, arguments and all, to standard error.
    logging.raiseExceptions = False
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("exporter").critical("unexpected error", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None and not isinstance(arguments.exc_value, SystemExit):
        name = arguments.thread.name if arguments.thread else "unknown"
        logging.getLogger("exporter").critical(
            "unexpected error in a thread",
            exc_info=(arguments.exc_type, arguments.exc_value, arguments.exc_traceback),
            extra={"thread_name": name},
        )
