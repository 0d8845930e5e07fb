"""Granite's answer about a set of executions: the twelve members, each from the same runs."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from exporter.simulator.clock import SECOND, iso
from exporter.simulator.face import CANARY
from exporter.simulator.messages import Json
from exporter.simulator.model import TERMINAL, Run

FAILURES_SHOWN = 10
BOUNDS_MS = (0, 1_000, 5_000, 15_000, 60_000, 300_000, 3_600_000, 86_400_000)
QUANTILES = {"p50_ms": 0.5, "p75_ms": 0.75, "p90_ms": 0.9, "p95_ms": 0.95, "p99_ms": 0.99}

Executions = Mapping[str, list[Run]]
"""By workflow name; workflows without any are left out."""


@dataclass(frozen=True, slots=True)
class Work:
    """What an ended execution did on the screen."""

    clicks: int
    keystrokes: int
    scrolls: int
    screenshots: int
    steps: int


def work_of(run: Run) -> Work:
    """From the number of its steps, so that truth and answer agree."""
    return Work(2 * run.steps, 5 * run.steps, run.steps // 2, run.steps, run.steps)


def category_of(run: Run) -> str:
    """What a failure is filed under."""
    return run.error_type or (f"http_{run.status_code}" if run.status_code is not None else "unknown")


def slug_of(name: str) -> str:
    """The endpoint that is published for a workflow."""
    return "-".join(name.lower().split())


def batch(
    found: Executions,
    names: Sequence[str],
    now: int,
    *,
    slot: int,
    granularity: str,
    active_today: int,
    longest_list: int | None,
) -> Json:
    """The whole answer. ``names`` are all workflows, ``slot`` the length of the granularity in microseconds."""
    runs = [run for each in found.values() for run in each]
    counts = _counts(runs, now)
    slots = _slots(runs, slot, now)
    busiest = sorted(found, key=lambda name: (-len(found[name]), name))[:longest_list]
    return {
        "summary": {
            "total_executions": len(runs),
            "completed": counts["completed"],
            "total_failures": counts["failed"],
            "success_rate": _rate(counts),
            "avg_duration_ms": _mean(_durations(runs, now)),
            "active_today": active_today,
            "total_tokens": sum(run.tokens for run in _ended(runs, now)),
        },
        "executions_over_time": {
            "data": [{"time": _time(at), **_slot(part, now)} for at, part in slots.items()],
            "granularity": granularity,
        },
        "success_rate": {"data": [_slot_rate(at, part, now) for at, part in slots.items()], "granularity": granularity},
        "failure_breakdown": _breakdown(runs, now),
        "trigger_distribution": {
            "data": [
                {"trigger_type": kind, "count": number}
                for kind, number in sorted(Counter(run.trigger_type or "manual" for run in runs).items())
            ]
        },
        "top_automations": {"data": [_automation(name, found[name], now) for name in busiest], "sort_by": "executions"},
        "duration_distribution": _distribution(_durations(runs, now)),
        "recent_failures": _recent(found, now, counts["failed"]),
        "actions_per_workflow": {"data": [_actions(name, found[name], now) for name in busiest]},
        "workflow_complexity": {"data": [_complexity(name, found[name], now) for name in busiest]},
        "endpoint_usage": {"data": _endpoints(found, now)},
        "workflows": list(names),
    }


def _ended(runs: list[Run], now: int) -> list[Run]:
    return [run for run in runs if run.state_at(now) in TERMINAL]


def _counts(runs: list[Run], now: int) -> Counter[str]:
    return Counter(str(run.state_at(now)) for run in runs)


def _durations(runs: list[Run], now: int) -> list[float]:
    """Milliseconds of ended executions, sorted."""
    found = []
    for run in runs:
        started, ended = run.started_at(now), run.ended_at(now)
        if started is not None and ended is not None:
            found.append((ended - started) / 1000)
    return sorted(found)


def _mean(durations: list[float]) -> float:
    return sum(durations) / len(durations) if durations else 0


def _rate(counts: Counter[str]) -> float:
    judged = counts["completed"] + counts["failed"]
    return round(100 * counts["completed"] / judged, 2) if judged else 0


def _slots(runs: list[Run], length: int, now: int) -> dict[int, list[Run]]:
    found: dict[int, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.created_at):
        if run.state_at(now) is not None:
            found.setdefault(run.created_at // length * length, []).append(run)
    return found


def _slot(runs: list[Run], now: int) -> Json:
    counts = _counts(runs, now)
    return {
        "total": len(runs),
        "completed": counts["completed"],
        "failed": counts["failed"],
        "running": counts["running"] + counts["paused"],
        "pending": counts["queued"],
    }


def _slot_rate(at: int, runs: list[Run], now: int) -> Json:
    counts = _counts(runs, now)
    return {"time": _time(at), "total": len(runs), "completed": counts["completed"], "success_rate": _rate(counts)}


def _breakdown(runs: list[Run], now: int) -> Json:
    categories = Counter(category_of(run) for run in runs if run.state_at(now) == "failed")
    data = [
        {"category": category, "count": number, "sample_messages": [f"{CANARY} message"]}
        for category, number in categories.most_common()
    ]
    return {"data": data, "total_failures": categories.total()}


def _automation(name: str, runs: list[Run], now: int) -> Json:
    counts = _counts(runs, now)
    return {
        "workflow_name": name,
        "executions": len(runs),
        "completed": counts["completed"],
        "failures": counts["failed"],
        "success_rate": _rate(counts),
        "avg_duration_ms": _mean(_durations(runs, now)),
        "last_execution": _time(max(run.created_at for run in runs)),
    }


def _distribution(durations: list[float]) -> Json:
    histogram = []
    for low, high in pairwise(BOUNDS_MS):
        number = sum(low < each <= high for each in durations)
        if number:
            histogram.append({"bucket_start_ms": low, "bucket_end_ms": high, "count": number})
    stats = {
        "total": len(durations),
        "avg_ms": _mean(durations),
        "min_ms": durations[0] if durations else 0,
        "max_ms": durations[-1] if durations else 0,
    }
    for field, share in QUANTILES.items():
        stats[field] = durations[min(len(durations) - 1, int(share * len(durations)))] if durations else 0
    return {"stats": stats, "histogram": histogram}


def _recent(found: Executions, now: int, total: int) -> Json:
    failed = [(run, name) for name, runs in found.items() for run in runs if run.state_at(now) == "failed"]
    failed.sort(key=lambda pair: pair[0].ended_at(now) or 0, reverse=True)
    data = []
    for run, name in failed[:FAILURES_SHOWN]:
        started, ended = run.started_at(now), run.ended_at(now)
        data.append(
            {
                "execution_id": f"ex_{run.id}",
                "run_id": run.id,
                "workflow_name": name,
                "error_category": category_of(run),
                "triggered_by": run.trigger_type,
                "started_at": _time(run.created_at if started is None else started),
                "error_message": f"{CANARY} message",
                "duration_ms": None if started is None or ended is None else (ended - started) / 1000,
            }
        )
    return {"data": data, "total": total, "limit": FAILURES_SHOWN, "offset": 0}


def _actions(name: str, runs: list[Run], now: int) -> Json:
    done = [work_of(run) for run in _ended(runs, now)]
    return {
        "workflow_name": name,
        "clicks": sum(work.clicks for work in done),
        "keystrokes": sum(work.keystrokes for work in done),
        "scrolls": sum(work.scrolls for work in done),
        "screenshots": sum(work.screenshots for work in done),
        "total_steps": sum(work.steps for work in done),
    }


def _complexity(name: str, runs: list[Run], now: int) -> Json:
    seed = zlib.crc32(name.encode("utf-8", "surrogatepass"))
    return {
        "workflow_name": name,
        "complexity_score": seed % 100 / 10,
        "total_steps": 3 + seed % 20,
        "total_iterations": seed % 5,
        "parameters_count": seed % 4,
        "success_rate": _rate(_counts(runs, now)),
        "avg_duration_ms": _mean(_durations(runs, now)),
    }


def _endpoints(found: Executions, now: int) -> list[Json]:
    data = []
    for name, runs in found.items():
        called = [run for run in runs if run.trigger_type == "endpoint"]
        durations = _durations(called, now)
        completed = _counts(called, now)["completed"]
        if called:
            data.append(
                {
                    "endpoint_slug": slug_of(name),
                    "http_method": "POST",
                    "invocations": len(called),
                    "success_count": completed,
                    "success_rate": round(100 * completed / len(called), 2),
                    "avg_response_time_ms": _mean(durations),
                    "p95_response_time_ms": durations[int(0.95 * len(durations))] if durations else 0,
                }
            )
    return data


def _time(at: int) -> str:
    return iso(at // SECOND * SECOND).replace("+00:00", "Z")
