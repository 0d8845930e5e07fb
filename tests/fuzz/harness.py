"""The program polling an upstream that answers with bent samples; after each poll everything must still be right."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from exporter.app.targets import build
from exporter.config import PLATFORMS as SETTINGS
from exporter.counting.memory import MemoryLedger
from exporter.counting.states import Series
from exporter.errors import REASONS
from exporter.exposition import Snapshot
from exporter.http import Budgets
from exporter.http.budget import SILENT_ANSWERS
from exporter.http.headers import LONGEST_WAIT
from exporter.poll import Report
from exporter.publisher import Publisher
from exporter.runner import Runner
from exporter.selfmetrics import SelfMetrics
from exporter.simulator import ManualClock, Platform
from exporter.simulator.clock import http_date
from exporter.store.ledgers import SqliteTransaction
from exporter.store.sqlite import SqliteStore
from exporter.times import SECOND
from tests.exact.scenes import SCENES
from tests.exact.world import HandClock
from tests.fuzz.mutation import mutated, mutated_bytes, mutated_headers
from tests.platforms.support import sample

STATUSES = (200,) * 30 + (201, 204, 206, 301, 302, 400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, 507, 599)

PACKED = 0.15
"""Share of bent answers that come as gzip, half of those broken."""

MOST_SERIES = 20_000
"""No number of bent answers may make more: labels are capped."""


class CountingStore(SqliteStore):
    """Knows how many batches were committed."""

    batches = 0

    @contextmanager
    def transaction(self, name: str) -> Iterator[SqliteTransaction]:
        with super().transaction(name) as transaction:
            yield transaction
        self.batches += 1


class Fuzzed:
    """A target whose upstream bends every answer with ``probability``."""

    def __init__(self, platform: Platform, seed: int, probability: float) -> None:
        scene = SCENES[platform]
        self.bent = 0
        """Answers that were bent so far."""
        self._random = Random(seed)
        self._probability = probability
        self._acts = scene.acts
        self._answer = scene.acts[0].answer
        self.world = ManualClock(scene.acts[0].at)
        clock = HandClock(self.world)
        metrics, self.snapshot = SelfMetrics(), Snapshot()
        self.publisher = Publisher(self.snapshot, metrics, clock)
        self.store = CountingStore(None, clock.now().wall)
        self.runner = Runner(self.store, self.publisher, metrics, clock)
        settings = {
            "platform": platform, "timeout": "1s", "sweep_interval": "10m", "deep_interval": "2m", "settle": "30m",
            "max_window": "2h", "requests_per_minute": 100_000, "interval": "60s", "max_label_values": 20,
            "max_workloads": 50, "max_response_bytes": "1MiB",
        }  # fmt: skip
        self.target = build(
            SETTINGS[platform].model_validate({**settings, **scene.settings}),
            store=self.store,
            budgets=Budgets(clock=clock.monotonic, wall=lambda: clock.now().wall / SECOND),
            metrics=metrics,
            clock=clock,
            transport=httpx.MockTransport(self._respond),
            sleep=self.world.advance,
            holds=False,
        )

    def _respond(self, request: httpx.Request) -> httpx.Response:
        try:
            content = self._answer(request)
        except KeyError:  # a page that no sample stands for
            content = sample("moderately/agent_executions_empty")
        date = {"Date": http_date(self.world())}
        if self._random.random() >= self._probability:
            return httpx.Response(200, content=content, headers=date)
        self.bent += 1
        bent = mutated(json.loads(content), self._random)
        headers = [
            (name.encode(), value.encode("latin-1")) for name, value in mutated_headers(date, self._random).items()
        ]
        if self._random.random() < PACKED:
            bent = (
                mutated_bytes(gzip.compress(bent, 1), self._random)
                if self._random.random() < 0.5
                else gzip.compress(bent, 1)
            )
            headers.append((b"content-encoding", b"gzip"))
        body = httpx.ByteStream(bent)  # as it comes from a socket: not unpacked by the library
        return httpx.Response(self._random.choice(STATUSES), stream=body, headers=headers)

    def poll(self) -> Report:
        """One poll, and what must hold after any poll."""
        self.world.advance(60)
        self._answer = self._random.choice(self._acts).answer
        ledger = self.target.ledger
        before, committed = _state(ledger), self.store.batches
        report = self.runner.run(self.target)
        batches = self.store.batches - committed - 1  # the last one ends the poll, whatever happened
        reasons = {failed.reason for failed in report.listings_failed} | ({report.error} - {None})
        assert reasons <= set(REASONS) - {"internal", "state"}, report.message
        assert report.good or reasons, "a poll that is not good says why"
        after = _state(ledger)
        if not batches:
            assert reasons
            assert after == before
        _check_counters(before["series"], after["series"])
        assert len(ledger.series) < MOST_SERIES
        return report

    def read_well(self) -> None:
        """What good answers say is read, whatever came before: a limit that was announced wrongly is forgotten."""
        self._probability = 0.0
        self.world.advance(2 * LONGEST_WAIT)
        for _ in range(SILENT_ANSWERS + 3):
            report = self.poll()
            if report.good and report.error is None and not report.listings_failed:
                return
        raise AssertionError(f"not well again: {report.message} {report.listings_failed}")

    def exposes(self) -> None:
        """What is exposed can be read by a parser, no series twice."""
        self.publisher.refresh_own()
        assert self.snapshot.current is not None
        seen = set()
        for family in text_string_to_metric_families(self.snapshot.current.text.decode()):
            for each in family.samples:
                key = each.name, frozenset(each.labels.items())
                assert key not in seen
                seen.add(key)

    def close(self) -> None:
        self.target.client.close()
        self.store.close()


def _state(ledger: MemoryLedger) -> dict[str, Any]:
    """All that counting knows, but up to which day it has tidied up."""
    return {
        "target": ledger.target._replace(pruned_to=0) if ledger.target else None,
        "series": dict(ledger.series),
        "windows": dict(ledger.windows),
        "sources": dict(ledger.sources),
        "open_runs": dict(ledger.open_runs),
        "timeless": dict(ledger.timeless),
        "workloads": dict(ledger.workloads),
        "marks": dict(ledger.marks),
        "listings": dict(ledger.listings),
    }


def _check_counters(before: Mapping[Any, Series], after: Mapping[Any, Series]) -> None:
    for key, series in before.items():
        now = after.get(key)
        assert now is not None, f"{key} is gone"
        assert all(new >= old for new, old in zip(now.shown, series.shown, strict=True)), f"{key} fell"
        assert now.written_off >= series.written_off
