"""Fixtures: a real Prometheus of either major version, and the program as a process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.real.binaries import PROMETHEUS_MAJORS, Binaries, prometheus_binaries
from tests.real.exporter import ExporterProcess
from tests.real.prometheus import Prometheus


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what stands in this folder as ``real``."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("real")


@pytest.fixture(params=PROMETHEUS_MAJORS, ids=lambda major: f"prometheus{major}")
def binaries(request: pytest.FixtureRequest) -> Binaries:
    """Each supported Prometheus in turn."""
    major: str = request.param
    return prometheus_binaries(major)


class StartPrometheus(Protocol):
    """Starts a Prometheus that scrapes ``targets``; options as in the class ``Prometheus``."""

    def __call__(self, targets: Mapping[str, Sequence[str]], **options: Any) -> Prometheus: ...


@pytest.fixture
def start_prometheus(binaries: Binaries, tmp_path: Path) -> Iterator[StartPrometheus]:
    """Start servers that end with the test."""
    with contextlib.ExitStack() as servers:
        count = 0

        def start(targets: Mapping[str, Sequence[str]], **options: Any) -> Prometheus:
            nonlocal count
            count += 1
            return servers.enter_context(Prometheus(binaries, tmp_path / f"prometheus-{count}", targets, **options))

        yield start


@pytest.fixture
def start_exporter(tmp_path: Path) -> Iterator[Callable[..., ExporterProcess]]:
    """Start the program, ``start_exporter("demo")``, in a folder that all its starts in one test share."""
    with contextlib.ExitStack() as servers:

        def start(*arguments: str, **options: Any) -> ExporterProcess:
            return servers.enter_context(ExporterProcess(arguments, tmp_path / "exporter", **options))

        yield start
