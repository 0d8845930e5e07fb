"""What tests of platforms share: a target without a ledger, a clock, canned upstreams, observations as text."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from exporter.catalogue.model import Metric
from exporter.counting.states import ListingState, OpenRun, SourceState, WindowKey, WindowState, WorkloadState
from exporter.http import Budget, Client, http_date
from exporter.observations import ListingFailed, Observed, Page, Roster, Run, Windows, WindowTotal, Workload
from exporter.platforms.base import Platform, View
from exporter.platforms.foundry import FoundryPlatform, FoundrySettings
from exporter.platforms.granite import GranitePlatform, GraniteSettings
from exporter.platforms.moderately import ModeratelyPlatform, ModeratelySettings
from exporter.platforms.roboto import RobotoPlatform, RobotoSettings
from exporter.times import SECOND, Micros, Moment, to_datetime

SAMPLES = Path(__file__).parent / "samples"

DATE = "Tue, 02 Jun 2026 09:00:00 GMT"
NOW: Micros = http_date(DATE) or 0

ROBOTO_URL = "https://api.roboto.ai"
FOUNDRY_URL = "https://contoso-ai.services.ai.azure.com/api/projects/ops"

GRANITE_URL = "https://api.getgranite.ai"
MODERATELY_URL = "https://api.moderately.ai"

Answer = Callable[[httpx.Request], httpx.Response]


def sample(name: str) -> bytes:
    """Return a sample response, such as ``foundry/runs_page1``."""
    return (SAMPLES / f"{name}.json").read_bytes()


def document(name: str) -> Any:
    """Return a sample response as JSON."""
    return json.loads(sample(name))


@dataclass
class StillClock:
    """A clock that stands until it is moved."""

    world: Micros = NOW
    seconds: float = 0.0

    def now(self) -> Moment:
        """Return this instant."""
        return Moment(self.world, self.world)

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps."""
        return self.seconds


@dataclass
class Upstream:
    """An upstream of canned answers that keeps the requests."""

    answer: Answer
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests.append(request)
        return self.answer(request)

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order, percent-encoded."""
        return [request.url.raw_path.decode() for request in self.requests]


def reply(content: object, status: int = 200, date: str | None = DATE) -> httpx.Response:
    """Return an answer of JSON, or of bytes as they are."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return httpx.Response(status, content=body, headers={} if date is None else {"Date": date})


def roboto(**keys: Any) -> RobotoPlatform:
    """Return a Roboto platform of the sample organisation."""
    given = {"org_id": "og_k3v9x2", "token": "example-token", **keys}
    return RobotoPlatform(RobotoSettings.model_validate({"name": "fleet", "platform": "roboto", **given}))


def foundry(**keys: Any) -> FoundryPlatform:
    """Return a Foundry platform of the sample project."""
    given = {"endpoint": FOUNDRY_URL, "auth": {"kind": "token", "token": "example-token"}, **keys}
    return FoundryPlatform(FoundrySettings.model_validate({"name": "ops", "platform": "foundry", **given}))


def granite(**keys: Any) -> GranitePlatform:
    """Return a Granite platform."""
    given = {"api_key": "example-key", **keys}
    return GranitePlatform(GraniteSettings.model_validate({"name": "office", "platform": "granite", **given}))


def moderately(**keys: Any) -> ModeratelyPlatform:
    """Return a Moderately platform of the sample team."""
    given = {"team_id": "team_A", "api_key": "example-key", **keys}
    return ModeratelyPlatform(ModeratelySettings.model_validate({"name": "agents", "platform": "moderately", **given}))


def client_of(
    platform: Platform,
    upstream: Answer,
    base_url: str = FOUNDRY_URL,
    *,
    seconds: float = 30.0,
    per_minute: float = 1200,
    monotonic: Callable[[], float] = time.monotonic,
) -> Client:
    """Return a client of the platform, in the middle of a poll, that never waits and never tries twice."""
    client = Client(
        base_url,
        platform.auth(),
        budget=Budget(per_minute, clock=monotonic),
        transport=httpx.MockTransport(upstream),
        classify=platform.classify,
        sleep=lambda _: None,
        clock=monotonic,
    )
    client.begin(seconds, retries=0)
    return client


