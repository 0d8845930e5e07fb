"""A store on disk and one in memory, and faults of the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.store.sqlite import SqliteStore
from tests.store.kit import NOW, Faulty

Fail = Callable[..., None]
"""Fail the statements that begin with a text, ``when`` "before" or "after", so many ``times``."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture(params=["on disk", "in memory"])
def store(request: pytest.FixtureRequest, path: Path) -> Iterator[SqliteStore]:
    """Each implementation of the contract, with the target "t" open."""
    made = SqliteStore(path if request.param == "on disk" else None, NOW)
    made.open_target("t", "roboto https://example.test org", NOW, holds=False)
    yield made
    made.close()


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fail]:
    """Makes statements of stores that are opened from now on fail."""
    real = sqlite3.connect

    def connect(*arguments: Any, **more: Any) -> sqlite3.Connection:
        return real(*arguments, **more, factory=Faulty)

    monkeypatch.setattr("exporter.store.connection.sqlite3.connect", connect)

    def begin(text: str, when: str = "before", times: int = 1) -> None:
        left = times

        def fault(sql: str) -> str | None:
            nonlocal left
            if left and sql.startswith(text):
                left -= 1
                return when
            return None

        Faulty.fault = staticmethod(fault)

    yield begin
    Faulty.fault = staticmethod(lambda sql: None)
