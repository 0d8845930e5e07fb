"""``check-config --probe``: ask each target's upstream once, with its credentials, and say what came."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Final, NamedTuple, TextIO

from exporter.app.options import Transports, network
from exporter.app.targets import build
from exporter.config import Settings
from exporter.errors import ExporterError, Reason
from exporter.http import Budgets
from exporter.observations import Batch, Roster, Windows
from exporter.platforms.settings import TargetSettings
from exporter.selfmetrics import SelfMetrics
from exporter.store.sqlite import SqliteStore
from exporter.target import Target
from exporter.times import SECOND, Clock, SystemClock
from exporter.web.hints import HINTS

BUDGET: Final = 30.0
"""Seconds that a target gets."""

AT_ONCE: Final = 32
NAMES_SHOWN: Final = 5


class Seen(NamedTuple):
    """What one target's upstream said. ``of`` is the account, org, project or team that was read."""

    target: str
    platform: str
    seconds: float
    requests: int
    of: str
    workloads: tuple[str, ...] = ()
    reason: Reason | None = None
    message: str = ""


def probe(settings: Settings, out: TextIO, *, transports: Transports = network, clock: Clock | None = None) -> bool:
    """Ask every target's upstream for what its polls begin with; say what came; return whether all went well.

    That is the list of workloads, or the figures of all of them: one request, and what a login or a further page takes.
    """
    clock = clock or SystemClock()
    with closing(SqliteStore(None, clock.now().wall)) as store:
        budgets, metrics = Budgets(), SelfMetrics()

        def ask(target: TargetSettings) -> Seen:
            built = build(
                target,
                store=store,
                budgets=budgets,
                metrics=metrics,
                clock=clock,
                transport=transports(target),
                holds=False,
            )
            with closing(built.client):
                return _ask(built, target, clock)

        with ThreadPoolExecutor(min(AT_ONCE, len(settings.targets))) as pool:
            seen = list(pool.map(ask, settings.targets))
    out.write(told(seen))
    return all(each.reason is None for each in seen)


def _ask(target: Target, settings: TargetSettings, clock: Clock) -> Seen:
    started = clock.monotonic()
    target.client.begin(BUDGET, retries=0)
    workloads: tuple[str, ...] = ()
    reason: Reason | None = None
    message = ""
    try:
        with closing(target.platform.fetch(target.client, target.view(), clock)) as batches:
            for batch in batches:
                workloads = _workloads(target, batch, clock)
                break
    except ExporterError as error:
        reason, message = error.reason, str(error)
    of = settings.scope or str(target.memory.get("org", ""))
    return Seen(
        target=target.name,
        platform=settings.platform,
        seconds=clock.monotonic() - started,
        requests=target.requests(),
        of=f"{settings.base_url} {of}".strip(),
        workloads=workloads,
        reason=reason,
        message=message,
    )


def _workloads(target: Target, batch: Batch[Any, Any], clock: Clock) -> tuple[str, ...]:
    """Return the labels of the workloads that a first batch names."""
    observed = target.platform.observe(batch, clock.now().world)
    match observed:
        case Roster():
            return tuple(item.label for item in observed.items)
        case Windows():
            return tuple(item.label for item in observed.workloads)
    return ()


def told(seen: Sequence[Seen]) -> str:
    """Return what came, as lines for people."""
    width = max(len(each.target) for each in seen)
    lines: list[str] = []
    for each in seen:
        start = f"{each.target.ljust(width)}  {each.platform.ljust(10)}"
        cost = f"{each.requests} request{'s' * (each.requests != 1)}, {each.seconds * SECOND / 1000:.0f} ms"
        if each.reason is None:
            lines.append(f"{start}  ok      {_count(each.workloads)}; {cost}; {each.of}")
        else:
            lines.append(f"{start}  failed  {each.reason}: {each.message}; {cost}")
            lines.append(f"{' ' * len(start)}          {HINTS[each.reason]}")
    return "".join(f"{line}\n" for line in lines)


def _count(workloads: Sequence[str]) -> str:
    number = f"{len(workloads)} workload{'s' * (len(workloads) != 1)}"
    if not workloads:
        return number
    more = ", ..." * (len(workloads) > NAMES_SHOWN)
    return f"{number} ({', '.join(workloads[:NAMES_SHOWN])}{more})"
