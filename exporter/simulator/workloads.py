"""The workloads of a world and their history: added, edited, renamed, removed, back again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

from exporter.simulator.model import Platform, Trigger, Workload

Place = tuple[Platform, str]
"""A workload: platform and key."""


@dataclass(frozen=True, slots=True)
class _Present:
    """The workloads of a platform in ``[since, until)``, in which none of them changes."""

    since: float
    until: float
    workloads: tuple[Workload, ...]


class Workloads:
    """Every workload in all its versions. ``changed`` is called after a change."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._workloads_changed = changed
        self._lock = threading.RLock()
        self._versions: dict[Place, list[tuple[int, Workload | None]]] = {}
        self._present: dict[Platform, _Present] = {}

    def keep(self, workload: Workload) -> Workload:
        """Take in a version, valid from its ``updated_at`` on."""
        with self._lock:
            place = (workload.platform, workload.key)
            self._versions.setdefault(place, []).append((workload.updated_at, workload))
            self._noted(workload.platform)
        return workload

    def edit_workload(
        self,
        platform: Platform,
        key: str,
        *,
        at: int,
        name: str | None = None,
        enabled: bool | None = None,
        triggers: dict[str, Trigger] | None = None,
    ) -> Workload:
        """From ``at`` on the workload has this name, switch and triggers (each kept when not given)."""
        with self._lock:
            current = self.workload(platform, key, at)
            if current is None:
                raise KeyError(key)
            edited = replace(
                current,
                name=current.name if name is None else name,
                enabled=current.enabled if enabled is None else enabled,
                triggers=current.triggers if triggers is None else triggers,
                updated_at=at,
            )
            return self.keep(edited)

    def rename_workload(self, platform: Platform, key: str, name: str, at: int) -> Workload:
        """The same workload, with its runs, has another name from ``at`` on."""
        return self.edit_workload(platform, key, at=at, name=name)

    def remove_workload(self, platform: Platform, key: str, at: int) -> None:
        """From ``at`` on the workload is gone; add it again to let it return."""
        with self._lock:
            self._versions[platform, key].append((at, None))
            self._noted(platform)

    def _noted(self, platform: Platform) -> None:
        self._present.pop(platform, None)
        self._workloads_changed()

    def workload(self, platform: Platform, key: str, at: int) -> Workload | None:
        """The version of the workload that is valid at a time."""
        found = None
        for since, version in self._versions.get((platform, key), ()):
            if since <= at:
                found = version
        return found

    def versions(self, platform: Platform, key: str, until: int) -> list[Workload]:
        """All versions that the workload has had by a time."""
        known = self._versions.get((platform, key), ())
        return [version for since, version in known if since <= until and version is not None]

    def next_present(self, platform: Platform, key: str, at: int) -> int | None:
        """The first moment from ``at`` on at which the workload is there; nothing if it does not return."""
        if self.workload(platform, key, at) is not None:
            return at
        versions = self._versions.get((platform, key), ())
        return next((since for since, version in versions if since > at and version is not None), None)

    def last_present(self, platform: Platform, key: str, at: int) -> int:
        """``at``, or when the workload went away if it is not there then (before it came: ``at``)."""
        if self.workload(platform, key, at) is not None:
            return at
        gone = [since for since, version in self._versions.get((platform, key), ()) if since <= at]
        return gone[-1] if gone else at

    def named(self, platform: Platform, name: str, at: int) -> Workload | None:
        """The workload that has this name at a time."""
        found = self.workload(platform, name, at)  # mostly the name is the key
        if found is not None and found.name == name:
            return found
        return next((w for w in self.workloads(platform, at) if w.name == name), None)

    def workloads(self, platform: Platform, at: int) -> list[Workload]:
        """All workloads of a platform at a time, in the order in which they were added."""
        with self._lock:
            present = self._present.get(platform)
            if present is None or not present.since <= at < present.until:
                present = self._present[platform] = self._present_at(platform, at)
        return list(present.workloads)

    def _present_at(self, platform: Platform, at: int) -> _Present:
        keys = self.keys(platform)
        times = [since for key in keys for since, _ in self._versions[platform, key]]
        return _Present(
            max((time for time in times if time <= at), default=-inf),
            min((time for time in times if time > at), default=inf),
            tuple(workload for key in keys if (workload := self.workload(platform, key, at)) is not None),
        )

    def keys(self, platform: Platform) -> list[str]:
        """The keys of all workloads that a platform ever has."""
        return [key for found, key in list(self._versions) if found == platform]