def view(
    *,
    floor: Micros | None = None,
    listings: Mapping[str, ListingState] | None = None,
    open_runs: Mapping[str, OpenRun] | None = None,
    sources: Mapping[str, SourceState] | None = None,
    memory: dict[str, Any] | None = None,
    workloads: Mapping[str, WorkloadState] | None = None,
    windows: Mapping[WindowKey, WindowState] | None = None,
    counted: int = 0,
) -> View:
    """Return what a platform may know of the ledger, by default nothing."""
    return View(
        baseline_at=floor,
        floor=floor,
        listings=listings or {},
        open_runs=open_runs or {},
        workloads=workloads or {},
        sources=sources or {},
        memory={} if memory is None else memory,
        windows=windows or {},
        counted=counted,
    )


def open_run(listing: str, birth: Micros) -> OpenRun:
    """Return a run that is known to be open."""
    return OpenRun(listing, listing, birth, "running", seen_at=birth, aged_from=birth)


# Observations as text


def shown(batch: Observed) -> str:
    """Return a batch of observations as lines that people can compare."""
    return "".join(f"{line}\n" for line in _lines(batch))


def _lines(batch: Observed) -> Iterator[str]:
    match batch:
        case Roster():
            yield from _workloads(batch.items)
        case Page():
            yield from _workloads(batch.workloads)
            for run in batch.items:
                yield from _run(run)
        case Windows():
            yield from _windows(batch)
        case ListingFailed():
            yield f"failed {batch.listing} {batch.reason}"
            return
    for skipped in batch.skipped:
        yield f"skipped {skipped.reason}"
    for name in batch.unknown:
        yield f"unknown {name}"


def _workloads(items: Iterable[Workload]) -> Iterator[str]:
    for item in items:
        yield f"workload {item.identity} label={item.label}"
        yield f"  enabled {item.enabled}, edited {_time(item.edited_at)}"
        for name, value in item.info.items():
            yield f"  {name}={value}"
        for each in item.schedules:
            yield f"  schedule {each.name} cron={each.cron} zone={each.zone} at={_time(each.at)}"


def _windows(batch: Windows[WindowTotal]) -> Iterator[str]:
    yield from _workloads(batch.workloads)
    for source in batch.sources:
        yield f"{source.name} {_time(source.whole.start)} to {_time(source.whole.end)}"
        for total in source.whole.items:
            yield f"  {total.item} {_series(total.metric, total.labels)} {total.value}"
    for level in batch.levels or ():
        yield f"level {level.workload} {_series(level.metric, level.labels)} {level.value:g}"
    for identity, mark in batch.marks:
        yield f"mark {identity} {_series(mark.metric, mark.labels)} at {_time(mark.at)}"
    for example in batch.examples:
        yield f"example {_series(example.metric, example.labels)} {example.run_id}"


def _run(run: Run) -> Iterator[str]:
    yield f"run {run.id} of {run.workload} {'ended ' + run.outcome if run.ended else 'open ' + run.state}"
    times = {"created": run.created, "triggered": run.triggered, "started": run.started, "finished": run.finished}
    told = [f"{name} {_time(at)}" for name, at in times.items() if at is not None]
    yield f"  {', '.join(told) or 'no times'}"
    for add in run.adds:
        amount = f"+{add.amount}"
        if add.metric.type == "histogram":
            amount = f"{add.amount / SECOND:g} s" if add.metric.unit == SECOND else f"{add.amount}"
        yield f"  {_series(add.metric, add.labels)} {amount}"
    for mark in run.marks:
        yield f"  {_series(mark.metric, mark.labels)} at {_time(mark.at)}"
    if run.delivery is not None:
        yield f"  delivery {run.delivery.trigger} {_time(run.delivery.fire_at)}"


def _series(metric: Metric, labels: tuple[str, ...]) -> str:
    names = metric.labels[1:] if metric.per_workload else metric.labels
    if metric.type == "gaugehistogram":
        names = (*names, "le")
    pairs = ",".join(f'{name}="{value}"' for name, value in zip(names, labels, strict=True))
    return f"{metric.name}{{{pairs}}}"


def _time(at: Micros | None) -> str:
    return "-" if at is None else to_datetime(at).isoformat().replace("+00:00", "Z")
