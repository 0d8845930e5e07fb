"""The service as a process: what signals do."""

from __future__ import annotations

import logging
import signal
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from exporter.app import Options, serve, serving
from exporter.config import Settings
from exporter.errors import ConfigError
from exporter.signals import Signals
from exporter.web.address import Address


class Told(Signals):
    """In the place of signals: one to reload for each mistake, then one to end."""

    def __init__(self) -> None:
        super().__init__()
        self.left = [{signal.SIGHUP}, {signal.SIGHUP}, {signal.SIGTERM}]

    def wait(self) -> Collection[int]:
        return self.left.pop(0)


def test_nothing_that_goes_wrong_in_a_reload_ends_the_service(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not a mistake in the file, and not one of ours, of which the log says where and not with what."""
    mistakes: list[Exception] = [ConfigError(["config.yaml:1: bad"]), RuntimeError("what a file held")]
    ended = []

    class Mistaken:
        def __init__(self, *_: Any) -> None:
            pass

        def start(self) -> None:
            pass

        def reload(self) -> None:
            raise mistakes.pop(0)

        def stop(self) -> bool:
            ended.append(True)
            return True

    monkeypatch.setattr(serving, "Service", Mistaken)
    options = Options(listen=Address("127.0.0.1", 0), state=Path("unused.db"))
    with caplog.at_level(logging.INFO):
        assert serve(Settings.model_construct(targets=(), state=options.state), options, Told()) == 0
    assert ended == [True]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        "reload failed unexpectedly: RuntimeError"
    ]
    assert "what a file held" not in caplog.text
