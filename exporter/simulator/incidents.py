"""The script of incidents: named things that go wrong in the world, each for a while.

Incidents change what happens after their start and never what happened up to it, so switching one on at the
present keeps the past, and with it everything that was already counted.

    failure_burst     most runs fail, with a 503
    missed_schedule   due schedules do not fire
    stuck_run         the first run of each workload hangs until the incident is over, then fails
    expired_token     the platform refuses the credentials
    dead_upstream     the platform does not answer at all
    quota_low         the platform announces that its quota is nearly used up, and refuses every third request
    token_spike       runs use twenty times the usual tokens, and five times the steps
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from exporter.simulator.clock import MINUTE
from exporter.simulator.model import Platform

IncidentName = Literal[
    "failure_burst",
    "missed_schedule",
    "stuck_run",
    "expired_token",
    "dead_upstream",
    "quota_low",
    "token_spike",
]
INCIDENTS: tuple[IncidentName, ...] = get_args(IncidentName)


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident over ``[start, end)``; without an end it lasts until it is stopped.

    ``platform`` and ``workload`` (a key) narrow it; without them it meets all.
    """

    name: IncidentName
    start: int
    end: int | None = None
    platform: Platform | None = None
    workload: str | None = None

    def meets(self, platform: Platform, now: int, workload: str | None = None) -> bool:
        """Whether it is on at ``now`` for the platform, and for the workload if one is given."""
        return (
            self.start <= now
            and (self.end is None or now < self.end)
            and self.platform in (None, platform)
            and (workload is None or self.workload in (None, workload))
        )


@dataclass(frozen=True, slots=True)
class Rotation:
    """A default script: every ``gap`` the next incident of ``names`` for ``duration``, on the next platform."""

    start: int
    names: Sequence[IncidentName] = INCIDENTS
    platforms: Sequence[Platform] = ()
    gap: int = 5 * MINUTE
    duration: int = 90_000_000

    def at(self, now: int) -> Incident | None:
        """The incident of the rotation that is on at ``now``."""
        number = (now - self.start) // self.gap
        if number < 1 or not self.names:  # the first gap is calm, so that a newcomer sees a healthy world
            return None
        start = self.start + number * self.gap
        if now >= start + self.duration:
            return None
        past_rounds, place = divmod(number - 1, len(self.names))
        name = self.names[place]
        # Shifted by one each round, so that every incident comes to every platform.
        platform = self.platforms[(place + past_rounds) % len(self.platforms)] if self.platforms else None
        return Incident(name, start, start + self.duration, platform)


class Script:
    """The incidents of a world: those switched on by name, and perhaps a rotation.

    ``changed`` is called after every switch (the world drops what it had generated).
    """

    def __init__(self, changed: Callable[[], None], rotation: Rotation | None = None) -> None:
        self._changed = changed
        self._incidents: list[Incident] = []
        self.rotation = rotation

    def start(
        self,
        name: IncidentName,
        start: int,
        duration: int | None = None,
        platform: Platform | None = None,
        workload: str | None = None,
    ) -> Incident:
        """Switch an incident on at ``start`` (now or later), for ``duration`` microseconds or until stopped."""
        if name not in INCIDENTS:
            raise ValueError(f"no incident is named {name!r}; there are {', '.join(INCIDENTS)}")
        end = None if duration is None else start + duration
        incident = Incident(name, start, end, platform, workload)
        self._incidents = [*self._incidents, incident]
        self._changed()
        return incident

    def stop(self, now: int, name: IncidentName | None = None) -> None:
        """End at ``now`` the incidents of that name (or all) that have not ended yet."""
        self._incidents = [
            replace(incident, end=max(incident.start, now))
            if name in (None, incident.name) and (incident.end is None or incident.end > now)
            else incident
            for incident in self._incidents
        ]
        self._changed()

    def on(self, name: IncidentName, platform: Platform, now: int, workload: str | None = None) -> Incident | None:
        """The incident of that name that is on at ``now``, if there is one."""
        for incident in self.active(now):
            if incident.name == name and incident.meets(platform, now, workload):
                return incident
        return None

    def met(self, name: IncidentName, platform: Platform, at: int, workload: str | None = None) -> Incident | None:
        """The incident of that name that meets something that happens at ``at``: those over ``(start, end]``."""
        return self.on(name, platform, at - 1, workload)

    def active(self, now: int) -> list[Incident]:
        """All incidents that are on at ``now``."""
        found = [i for i in self._incidents if i.start <= now and (i.end is None or now < i.end)]
        if self.rotation and (turn := self.rotation.at(now)):
            found.append(turn)
        return found

    def longest(self, now: int) -> int:
        """How long the longest incident that began by ``now`` lasts, in microseconds (open ones: until now)."""
        lengths = [min(i.end or now, now) - i.start for i in self._incidents if i.start <= now]
        if self.rotation:
            lengths.append(self.rotation.duration)
        return max(lengths, default=0)
