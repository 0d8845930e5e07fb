"""``check-config --probe``: ask each target's upstream once, with its credentials, and say what came."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Final, Literal, NamedTuple, TextIO

from exporter.app.options import Transports, network
from exporter.app.targets import build
from exporter.config import Settings
from exporter.errors import ConfigError, ExporterError, Reason
from exporter.http import Budgets
from exporter.observations import Batch, Roster, Windows
from exporter.platforms.settings import TargetSettings
from exporter.runner import places
from exporter.selfmetrics import SelfMetrics
from exporter.store.sqlite import SqliteStore
from exporter.target import Target
from exporter.times import SECOND, Clock, SystemClock
from exporter.web.hints import HINTS

log = logging.getLogger(__name__)

BUDGET: Final = 30.0
"""Seconds that a target gets."""

AT_ONCE: Final = 32
NAMES_SHOWN: Final = 5

_NOT_CONFIGURED: Final = "Correct what the message names: in the file, or in the environment."


class Seen(NamedTuple):
    """What one target's upstream said. ``of`` is the account, org, project or team that was read.

    The reason is "configuration" when it could not be asked: for a proxy of the environment, or a CA file.
    """

    target: str
    platform: str
    seconds: float
    requests: int
    of: str
    workloads: tuple[str, ...] = ()
    reason: Reason | Literal["configuration"] | None = None
    message: str = ""


def probe(settings: Settings, out: TextIO, *, transports: Transports = network, clock: Clock | None = None) -> bool:
    """Ask every target's upstream for what its polls begin with; say what came; return whether all went well.

    That is the list of workloads, or the figures of all of them: one request, and what a login or a further page takes.
    """
    clock = clock or SystemClock()
    with closing(SqliteStore(None, clock.now().wall)) as store:
        budgets, metrics = Budgets(), SelfMetrics()

        def asked(target: TargetSettings) -> Seen:
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

        def ask(target: TargetSettings) -> Seen:
            """The same, whatever happens: nothing that is wrong with one target hides what the others said."""
            started = clock.monotonic()
            try:
                return asked(target)
            except ConfigError as error:
                return _unasked(target, clock.monotonic() - started, "configuration", "; ".join(error.problems))
            except ExporterError as error:
                return _unasked(target, clock.monotonic() - started, error.reason, str(error))
            except Exception as error:  # noqa: BLE001  a bug of ours; its text may hold what the upstream sent
                kind = type(error).__name__
                extra = {"target": target.name, "traceback": places(error)}
                log.error("probe failed unexpectedly: %s", kind, extra=extra)  # noqa: TRY400
                return _unasked(target, clock.monotonic() - started, "internal", f"{kind} (see the log)")

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


def _unasked(settings: TargetSettings, seconds: float, reason: Reason | Literal["configuration"], message: str) -> Seen:
    return Seen(settings.name, settings.platform, seconds, 0, settings.base_url, reason=reason, message=message)


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
            hint = _NOT_CONFIGURED if each.reason == "configuration" else HINTS[each.reason]
            lines.append(f"{start}  failed  {each.reason}: {each.message}; {cost}")
            lines.append(f"{' ' * len(start)}          {hint}")
    return "".join(f"{line}\n" for line in lines)


def _count(workloads: Sequence[str]) -> str:
    number = f"{len(workloads)} workload{'s' * (len(workloads) != 1)}"
    if not workloads:
        return number
    more = ", ..." * (len(workloads) > NAMES_SHOWN)
    return f"{number} ({', '.join(workloads[:NAMES_SHOWN])}{more})"
