"""The true totals: what every durable counter and histogram must have counted, straight from the world.

Nothing here goes through a face, a fault or the exporter. One module a platform says which family a run goes
to; the names and labels are those of the metric catalogue, written out again so that a mistake in one place
cannot hide in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from exporter.simulator.model import Part, Platform
from exporter.simulator.truth import foundry, granite, moderately, roboto
from exporter.simulator.truth.totals import Beginning, Histogram, Labels, Truth, labels_of
from exporter.simulator.world import World

AT_ONCE: Final[Mapping[Part, Beginning]] = MappingProxyType({})
"""No question began by itself."""

_TOTALS: dict[Platform, Callable[[Truth, World, int, int, int], None]] = {
    "roboto": roboto.totals,
    "foundry": foundry.totals,
    "moderately": moderately.totals,
}
_ACTIVE: dict[Platform, Callable[[World, int], dict[Labels, int]]] = {
    "roboto": roboto.active_runs,
    "foundry": foundry.active_runs,
    "granite": granite.active_runs,
    "moderately": moderately.active_runs,
}


def truth(
    world: World,
    platform: Platform,
    since: int,
    until: int,
    baseline: int | None = None,
    *,
    begun: Mapping[Part, Beginning] = AT_ONCE,
) -> Truth:
    """What must have been counted in ``(since, until]`` by an exporter whose baseline time is ``baseline``.

    A run counts once: at the first moment at which it can be seen as ended, with the outcome it has then. It is
    history, and does not count, when it ended before the baseline and was not seen active there. ``baseline``
    defaults to ``since``. For everything from the baseline on, its first instant included, ask from one
    microsecond before it. Windowed platforms (Roboto, Granite) have the net change, which may be negative.

    ``begun`` says where each of Granite's questions began; by default all at ``since``, or at ``baseline`` if that is
    later.
    """
    found, baseline = Truth(), since if baseline is None else baseline
    if platform == "granite":
        first = begun.get("others", Beginning(max(since, baseline)))
        granite.totals(found, world, first, until, cancelled=begun.get("cancelled", first))
    else:
        _TOTALS[platform](found, world, since, until, baseline)
    return found


def active_runs(world: World, platform: Platform, now: int) -> dict[Labels, int]:
    """``automation_active_runs`` at ``now``: runs not ended, by workload and state (combinations with any)."""
    return _ACTIVE[platform](world, now)


def missed_schedules(
    world: World, since: int, until: int, baseline: int | None = None, grace: int = foundry.GRACE
) -> dict[Labels, int]:
    """``automation_schedule_missed_total`` of Foundry: due times whose grace ran out in ``(since, until]``."""
    return foundry.missed_schedules(world, since, until, since if baseline is None else baseline, grace)


__all__ = ["Beginning", "Histogram", "Labels", "Truth", "active_runs", "labels_of", "missed_schedules", "truth"]
