"""``once``: one poll of every target, one attempt, no holds; then the numbers and a table of what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TextIO

from exporter.app.options import Once
from exporter.app.progress import Progress, shown_beside_the_log
from exporter.app.targets import build
from exporter.app.upkeep import aligned
from exporter.catalogue.runs import OUTCOMES
from exporter.config import Settings
from exporter.exposition import Snapshot
from exporter.http import Budgets
from exporter.poll import Report
from exporter.publisher import Publisher
from exporter.runner import Runner
from exporter.selfmetrics import SelfMetrics
from exporter.store.sqlite import SqliteStore
from exporter.target import Target
from exporter.times import to_datetime

BUDGET: Final = 60.0
"""Seconds that the poll of a target may take."""

AT_ONCE: Final = 32
"""Targets polled at the same time."""


def once(settings: Settings, options: Once, out: TextIO, err: TextIO) -> int:
    """Poll every target once, print the exposition to ``out`` and a table to ``err``.

    Returns 0 when all polls were good, else 1. With a state the lock is taken and the difference is counted.
    """
    clock = options.clock
    metrics = SelfMetrics()
    snapshot = Snapshot()
    publisher = Publisher(snapshot, metrics, clock)
    store = SqliteStore(options.state, clock.now().wall)
    try:
        progress = Progress(err, clock.monotonic)
        runner = Runner(store, publisher, metrics, clock, progress)

        def polled(target: Target) -> Report:
            report = runner.run(target, budget=BUDGET, retries=0)
            progress.finished(target.name)
            return report

        budgets = Budgets()
        targets = [
            build(
                target,
                store=store,
                budgets=budgets,
                metrics=metrics,
                clock=clock,
                transport=options.transports(target),
                holds=False,
            )
            for target in settings.targets
            if not options.only or target.name in options.only
        ]
        with shown_beside_the_log(progress), ThreadPoolExecutor(min(AT_ONCE, max(1, len(targets)))) as pool:
            reports = list(pool.map(polled, targets))
        for target in targets:
            runner.release_all(target)
            publisher.refresh(target)
            target.client.close()
        publisher.refresh_own()
        if snapshot.current is not None:
            out.write(snapshot.current.text.decode("utf-8"))
        err.write(table(targets, reports))
    finally:
        store.close()
    return 0 if all(report.good and report.error is None for report in reports) else 1


HEADINGS: Final = (
    "target",
    "platform",
    "poll",
    "seconds",
    "requests",
    "workloads",
    *OUTCOMES,
    "active",
    "newest run",
    "error",
)


def table(targets: Sequence[Target], reports: Sequence[Report]) -> str:
    """Say what each poll saw, one line a target, columns aligned."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    for target, report in zip(targets, reports, strict=True):
        newest = report.newest_run
        errors = [f"{_printable(failed.listing)}: {failed.message}" for failed in report.listings_failed]
        if report.error is not None:
            errors.insert(0, f"{report.error}: {report.message}")
        active = sum(number for state, number in report.runs.items() if state not in OUTCOMES)
        rows.append(
            (
                target.name,
                target.labels.platform,
                "good" if report.good else "failed",
                f"{report.seconds:.2f}",
                str(target.requests()),
                str(report.workloads),
                *(str(report.runs[outcome]) for outcome in OUTCOMES),
                str(active),
                "-" if newest is None else to_datetime(newest).isoformat(timespec="seconds"),
                "; ".join(errors) or "-",
            )
        )
    return "\n".join(aligned(rows)) + "\n"


def _printable(name: str) -> str:
    """Return a name that an upstream chose without what would steer a terminal."""
    return "".join(each if each.isprintable() else "?" for each in name)
