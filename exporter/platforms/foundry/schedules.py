"""When a routine is due: its cron triggers in their zones, and its timers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal.windows_tz import win_tz

from exporter.counting.schedules import due_before, valid
from exporter.observations import Schedule
from exporter.platforms import labels
from exporter.platforms.foundry.records import Routine, Trigger
from exporter.times import Micros

_WINDOWS_ZONES: Mapping[str, str] = {name.casefold(): zone for name, zone in win_tz.items()}


def schedules_of(routine: Routine) -> tuple[Schedule, ...]:
    """Return the schedules of a routine that can be computed."""
    found = (_schedule(name, trigger) for name, trigger in routine.triggers.items())
    return tuple(schedule for schedule in found if schedule is not None)


def unusable(routine: Routine) -> Iterator[str]:
    """Yield the names of triggers that should tell a schedule and do not."""
    for name, trigger in routine.triggers.items():
        if _tells_schedule(trigger) and _schedule(name, trigger) is None:
            yield name


def only_trigger(routine: Routine) -> str | None:
    """Return the trigger that a delivery without a trigger's name comes from, None when it may be several."""
    names = [name for name, trigger in routine.triggers.items() if _tells_schedule(trigger)]
    return names[0] if len(names) == 1 else None


def due_since(schedules: tuple[Schedule, ...], since: Micros, now: Micros) -> bool:
    """Whether any of the schedules was due after ``since``, up to ``now``."""
    return any((due := due_before(schedule, now)) is not None and due > since for schedule in schedules)


@lru_cache(maxsize=1024)
def zone_name(name: str) -> str | None:
    """Return the IANA name of a zone given by its IANA or Windows name, None when there is no such zone."""
    for candidate in (name, _WINDOWS_ZONES.get(name.casefold(), "")):
        try:
            ZoneInfo(candidate)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
        return candidate
    return None


def _tells_schedule(trigger: Trigger) -> bool:
    return (trigger.type or "").lower() in ("schedule", "timer")


def _schedule(name: str, trigger: Trigger) -> Schedule | None:
    label = labels.value(name)
    if not _tells_schedule(trigger):
        return None
    if trigger.cron_expression is not None:
        return _cron_schedule(label, trigger.cron_expression, trigger.time_zone)
    return None if trigger.at is None else Schedule(label, at=trigger.at)


@lru_cache(maxsize=4096)
def _cron_schedule(label: str, expression: str, zone: str | None) -> Schedule | None:
    mapped = zone_name(zone) if zone else "UTC"
    if mapped is None:
        return None
    schedule = Schedule(label, " ".join(expression.split()), mapped)
    return schedule if valid(schedule) else None
