"""What became of a run, from ``status`` and ``phase``, which change at different moments (rule 4). Pure.

``status`` is that of the underlying MLflow run, in any case of letters; ``phase`` that of the dispatch.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from exporter.catalogue.runs import CANCELLED, COMPLETED, FAILED, OPEN, QUEUED, RUNNING, UNKNOWN
from exporter.times import MINUTE, Micros

LAG: Final = 10 * MINUTE
"""How long after the end of a run its status may still say that it runs."""

STATUSES: Final = frozenset({"running", "scheduled", "finished", "failed", "killed", "cancelled", "canceled"})
PHASES: Final = frozenset({"queued", "dispatching", "completed", "failed", "cancelled", "canceled"})

_CANCELLED: Final = frozenset({"killed", "cancelled", "canceled"})
_UNDER_WAY: Final = frozenset({"running", "scheduled"})
_DISPATCHING: Final = frozenset({"queued", "dispatching"})


def outcome(status: str | None, phase: str | None, ended_at: Micros | None, now: Micros) -> str | None:
    """Return the outcome of a run, None while it has not ended."""
    just_now = ended_at is not None and now - ended_at < LAG
    return _outcome(status, phase, ended_at is not None, just_now)


@lru_cache(maxsize=256)
def _outcome(status: str | None, phase: str | None, has_end: bool, just_now: bool) -> str | None:
    status, phase = _folded(status), _folded(phase)
    if "failed" in (status, phase):
        return FAILED
    if status in _CANCELLED or phase in _CANCELLED:
        return CANCELLED
    if (phase, status) in (("completed", "finished"), ("completed", None), (None, "finished")):
        return COMPLETED
    if not has_end:
        return UNKNOWN if status == "finished" else None
    lagging = status in _UNDER_WAY or phase in _DISPATCHING
    return None if lagging and just_now else UNKNOWN


def state(status: str | None, phase: str | None, started_at: Micros | None) -> str:
    """Return the state of a run that has not ended."""
    if _folded(status) == "running" or started_at is not None:
        return RUNNING
    return QUEUED if _folded(phase) in _DISPATCHING else OPEN


@lru_cache(maxsize=256)
def _folded(value: str | None) -> str | None:
    return value.strip().lower() or None if value is not None else None
