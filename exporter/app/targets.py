"""From the settings of a target to the target: platform, client, budget, ledger."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path

import httpx

from exporter.config import WorkloadRule, expectation
from exporter.errors import StateError
from exporter.expectations import Expect, Expectation
from exporter.families import TargetLabels
from exporter.http import Budgets, Circuit, Client
from exporter.platforms import PLATFORMS
from exporter.platforms.settings import TargetSettings
from exporter.selfmetrics import SelfMetrics
from exporter.store import Store
from exporter.store.connection import set_aside
from exporter.target import Target
from exporter.times import SECOND, Clock, Micros, to_datetime

log = logging.getLogger(__name__)


class _Observer:
    """Tells the metrics what a client does."""

    def __init__(self, metrics: SelfMetrics, platform: str, target: str) -> None:
        self._metrics = metrics
        self._platform = platform
        self._target = target
        self._sent = itertools.count()
        self._count = 0

    def requests(self) -> int:
        """Return how many requests ended."""
        return self._count

    def on_request(self, status: int | str, seconds: float) -> None:
        """Count a request that ended."""
        self._count = next(self._sent) + 1
        self._metrics.request(self._platform, self._target, str(status), seconds)

    def on_wait(self, seconds: float) -> None:
        """Waits show as the budget's backoff."""


def build(
    settings: TargetSettings,
    *,
    store: Store,
    budgets: Budgets,
    metrics: SelfMetrics,
    clock: Clock,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], object] | None = None,
    holds: bool = True,
) -> Target:
    """Open a target; ``transport`` replaces the network, ``sleep`` the client's waiting (in seconds).

    Raises ConfigError for what cannot be connected to, StateError for what cannot be loaded.
    """
    platform = PLATFORMS[settings.platform](settings)
    limits = settings.limits()
    client_settings = settings.client_settings()
    observer = _Observer(metrics, settings.platform, settings.name)
    client = Client(
        settings.base_url,
        platform.auth(),
        settings=client_settings,
        transport=transport,
        classify=platform.classify,
        observer=observer,
        budget=budgets.get(
            settings.base_url, _credential(settings), settings.requests_per_minute, holder=settings.name
        ),
        clock=clock.monotonic,
        wall=lambda: clock.now().wall / SECOND,
        sleep=sleep,
    )
    try:
        ledger = store.open_target(
            settings.name, settings.identity, clock.now().wall, holds=holds, previous=settings.previous_name
        )
    except StateError:
        client.close()
        budgets.release(settings.name)
        raise
    metrics.add_target(settings.platform, settings.name)
    return Target(
        labels=TargetLabels(settings.platform, settings.name, tuple(settings.labels.items())),
        platform=platform,
        limits=limits,
        zero_hold=settings.zero_hold / SECOND,
        client=client,
        circuit=Circuit(settings.interval / SECOND),
        ledger=ledger,
        requests=observer.requests,
        run_url=settings.run_url,
        tls_insecure=settings.insecure_skip_verify,
        jitter=settings.jitter,
        effective_interval=limits.interval,
    )


def connectable(settings: TargetSettings) -> None:
    """Raise ConfigError for what cannot be connected to, before anything is changed for it."""
    auth = PLATFORMS[settings.platform](settings).auth()
    Client(settings.base_url, auth, settings=settings.client_settings()).close()


def expectations(rules: tuple[WorkloadRule, ...], labels: TargetLabels) -> Expect:
    """Return what is expected of a target's workloads; each is worked out once."""

    @cache
    def expect(workload: str) -> Expectation:
        return expectation(rules, labels.platform, labels.target, workload)

    return expect


def reset_state(path: Path, now: Micros) -> None:
    """Move a state aside, so that the next one starts empty."""
    for moved in set_aside(path, to_datetime(now)):
        log.warning("state reset: the old file was moved aside", extra={"path": str(moved)})


def _credential(settings: TargetSettings) -> str:
    """Name the credential, so that targets which share it share its budget; files are named by their path."""
    return "\n".join(
        f"file {secret.path}" if secret.path is not None else secret.read() for secret in settings.secrets()
    )
