"""What the status page shows, put together from the running targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from exporter import __version__
from exporter.catalogue.ledger import GAP_END, GAP_SECONDS
from exporter.counting.states import SeriesKey
from exporter.platforms.fields import plain_http
from exporter.target import Target
from exporter.times import SECOND, Micros
from exporter.web.views import ErrorView, Exposure, PaceView, StatusView, TargetView

NextRun = Callable[[str], Micros | None]


def status(
    targets: Iterable[Target], now: Micros, started: Micros, next_run: NextRun, reload_error: str | None
) -> StatusView:
    """Return the view of the whole service."""
    views = tuple(_target(target, next_run) for target in sorted(targets, key=lambda target: target.name))
    return StatusView(__version__, now, started, views, reload_error)


def _target(target: Target, next_run: NextRun) -> TargetView:
    state = target.ledger.target
    error = target.last_error
    return TargetView(
        name=target.name,
        platform=target.platform.name,
        state="starting" if target.up is None else "up" if target.up else "down",
        interval=target.effective_interval,
        last_poll=target.last_poll,
        last_success=target.last_success,
        next_poll=next_run(target.name),
        data=None if state is None else state.data_at,
        gap=_gap(target),
        gap_end=target.ledger.marks.get(SeriesKey(GAP_END.name, ())),
        degraded=tuple(sorted(target.degraded)),
        warnings=tuple(_exposures(target)),
        error=None if error is None else ErrorView(error.reason, error.message, error.at),
        pace=_pace(target),
        workloads=len(target.ledger.workloads),
        series=len(target.ledger.series),
        open_runs=len(target.ledger.open_runs),
    )


def _exposures(target: Target) -> Iterator[Exposure]:
    if target.tls_insecure:
        yield "certificate not verified"
    if plain_http(target.client.origin):
        yield "not encrypted"


def _gap(target: Target) -> Micros:
    series = target.ledger.series.get(SeriesKey(GAP_SECONDS.name, ()))
    return 0 if series is None else series.shown[0] + series.pending[0]


def _pace(target: Target) -> PaceView:
    budget = target.client.budget
    reset = budget.quota_reset
    return PaceView(
        requests=target.requests(),
        quota_limit=budget.quota_limit,
        quota_remaining=budget.quota_remaining,
        quota_reset=None if reset is None else round(reset * SECOND),
        budget_remaining=budget.remaining,
        backoff_seconds=max(budget.backoff_seconds, target.circuit.backoff_seconds),
        probing=target.circuit.open,
    )
