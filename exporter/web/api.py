"""The JSON of ``/api/v1/``: what the page shows, for programs. ``docs/api.md`` says what each key means.

Keys are only ever added. Times are RFC 3339 in UTC, lengths of time numbers in seconds.
"""

from __future__ import annotations

from typing import Any

from exporter.times import SECOND, Micros, to_datetime
from exporter.web.hints import HINTS
from exporter.web.views import RunsView, RunView, StatusView, TargetView


def targets(view: StatusView) -> dict[str, Any]:
    """Return the body of ``/api/v1/targets``."""
    return {
        "version": view.version,
        "now": _time(view.now),
        "started": _time(view.started),
        "reload_error": view.reload_error,
        "targets": [_target(target) for target in view.targets],
    }


def _target(target: TargetView) -> dict[str, Any]:
    pace, error = target.pace, target.error
    return {
        "name": target.name,
        "platform": target.platform,
        "state": target.state,
        "degraded": list(target.degraded),
        "warnings": list(target.warnings),
        "interval_seconds": target.interval / SECOND,
        "last_poll": _time(target.last_poll),
        "last_success": _time(target.last_success),
        "next_poll": _time(target.next_poll),
        "data_whole_up_to": _time(target.data),
        "gap_seconds_total": target.gap / SECOND,
        "last_gap_end": _time(target.gap_end),
        "error": error
        and {"reason": error.reason, "message": error.message, "hint": HINTS[error.reason], "at": _time(error.at)},
        "requests": pace.requests,
        "quota_limit": pace.quota_limit,
        "quota_remaining": pace.quota_remaining,
        "quota_reset": _time(pace.quota_reset),
        "budget_remaining": pace.budget_remaining,
        "backoff_seconds": pace.backoff_seconds,
        "probing": pace.probing,
        "workloads": target.workloads,
        "series": target.series,
        "open_runs": target.open_runs,
    }


def runs(view: RunsView) -> dict[str, Any]:
    """Return the body of ``/api/v1/runs``."""
    return {
        "now": _time(view.now),
        "ended": [_run(run) for run in view.ended],
        "ended_total": view.ended_total,
        "open": [_run(run) for run in view.open],
        "open_total": view.open_total,
    }


def _run(run: RunView) -> dict[str, Any]:
    return {
        "target": run.target,
        "platform": run.platform,
        "workload": run.workload,
        "workload_label": run.series,
        "run_id": run.run_id,
        "outcome": run.outcome,
        "state": run.state,
        "reason": run.reason or None,
        "status_code": run.status_code or None,
        "trigger": run.trigger or None,
        "created": _time(run.created),
        "triggered": _time(run.triggered),
        "due": _time(run.due),
        "started": _time(run.started),
        "ended": _time(run.ended),
        "last_seen": _time(run.last_seen),
        "late_seconds": None if run.late is None else run.late / SECOND,
        "ids": dict(run.ids),
        "url": run.url,
    }


def _time(moment: Micros | None) -> str | None:
    if moment is None:
        return None
    return to_datetime(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")
