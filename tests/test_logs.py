"""Log lines: one event a line, fields, no secrets."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from exporter import logs
from exporter.redaction import BLANK, remember

SECRET = "example-secret-in-logs"
LINE_BREAKS = ("\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    names = ("", *logs.TAMED, *logs.SILENCED)
    levels = {name: logging.getLogger(name).level for name in names}
    before = root.handlers[:], logging.raiseExceptions, sys.excepthook, threading.excepthook
    yield
    root.handlers[:], logging.raiseExceptions, sys.excepthook, threading.excepthook = before
    logging.captureWarnings(False)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def stream() -> io.StringIO:
    """Where the lines go."""
    remember(SECRET)
    return io.StringIO()


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    """Return a record as a logger makes it, at the epoch."""
    made = logging.getLogger("exporter.x").makeRecord(
        "exporter.x", logging.INFO, "file.py", 1, message, arguments, None, extra=extra
    )
    made.created = 0.25
    return made


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (record("polled"), "msg=polled"),
        (record("poll of %s failed", "fleet"), 'msg="poll of fleet failed"'),
        (
            record("a", target="fleet", runs=3, up=True, seconds=1.23456789),
            "msg=a target=fleet runs=3 up=true seconds=1.234568",
        ),
        (record("a", reason=None), "msg=a"),
        (record('say "hi"\nback\\slash\ttab'), r'msg="say \"hi\"\nback\\slash\ttab"'),
        (record("日次レポート"), "msg=日次レポート"),
        (record("\x1b[31mred\u2028\x85"), r'msg="\u001b[31mred\u2028\u0085"'),
        (record(""), 'msg=""'),
        (record("a=b"), 'msg="a=b"'),
        (record("a", token="x", api_key="y"), f"msg=a token={BLANK} api_key={BLANK}"),
        (record("%d runs", "three"), 'msg="%d runs (its arguments do not fit)"'),
    ],
)
def test_logfmt(made: logging.LogRecord, expected: str) -> None:
    """Keys and values, quoted where needed, control characters escaped."""
    line = logs.LogfmtFormatter().format(made)
    assert line == f"ts=1970-01-01T00:00:00.250Z level=info logger=exporter.x {expected}"


def test_json() -> None:
    """The same fields as an object; numbers and booleans stay what they are."""
    made = record("a \u2028 b", target="fleet", runs=3, up=True, share=float("nan"), reason=None)
    line = logs.JsonFormatter().format(made)
    assert line.isascii()
    assert json.loads(line) == {
        "ts": "1970-01-01T00:00:00.250Z",
        "level": "info",
        "logger": "exporter.x",
        "msg": "a \u2028 b",
        "target": "fleet",
        "runs": 3,
        "up": True,
        "share": "nan",
        "reason": None,
    }


@given(st.text(), st.text())
def test_an_event_is_a_line(message: str, value: str) -> None:
    """Whatever an upstream sends, it cannot forge a second line, and the line can be read back."""
    made = record("%s", message, value=value)
    assert len(logs.LogfmtFormatter().format(made).splitlines()) == 1
    line = logs.JsonFormatter().format(made)
    assert len(line.splitlines()) == 1
    assert set(json.loads(line)) == {"ts", "level", "logger", "msg", "value"}


def fail_with_a_cause() -> None:
    """Raise an error that speaks of a secret, because of another one that does."""
    try:
        int(SECRET)
    except ValueError as cause:
        raise RuntimeError(f"because of {SECRET}") from cause


@pytest.mark.parametrize("form", logs.FORMATS)
def test_secrets_are_blanked_everywhere(stream: io.StringIO, form: logs.Format) -> None:
    """In the message, its arguments, fields and the traceback with all its causes."""
    logs.configure("debug", form, stream)
    log = logging.getLogger("exporter.test")
    log.info("message %s", SECRET)
    log.info(f"message {SECRET}")
    log.info("headers %s", {"Authorization": "Bearer unknown-token-value"})
    log.info("field", extra={"value": [SECRET], "url": f"https://u:{SECRET}@host"})
    try:
        fail_with_a_cause()
    except RuntimeError:
        log.exception("failed")
    text = stream.getvalue()
    assert len(text.splitlines()) == 5
    assert SECRET not in text
    assert "unknown-token-value" not in text
    assert "RuntimeError" in text
    assert text.count(BLANK) >= 7


def test_traceback_of_a_validation_shows_no_input(stream: io.StringIO) -> None:
    """pydantic prints the input of what it refuses, unless the model says no; ours do."""

    class Model(BaseModel):
        model_config = ConfigDict(hide_input_in_errors=True)
        number: int

    logs.configure("info", "logfmt", stream)
    payload = "canary" + "-payload"  # in pieces, since the traceback shows this line
    try:
        Model.model_validate({"number": payload})
    except ValueError:
        logging.getLogger("exporter.test").exception("failed")
    assert "canary-payload" not in stream.getvalue()
    assert "int_parsing" in stream.getvalue()


def test_long_values_are_cut_after_they_were_redacted(stream: io.StringIO) -> None:
    """A name of megabytes does not fill the disk, and a cut secret does not slip through."""
    logs.configure("info", "logfmt", stream)
    padding = "x" * (logs.LONGEST - 5)
    logging.getLogger("exporter.test").info(padding + SECRET + padding)
    assert len(stream.getvalue()) < logs.LONGEST + 200
    assert "examp" not in stream.getvalue()


def test_level(stream: io.StringIO) -> None:
    """Below the level nothing is written."""
    logs.configure("warn", "logfmt", stream)
    log = logging.getLogger("exporter.test")
    log.info("quiet")
    log.warning("heard")
    assert "quiet" not in stream.getvalue()
    assert "level=warn logger=exporter.test msg=heard" in stream.getvalue()


def test_libraries_are_heard_only_when_something_is_wrong(stream: io.StringIO) -> None:
    """httpx would log every URL at info, and more at debug."""
    logs.configure("debug", "logfmt", stream)
    transport = httpx.MockTransport(lambda _request: httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        client.get("https://api.example.net/path?key=value")
    for name in ("httpcore.http11", "apscheduler.executors.default", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).info("chatter")
    assert stream.getvalue() == ""
    logging.getLogger("apscheduler.executors.default").error("job raised")
    assert "job raised" in stream.getvalue()


def test_libraries_that_repeat_an_upstream_are_not_heard(stream: io.StringIO) -> None:
    """azure-identity warns with the whole body of the token endpoint's answer; we tell its code."""
    logs.configure("debug", "logfmt", stream)
    logging.getLogger("azure.identity._internal.get_token_mixin").warning("failed: Content: {...}")
    logging.getLogger("msal.application").error("failed: {...}")
    assert stream.getvalue() == ""


def test_uncaught_exceptions_are_logged_without_secrets(stream: io.StringIO) -> None:
    """In the main thread and in others."""
    logs.configure("info", "logfmt", stream)
    error = RuntimeError(SECRET)
    sys.excepthook(RuntimeError, error, None)

    def fail() -> None:
        raise RuntimeError(f"thread {SECRET}")

    thread = threading.Thread(target=fail, name="worker")
    thread.start()
    thread.join()
    text = stream.getvalue()
    assert "unexpected error" in text
    assert "thread_name=worker" in text
    assert SECRET not in text


def test_warnings_are_lines_too(stream: io.StringIO) -> None:
    """What libraries warn of stands in the log."""
    logs.configure("info", "logfmt", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(f"old way with {SECRET}", stacklevel=1)
    assert "logger=py.warnings" in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_a_closed_stream_is_no_error(stream: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """logging would print the raw record with its arguments to standard error."""
    logs.configure("info", "logfmt", stream)
    stream.close()
    logging.getLogger("exporter.test").info("lost %s", SECRET)
    assert SECRET not in capsys.readouterr().err
