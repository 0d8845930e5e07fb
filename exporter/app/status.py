"""What the status page shows, put together from the running targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from exporter import __version__
from exporter.target import Target
from exporter.times import Micros
from exporter.web.views import ErrorView, StatusView, TargetView

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
        last_poll=target.last_poll,
        next_poll=next_run(target.name),
        data=None if state is None else state.data_at,
        degraded=tuple(sorted(target.degraded)),
        error=None if error is None else ErrorView(error.reason, error.message, error.at),
    )
