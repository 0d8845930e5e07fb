"""A service with everything that the page can show, for tests and for looking at it."""

from __future__ import annotations

from exporter.times import DAY, HOUR, MINUTE, SECOND
from exporter.web.views import OPEN, ErrorView, PaceView, RunsView, RunView, StatusView, TargetView

NOW = 1_700_000_000 * SECOND

DOWN = TargetView(
    "support",
    "foundry",
    "down",
    interval=MINUTE,
    last_poll=NOW - 5 * SECOND,
    last_success=NOW - 2 * HOUR,
    next_poll=NOW + 55 * SECOND,
    data=NOW - 2 * HOUR,
    gap=90 * MINUTE,
    gap_end=NOW - 3 * DAY,
    degraded=("workload_error", "unsorted"),
    error=ErrorView("unauthorized", "401 from the token service", at=NOW - 3 * MINUTE),
    pace=PaceView(
        requests=12_345,
        quota_limit=100,
        quota_remaining=40,
        quota_reset=NOW + 12 * MINUTE,
        budget_remaining=117,
        backoff_seconds=3.4,
        probing=True,
    ),
    workloads=4,
    series=61,
    open_runs=2,
)
UP = TargetView("agents", "moderately", "up", interval=MINUTE, last_poll=NOW, next_poll=NOW - 1, data=NOW, series=7)
NEW = TargetView("fleet", "roboto", "starting", pace=PaceView(budget_remaining=120))

FAILED = RunView(
    target="support",
    platform="foundry",
    workload="nightly <report>",
    series="_other",
    run_id="run-1",
    outcome="failed",
    created=None,
    triggered=NOW - 40 * MINUTE,
    due=NOW - HOUR,
    started=NOW - 39 * MINUTE,
    ended=NOW - 30 * MINUTE,
    last_seen=NOW - 30 * MINUTE,
    late=21 * MINUTE,
    reason="tool_error",
    status_code="502",
    trigger="schedule",
    ids=(("dispatch_id", "d-1"), ("correlation_id", "c-1")),
    url="https://portal.example.net/run-1",
)
LATE = RunView("agents", "moderately", "b", "b", "run-2", "completed", last_seen=NOW - HOUR, late=11 * MINUTE)
GIVEN_UP = RunView("agents", "moderately", "a", "a", "run-3", "unknown", last_seen=NOW - 2 * HOUR, reason="given_up")
RUNNING = RunView("support", "foundry", "c", "c", "run-4", OPEN, state="running", created=NOW - DAY, last_seen=NOW)

STATUS = StatusView("1.2.3", now=NOW, started=NOW - HOUR, targets=(UP, NEW, DOWN))
RUNS = RunsView(NOW, ended=(FAILED, LATE, GIVEN_UP), ended_total=3, open=(RUNNING,), open_total=1)
